#include "engines/redis/redis_signals.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/mutex.h"
#include "core/try.h"
#include "engines/redis/redis_broadcasts.h"
#include "engines/redis/redis_mailbox.h"
#include "ports/signal_address.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;

// The agents for which this process said lately that they are there.
class Appearances {
 public:
  explicit Appearances(std::shared_ptr<const Clock> clock) : clock_(std::move(clock)) {}

  bool is_recent(std::string_view agent) const {
    const MutexLock lock(mutex_);
    const auto found = seen_.find(agent);
    return found != seen_.end() && clock_->boot_now() < found->second + kRepeat;
  }
  void note(std::string_view agent) {
    const MutexLock lock(mutex_);
    // Forgetting costs a round trip, no more.
    if (seen_.size() >= limits::kRedisAppearancesMax) seen_.clear();
    seen_.insert_or_assign(std::string(agent), clock_->boot_now());
  }

 private:
  static constexpr std::chrono::nanoseconds kRepeat = 1h;

  const std::shared_ptr<const Clock> clock_;
  mutable Mutex mutex_;
  std::map<std::string, BootTime, std::less<>> seen_ ALDIS_GUARDED_BY(mutex_);
};

NothingTaken merge(const NothingFound& targeted, const NothingFound& broadcast) {
  NothingTaken merged{targeted.reserved, targeted.due, targeted.now};
  merged.reserved.insert(merged.reserved.end(), broadcast.reserved.begin(), broadcast.reserved.end());
  if (broadcast.due) {
    const StoreTime due = targeted.now + (*broadcast.due - broadcast.now);
    merged.next_due = std::min(due, merged.next_due.value_or(due));
  }
  return merged;
}

// What was delivered or told; nothing for the other answers.
std::optional<TakeOutcome> outcome_in(TakeAnswer& answer) {
  if (auto* delivered = std::get_if<Delivered>(&answer)) return std::move(*delivered);
  if (auto* expired = std::get_if<Expired>(&answer)) return std::move(*expired);
  return std::nullopt;
}

NothingFound nothing_in(TakeAnswer answer) {
  auto* nothing = std::get_if<NothingFound>(&answer);
  return nothing != nullptr ? std::move(*nothing) : NothingFound{};
}

class RedisSignals final : public SignalStore {
 public:
  RedisSignals(const std::shared_ptr<RedisClient>& client, const Groups& groups, std::shared_ptr<const Clock> clock)
      : clock_(std::move(clock)),
        operation_kept_(operation_kept(*client)),
        mailbox_(client, groups),
        broadcasts_(client, groups),
        appearances_(clock_) {}

  Result<void> send(const OutgoingSignal& signal) override {
    return signal.target ? mailbox_.send(signal) : broadcasts_.send(signal);
  }

