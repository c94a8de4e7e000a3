#include "fakes/memory_signals.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/failure.h"
#include "core/mutex.h"
#include "core/try.h"
#include "fakes/signal_model.h"

namespace aldis::testing {
namespace {

struct Taken {
  StoreTime keep_until;
  SignalNews news;
};

bool matches(const SignalFilter& filter, std::string_view type, std::string_view source) {
  const bool type_matches = filter.types.empty() || std::ranges::find(filter.types, type) != filter.types.end();
  return type_matches && (filter.source.empty() || filter.source == source);
}

bool matches(const SignalFilter& filter, const Stored& stored) {
  return matches(filter, stored.signal.signal_type, stored.signal.source_agent);
}

CoordinationSignal at_attempt(CoordinationSignal signal, std::uint32_t attempt) {
  signal.attempt = attempt;
  return signal;
}

// Whether the newest taking, number `newest`, may be acknowledged under the number that the caller knows.
Result<void> check_attempt(std::optional<std::uint32_t> attempt, std::uint32_t newest) {
  if (newest == 0) return fail(ErrorCode::failed_precondition, "never reserved");
  if (attempt && *attempt < newest) return fail(ErrorCode::conflict, "retaken");
  if (attempt && *attempt > newest) return fail(ErrorCode::failed_precondition, "not reserved so often");
  return {};
}

// Of one that was taken for good already.
Result<void> check_taken(std::optional<std::uint32_t> attempt, std::uint32_t newest, bool acknowledged) {
  ALDIS_TRY(check_attempt(attempt, newest));
  if (acknowledged) return {};
  if (!attempt && newest > 1) return fail(ErrorCode::conflict, "retaken");
  return fail(ErrorCode::failed_precondition, "never reserved");
}

class MemorySignals final : public SignalStore {
 public:
  MemorySignals(std::shared_ptr<const Clock> clock, Ring ring) : ring_(std::move(ring)), model_(std::move(clock)) {}

  Result<void> send(const OutgoingSignal& signal) override {
    {
      const MutexLock lock(mutex_);
      model_.settle();
      if (model_.find(signal.id) != nullptr) return {};
      Lane& lane = signal.target ? model_.mailbox(*signal.target) : model_.broadcasts()[std::string(signal.type)];
      const std::size_t limit = signal.target ? limits::kMailboxSignalsMax : limits::kBroadcastsMax;
      if (lane.live.size() >= limit) return fail(ErrorCode::resource_exhausted, "{} signals are the limit", limit);
      if (signal.target && lane.bytes + signal.payload.size() > limits::kMailboxBytesMax) {
        return fail(ErrorCode::resource_exhausted, "{} bytes are the limit", limits::kMailboxBytesMax);
      }
      model_.add(lane, signal);
    }
    ring_(signal.target ? std::optional<Topic>({Topic::Kind::mailbox, *signal.target}) : std::nullopt);
    return {};
  }

  Result<TakeOutcome> take(const TakeRequest& request) override {
    TakeOutcome outcome;
    {
      const MutexLock lock(mutex_);
      model_.settle();
      outcome = take_settled(request);
    }
    if (const auto* delivered = std::get_if<Delivered>(&outcome)) ring_receipt(delivered->signal.signal_id);
    return outcome;
  }

  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type) override {
    const MutexLock lock(mutex_);
    model_.settle();
    model_.use(agent);
    std::vector<CoordinationSignal> signals;
    const Lane& own = model_.mailbox(agent);
    for (const Commit commit : model_.free_in(own, type)) {
      const Stored& stored = own.signals.at(commit);
      signals.push_back(at_attempt(stored.signal, stored.hold.attempt + 1));
    }
    for (const auto& [commit, stored] : model_.free_broadcasts(agent, type)) {
      signals.push_back(at_attempt(stored->signal, model_.hold_of(agent, commit, *stored).attempt + 1));
    }
    return signals;
  }

  Result<std::uint64_t> clear(std::string_view agent, std::string_view type) override {
    std::uint64_t cleared = 0;
    std::vector<std::string> ended;
    {
      const MutexLock lock(mutex_);
      model_.settle();
      model_.use(agent);
      Lane& lane = model_.mailbox(agent);
      for (const Commit commit : model_.free_in(lane, type)) {
        ended.push_back(lane.signals.at(commit).signal.signal_id);
        model_.end(lane, commit, ReceiptState::cleared);
        ++cleared;
      }
      for (const auto& [commit, stored] : model_.free_broadcasts(agent, type)) {
        model_.finish(agent, commit, *stored);
        ++cleared;
      }
      model_.settle();
    }
    for (const std::string& id : ended) ring_receipt(id);
    return cleared;
  }