  Result<TakeOutcome> take(const TakeRequest& request) override {
    ALDIS_TRY(use(request.agent));
    const TakeOptions& options = request.options;
    if (!options.consume) return take_afresh({request, {}, {}});
    if (options.take_id.empty()) return take_afresh({request, new_operation(), operation_kept_});
    return take_named({request, "u:" + options.take_id, limits::kTakeIdRetention});
  }

  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type) override {
    ALDIS_TRY(use(agent));
    ALDIS_TRY_ASSIGN(std::vector<CoordinationSignal> signals, mailbox_.pending(agent, type));
    ALDIS_TRY_ASSIGN(std::vector<CoordinationSignal> broadcasts, broadcasts_.pending(agent, type));
    std::ranges::move(broadcasts, std::back_inserter(signals));
    return signals;
  }

  Result<std::uint64_t> clear(std::string_view agent, std::string_view type) override {
    ALDIS_TRY(use(agent));
    ALDIS_TRY_ASSIGN(const std::uint64_t targeted, mailbox_.clear(agent, type, new_operation()));
    ALDIS_TRY_ASSIGN(const std::uint64_t broadcast, broadcasts_.clear(agent, type, new_operation()));
    return targeted + broadcast;
  }

  Result<void> acknowledge(std::string_view agent, const Id128& signal_id,
                           std::optional<std::uint32_t> attempt) override {
    if (is_broadcast_id(signal_id)) return broadcasts_.acknowledge(agent, signal_id, attempt);
    return mailbox_.acknowledge(agent, signal_id, attempt);
  }

  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations) override {
    std::vector<Reservation> targeted;
    std::vector<Reservation> broadcast;
    for (const Reservation& one : reservations) (is_broadcast_id(one.signal_id) ? broadcast : targeted).push_back(one);
    std::uint64_t returned = 0;
    if (!targeted.empty()) {
      ALDIS_TRY_ASSIGN(returned, mailbox_.hand_back(agent, targeted, new_operation()));
    }
    if (!broadcast.empty()) {
      ALDIS_TRY_ASSIGN(const std::uint64_t more, broadcasts_.hand_back(agent, broadcast, new_operation()));
      returned += more;
    }
    return returned;
  }

  Result<ReceiptReading> receipt(const Id128& signal_id) override {
    return is_broadcast_id(signal_id) ? broadcasts_.receipt(signal_id) : mailbox_.receipt(signal_id);
  }

  Result<void> appear(std::string_view agent) override { return use(agent); }

 private:
  // An agent appears at its first call, though its mailbox alone may answer that.
  Result<void> use(std::string_view agent) {
    if (appearances_.is_recent(agent)) return {};
    ALDIS_TRY(broadcasts_.appear(agent));
    appearances_.note(agent);
    return {};
  }

  std::string new_operation() const { return "i:" + format_id("", make_id(clock_->wall_now())); }

  Result<TakeOutcome> take_named(const TakeCall& call) {
    ALDIS_TRY_ASSIGN(TakeAnswer targeted, mailbox_.take(call, TakeMode::recall));
    if (auto outcome = outcome_in(targeted)) return *std::move(outcome);
    ALDIS_TRY_ASSIGN(TakeAnswer broadcast, broadcasts_.take(call, TakeMode::recall));
    if (auto outcome = outcome_in(broadcast)) return *std::move(outcome);
    ALDIS_TRY_ASSIGN(TakeOutcome outcome, take_afresh(call));
    ALDIS_TRY(forget_stale(call, targeted, broadcast, outcome));
    return outcome;
  }

  // A take id has one answer: what the other side still remembers under it must not come back.
  Result<void> forget_stale(const TakeCall& call, const TakeAnswer& targeted, const TakeAnswer& broadcast,
                            const TakeOutcome& outcome) {
    if (std::holds_alternative<NothingTaken>(outcome)) return {};
    const auto is_stale = [](const TakeAnswer& recalled) {
      const auto* nothing = std::get_if<NothingRecalled>(&recalled);
      return nothing != nullptr && nothing->is_stale;
    };
    const auto* delivered = std::get_if<Delivered>(&outcome);
    const std::string& id = delivered != nullptr ? delivered->signal.signal_id : std::get<Expired>(outcome).signal_id;
    const auto parsed = parse_id(kSignalIdPrefix, id);
    const bool is_broadcast = parsed && is_broadcast_id(*parsed);
    if (is_broadcast && is_stale(targeted)) ALDIS_TRY(mailbox_.take(call, TakeMode::forget));
    if (!is_broadcast && is_stale(broadcast)) ALDIS_TRY(broadcasts_.take(call, TakeMode::forget));
    return {};
  }

  // A targeted signal, else a broadcast, else a targeted expiry, else one of a broadcast.
  Result<TakeOutcome> take_afresh(const TakeCall& call) {
    const bool yields = call.request.yields_to_holders;
    ALDIS_TRY_ASSIGN(TakeAnswer first, mailbox_.take(call, TakeMode::live));
    if (auto outcome = outcome_in(first)) return *std::move(outcome);
    NothingFound targeted = nothing_in(std::move(first));
    if (targeted.left == NothingFound::Left::signal) return merge(targeted, {});
    const bool met_holder = yields && !targeted.reserved.empty();
    const bool expiry_waits = targeted.left == NothingFound::Left::expiry;
    const TakeMode mode = met_holder ? TakeMode::look : expiry_waits ? TakeMode::live : TakeMode::full;
    ALDIS_TRY_ASSIGN(TakeAnswer second, broadcasts_.take(call, mode));
    if (auto outcome = outcome_in(second)) return *std::move(outcome);
    const NothingFound broadcast = nothing_in(std::move(second));
    const bool gives_way = met_holder || (yields && !broadcast.reserved.empty());
    if (expiry_waits && !gives_way) {
      ALDIS_TRY_ASSIGN(TakeAnswer third, mailbox_.take(call, TakeMode::full));
      if (auto outcome = outcome_in(third)) return *std::move(outcome);
      targeted = nothing_in(std::move(third));
    }
    return merge(targeted, broadcast);
  }

  const std::shared_ptr<const Clock> clock_;
  const std::chrono::nanoseconds operation_kept_;
  RedisMailbox mailbox_;
  RedisBroadcasts broadcasts_;
  Appearances appearances_;
};

}  // namespace

std::shared_ptr<SignalStore> make_redis_signals(std::shared_ptr<RedisClient> client, Groups groups,
                                                std::shared_ptr<const Clock> clock) {
  return std::make_shared<RedisSignals>(client, groups, std::move(clock));
}

}  // namespace aldis