  Result<void> acknowledge(std::string_view agent, const Id128& id, std::optional<std::uint32_t> attempt) override {
    {
      const MutexLock lock(mutex_);
      model_.settle();
      Stored* const stored = model_.find(id);
      if (stored == nullptr) return fail(ErrorCode::not_found, "unknown");
      ALDIS_TRY(stored->signal.target_agent ? acknowledge_targeted(agent, *stored, attempt)
                                            : acknowledge_broadcast(agent, *stored, attempt));
      model_.settle();
    }
    ring_receipt(format_id(kSignalIdPrefix, id));
    return {};
  }

  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations) override {
    std::vector<Id128> returned;
    {
      const MutexLock lock(mutex_);
      model_.settle();
      for (const Reservation& reservation : reservations) {
        Hold* const hold = model_.find_hold(agent, reservation.signal_id);
        if (hold == nullptr || hold->until <= model_.now() || hold->attempt != reservation.attempt ||
            hold->holder != reservation.holder) {
          continue;
        }
        *hold = Hold{hold->attempt, {}, std::nullopt};
        returned.push_back(reservation.signal_id);
      }
    }
    if (!returned.empty()) ring_({{Topic::Kind::mailbox, agent}});
    for (const Id128& id : returned) ring_receipt(format_id(kSignalIdPrefix, id));
    return returned.size();
  }

  Result<ReceiptReading> receipt(const Id128& id) override {
    const MutexLock lock(mutex_);
    model_.settle();
    const Stored* const stored = model_.find(id);
    if (stored == nullptr) return fail(ErrorCode::not_found, "unknown");
    ReceiptReading reading;
    reading.now = model_.now();
    Receipt& receipt = reading.receipt;
    receipt.signal_id = stored->signal.signal_id;
    receipt.state = stored->state;
    receipt.broadcast = !stored->signal.target_agent;
    const bool held = stored->state == ReceiptState::pending && stored->hold.until > model_.now();
    if (held) receipt.state = ReceiptState::reserved;
    if (!stored->readers.empty()) receipt.state = ReceiptState::delivered;
    if (held || receipt.state == ReceiptState::pending) reading.due = stored->deadline;
    const bool delivered = receipt.state == ReceiptState::delivered;
    if ((held || delivered) && !receipt.broadcast) receipt.delivered_to = *stored->signal.target_agent;
    if (delivered)
      receipt.delivered_at = receipt.broadcast ? stored->readers.front().who.read_at : stored->delivered_at;
    if (receipt.state == ReceiptState::expired) receipt.expired_at = stored->signal.expires_at;
    receipt.readers_total = stored->readers.size();
    for (const Stored::Reader& reader : stored->readers) {
      if (receipt.readers.size() < limits::kReceiptReadersMax) receipt.readers.push_back(reader.who);
    }
    return reading;
  }

  Result<void> appear(std::string_view agent) override {
    const MutexLock lock(mutex_);
    model_.settle();
    model_.use(agent);
    return {};
  }

 private:
  // A broadcast or a targeted signal that a take may answer with.
  struct Found {
    Commit commit = 0;
    Stored* stored = nullptr;
  };

  void read(std::string_view agent, Commit commit, Stored& stored, std::uint32_t attempt, bool acknowledged)
      ALDIS_REQUIRES(mutex_) {
    model_.finish(agent, commit, stored);
    stored.readers.push_back({{std::string(agent), model_.wall()}, attempt, acknowledged});
  }

  TakeOutcome take_settled(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    const bool named = request.options.consume && !request.options.take_id.empty();
    const std::pair<std::string, std::string> name(request.agent, request.options.take_id);
    model_.use(request.agent);
    if (const auto taken = taken_.find(name);
        named && taken != taken_.end() && taken->second.keep_until > model_.now()) {
      if (auto outcome = repeat(request, taken->second.news)) return *std::move(outcome);
    }
    TakeOutcome outcome = answer(request);
    model_.settle();
    if (!named) return outcome;
    if (const auto* delivered = std::get_if<Delivered>(&outcome))
      taken_[name] = {model_.now() + limits::kTakeIdRetention, *delivered};
    if (const auto* expired = std::get_if<Expired>(&outcome))
      taken_[name] = {model_.now() + limits::kTakeIdRetention, *expired};
    return outcome;
  }

  // What a take with the same id answered before, if that still stands.
  std::optional<TakeOutcome> repeat(const TakeRequest& request, const SignalNews& earlier) ALDIS_REQUIRES(mutex_) {
    if (const auto* expired = std::get_if<Expired>(&earlier)) return *expired;
    const auto& delivered = std::get<Delivered>(earlier);
    const std::uint32_t attempt = delivered.signal.attempt;
    Stored* const stored = model_.find(parse_id(kSignalIdPrefix, delivered.signal.signal_id).value());
    if (stored == nullptr) return delivered;
    for (const Stored::Reader& reader : stored->readers) {
      if (reader.who.agent_id == request.agent && reader.attempt == attempt) return delivered;
    }
    if (stored->state == ReceiptState::delivered && stored->hold.attempt == attempt) return delivered;
    Hold* const hold = model_.find_hold(request.agent, stored->id);
    if (hold == nullptr || hold->attempt != attempt) return std::nullopt;
    if (hold->until <= model_.now()) {
      if (!request.options.acknowledge_within) return std::nullopt;
      hold->until = model_.now() + *request.options.acknowledge_within;
    }
    hold->holder = request.holder;
    if (!stored->signal.target_agent) model_.changed_position(request.agent, stored->signal.signal_type);
    return delivered;
  }

  TakeOutcome answer(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    const Found targeted = first_targeted(request);
    const Found broadcast = targeted.stored == nullptr ? first_broadcast(request) : Found{};
    if (request.yields_to_holders) {
      NothingTaken passed_over = nothing(request, targeted, broadcast);
      if (!passed_over.reserved.empty()) return passed_over;
    }
    if (targeted.stored != nullptr) return Delivered{deliver_targeted(request, targeted)};
    if (broadcast.stored != nullptr) return Delivered{deliver_broadcast(request, broadcast)};
    if (auto expired = tell(request)) return *std::move(expired);
    return nothing(request, {}, {});
  }

  Found first_targeted(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    Lane& lane = model_.mailbox(request.agent);
    for (const Commit commit : lane.live) {
      Stored& stored = lane.signals.at(commit);
      if (matches(request.filter, stored) && stored.hold.until <= model_.now()) return {commit, &stored};
    }
    return {};
  }

  Found first_broadcast(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    for (const auto& [commit, stored] : model_.free_broadcasts(request.agent, {})) {
      if (matches(request.filter, *stored)) return {commit, stored};
    }
    return {};
  }

  Hold new_hold(const TakeRequest& request, std::uint32_t attempts) ALDIS_REQUIRES(mutex_) {
    return {attempts + 1, model_.now() + *request.options.acknowledge_within, request.holder};
  }

  CoordinationSignal deliver_targeted(const TakeRequest& request, const Found& found) ALDIS_REQUIRES(mutex_) {
    Stored& stored = *found.stored;
    CoordinationSignal signal = at_attempt(stored.signal, stored.hold.attempt + 1);
    if (!request.options.consume) return signal;
    if (request.options.acknowledge_within) {
      stored.hold = new_hold(request, stored.hold.attempt);
    } else {
      ++stored.hold.attempt;
      stored.delivered_at = model_.wall();
      model_.end(model_.mailbox(request.agent), found.commit, ReceiptState::delivered);
    }
    return signal;
  }

  CoordinationSignal deliver_broadcast(const TakeRequest& request, const Found& found) ALDIS_REQUIRES(mutex_) {
    Stored& stored = *found.stored;
    const std::uint32_t attempts = model_.hold_of(request.agent, found.commit, stored).attempt;
    if (request.options.consume && request.options.acknowledge_within) {
      model_.changed_position(request.agent, stored.signal.signal_type).holds[found.commit] =
          new_hold(request, attempts);
    } else if (request.options.consume) {
      read(request.agent, found.commit, stored, attempts + 1, false);
    }
    return at_attempt(stored.signal, attempts + 1);
  }

  std::optional<Expired> tell(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    const bool consume = request.options.consume;
    Notices& owed = model_.notices(request.agent);
    if (auto expired = tell_folded(request, owed.folded)) return expired;
    for (const auto& [commit, notice] : owed.untold) {
      if (!matches(request.filter, notice.signal_type, notice.source_agent)) continue;
      Expired expired = notice;
      if (consume) owed.untold.erase(commit);
      return expired;
    }
    if (auto expired = tell_folded(request, owed.folded_broadcasts)) return expired;
    return tell_broadcast(request);
  }

  std::optional<Expired> tell_folded(const TakeRequest& request, FoldedByType& owed) ALDIS_REQUIRES(mutex_) {
    auto first = owed.end();
    for (auto one = owed.begin(); one != owed.end(); ++one) {
      const Folded& folded = one->second;
      if (folded.keep_until <= model_.now() || !matches(request.filter, one->first, folded.newest.source_agent))
        continue;
      if (first == owed.end() || folded.commit < first->second.commit) first = one;
    }
    if (first == owed.end()) return std::nullopt;
    Expired expired = first->second.newest;
    expired.count = first->second.count;
    if (request.options.consume) owed.erase(first);
    return expired;
  }

  std::optional<Expired> tell_broadcast(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    Found first;
    for (auto& [type, lane] : model_.broadcasts()) {
      for (const auto& [ended, commit] : lane.ended) {
        Stored& stored = lane.signals.at(commit);
        const bool older = first.stored == nullptr || commit < first.commit;
        if (older && matches(request.filter, stored) && model_.concerns(request.agent, commit, stored))
          first = {commit, &stored};
      }
    }
    if (first.stored == nullptr) return std::nullopt;
    if (request.options.consume) model_.finish(request.agent, first.commit, *first.stored);
    return expiry_of(*first.stored);
  }

  // What is held in front of what was found.
  NothingTaken nothing(const TakeRequest& request, const Found& targeted, const Found& broadcast)
      ALDIS_REQUIRES(mutex_) {
    NothingTaken nothing;
    nothing.now = model_.now();
    std::map<std::pair<bool, Commit>, Reservation> reserved;  // targeted ones first
    const auto note = [&](Commit commit, const Stored& stored, const Hold& hold, const Found& found) {
      if (hold.until <= nothing.now || !matches(request.filter, stored)) return;
      if (found.stored != nullptr && commit > found.commit) return;
      const StoreTime due = std::min(hold.until, stored.deadline);
      nothing.next_due = std::min(due, nothing.next_due.value_or(due));
      if (hold.holder)
        reserved[{!stored.signal.target_agent, commit}] = Reservation{stored.id, hold.attempt, *hold.holder};
    };
    const Lane& own = model_.mailbox(request.agent);
    for (const Commit commit : own.live) note(commit, own.signals.at(commit), own.signals.at(commit).hold, targeted);
    for (const auto& [type, lane] : model_.broadcasts()) {
      if (targeted.stored != nullptr) break;
      for (const Commit commit : lane.live) {
        const Stored& stored = lane.signals.at(commit);
        if (!model_.concerns(request.agent, commit, stored)) continue;
        note(commit, stored, model_.hold_of(request.agent, commit, stored), broadcast);
      }
    }
    for (auto& [place, reservation] : reserved) nothing.reserved.push_back(std::move(reservation));
    return nothing;
  }

  Result<void> acknowledge_targeted(std::string_view agent, Stored& stored, std::optional<std::uint32_t> attempt)
      ALDIS_REQUIRES(mutex_) {
    if (stored.signal.target_agent != agent) return fail(ErrorCode::failed_precondition, "not yours");
    switch (stored.state) {
      case ReceiptState::expired:
      case ReceiptState::cleared:
        return fail(ErrorCode::failed_precondition, "over");
      case ReceiptState::delivered:
        return check_taken(attempt, stored.hold.attempt, stored.acknowledged);
      case ReceiptState::pending:
      case ReceiptState::reserved:
        break;
    }
    ALDIS_TRY(check_attempt(attempt, stored.hold.attempt));
    stored.acknowledged = true;
    stored.delivered_at = model_.wall();
    model_.end(model_.mailbox(agent), model_.commit_of(stored.id), ReceiptState::delivered);
    return {};
  }

  Result<void> acknowledge_broadcast(std::string_view agent, Stored& stored, std::optional<std::uint32_t> attempt)
      ALDIS_REQUIRES(mutex_) {
    for (const Stored::Reader& reader : stored.readers) {
      if (reader.who.agent_id == agent) return check_taken(attempt, reader.attempt, reader.acknowledged);
    }
    if (stored.state == ReceiptState::expired) return fail(ErrorCode::failed_precondition, "over");
    const Commit commit = model_.commit_of(stored.id);
    const std::uint32_t newest = model_.hold_of(agent, commit, stored).attempt;
    ALDIS_TRY(check_attempt(attempt, newest));
    read(agent, commit, stored, newest, true);
    return {};
  }

  void ring_receipt(std::string_view signal_id) const {
    ring_({{Topic::Kind::signal, signal_id.substr(kSignalIdPrefix.size())}});
  }

  const Ring ring_;
  Mutex mutex_;
  SignalModel model_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::string>, Taken> taken_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<SignalStore> make_memory_signals(std::shared_ptr<const Clock> clock, Ring ring) {
  return std::make_shared<MemorySignals>(std::move(clock), std::move(ring));
}

}  // namespace aldis::testing
