#include "fakes/memory_signals.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/failure.h"
#include "core/mutex.h"
#include "core/try.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using Commit = std::uint64_t;

// How often something was reserved, and who has it until when.
struct Hold {
  std::uint32_t attempt = 0;
  StoreTime until;
  std::optional<ProcessIdentity> holder;
};

struct Stored {
  CoordinationSignal signal;
  Id128 id;
  StoreTime deadline;
  ReceiptState state = ReceiptState::pending;  // reserved is derived from the hold
  Hold hold;                                   // of a targeted one
  bool acknowledged = false;
  WallTime delivered_at;
  struct Reader {
    SignalReader who;
    std::uint32_t attempt = 0;
    bool acknowledged = false;
  };
  std::vector<Reader> readers;  // of a broadcast
};

// A mailbox, or all broadcasts of a type.
struct Lane {
  std::map<Commit, Stored> signals;
  std::set<Commit> live;
  std::set<std::pair<StoreTime, Commit>> ended;  // the tombstones, oldest first
  std::size_t bytes = 0;
};

struct Folded {
  std::uint64_t count = 0;
  Commit commit = 0;  // of the newest
  Expired newest;
  StoreTime keep_until;
};

// What one agent has done with the broadcasts of a type.
struct Position {
  std::set<Commit> done;
  std::map<Commit, Hold> holds;
  StoreTime changed;
};

struct Agent {
  StoreTime appeared;
  StoreTime used;
  std::map<std::string, Position, std::less<>> positions;
};

struct Notices {
  std::map<Commit, Expired> untold;
  std::map<std::string, Folded, std::less<>> folded;  // by type
};

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

Expired expiry_of(const Stored& stored) {
  const CoordinationSignal& signal = stored.signal;
  return {signal.signal_id, signal.signal_type, signal.source_agent, signal.timestamp, signal.expires_at, 1};
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
  MemorySignals(std::shared_ptr<const Clock> clock, Ring ring) : clock_(std::move(clock)), ring_(std::move(ring)) {}

  Result<void> send(const OutgoingSignal& signal) override {
    {
      const MutexLock lock(mutex_);
      settle();
      if (places_.contains(signal.id)) return {};
      Lane& lane = signal.target ? mailboxes_[std::string(*signal.target)] : broadcasts_[std::string(signal.type)];
      const std::size_t limit = signal.target ? limits::kMailboxSignalsMax : limits::kBroadcastsMax;
      if (lane.live.size() >= limit) return fail(ErrorCode::resource_exhausted, "{} signals are the limit", limit);
      if (signal.target && lane.bytes + signal.payload.size() > limits::kMailboxBytesMax) {
        return fail(ErrorCode::resource_exhausted, "{} bytes are the limit", limits::kMailboxBytesMax);
      }
      add(lane, signal);
    }
    signal.target ? ring_mailbox(*signal.target) : ring_all();
    return {};
  }

  Result<TakeOutcome> take(const TakeRequest& request) override {
    TakeOutcome outcome;
    {
      const MutexLock lock(mutex_);
      settle();
      outcome = take_settled(request);
    }
    if (const auto* delivered = std::get_if<Delivered>(&outcome)) ring_mailbox(delivered->signal.source_agent);
    return outcome;
  }

  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type) override {
    const MutexLock lock(mutex_);
    settle();
    use(agent);
    std::vector<CoordinationSignal> signals;
    const Lane& own = mailbox(agent);
    for (const Commit commit : free_in(own, type)) {
      const Stored& stored = own.signals.at(commit);
      signals.push_back(at_attempt(stored.signal, stored.hold.attempt + 1));
    }
    for (const auto& [commit, stored] : free_broadcasts(agent, type)) {
      signals.push_back(at_attempt(stored->signal, hold_of(agent, commit, *stored).attempt + 1));
    }
    return signals;
  }

  Result<std::uint64_t> clear(std::string_view agent, std::string_view type) override {
    std::uint64_t cleared = 0;
    {
      const MutexLock lock(mutex_);
      settle();
      use(agent);
      Lane& lane = mailbox(agent);
      for (const Commit commit : free_in(lane, type)) {
        end(lane, commit, ReceiptState::cleared);
        ++cleared;
      }
      for (const auto& [commit, stored] : free_broadcasts(agent, type)) {
        finish(agent, commit, *stored);
        ++cleared;
      }
      settle();
    }
    if (cleared > 0) ring_all();
    return cleared;
  }

  Result<void> acknowledge(std::string_view agent, const Id128& id, std::optional<std::uint32_t> attempt) override {
    std::string source;
    {
      const MutexLock lock(mutex_);
      settle();
      Stored* const stored = find(id);
      if (stored == nullptr) return fail(ErrorCode::not_found, "unknown");
      source = stored->signal.source_agent;
      ALDIS_TRY(stored->signal.target_agent ? acknowledge_targeted(agent, *stored, attempt)
                                            : acknowledge_broadcast(agent, *stored, attempt));
      settle();
    }
    ring_mailbox(source);
    return {};
  }

  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations) override {
    std::uint64_t returned = 0;
    {
      const MutexLock lock(mutex_);
      settle();
      for (const Reservation& reservation : reservations) {
        Hold* const hold = find_hold(agent, reservation.signal_id);
        if (hold == nullptr || hold->until <= now_ || hold->attempt != reservation.attempt ||
            hold->holder != reservation.holder) {
          continue;
        }
        *hold = Hold{hold->attempt, {}, std::nullopt};
        ++returned;
      }
    }
    if (returned > 0) ring_mailbox(agent);
    return returned;
  }

  Result<Receipt> receipt(const Id128& id) override {
    const MutexLock lock(mutex_);
    settle();
    const Stored* const stored = find(id);
    if (stored == nullptr) return fail(ErrorCode::not_found, "unknown");
    Receipt receipt;
    receipt.signal_id = stored->signal.signal_id;
    receipt.state = stored->state;
    receipt.broadcast = !stored->signal.target_agent;
    const bool held = stored->state == ReceiptState::pending && stored->hold.until > now_;
    if (held) receipt.state = ReceiptState::reserved;
    if (!stored->readers.empty()) receipt.state = ReceiptState::delivered;
    const bool delivered = receipt.state == ReceiptState::delivered;
    if ((held || delivered) && !receipt.broadcast) receipt.delivered_to = *stored->signal.target_agent;
    if (delivered)
      receipt.delivered_at = receipt.broadcast ? stored->readers.front().who.read_at : stored->delivered_at;
    if (receipt.state == ReceiptState::expired) receipt.expired_at = stored->signal.expires_at;
    receipt.readers_total = stored->readers.size();
    for (const Stored::Reader& reader : stored->readers) {
      if (receipt.readers.size() < limits::kReceiptReadersMax) receipt.readers.push_back(reader.who);
    }
    return receipt;
  }

  Result<void> appear(std::string_view agent) override {
    const MutexLock lock(mutex_);
    settle();
    use(agent);
    return {};
  }

 private:
  struct Place {
    bool broadcast = false;
    std::string lane;
    Commit commit = 0;
  };
  // A broadcast or a targeted signal that a take may answer with.
  struct Found {
    Commit commit = 0;
    Stored* stored = nullptr;
  };

  Lane& mailbox(std::string_view agent) ALDIS_REQUIRES(mutex_) { return mailboxes_[std::string(agent)]; }
  Notices& notices(std::string_view agent) ALDIS_REQUIRES(mutex_) { return notices_[std::string(agent)]; }

  Stored* find(const Id128& id) ALDIS_REQUIRES(mutex_) {
    const auto place = places_.find(id);
    if (place == places_.end()) return nullptr;
    auto& lanes = place->second.broadcast ? broadcasts_ : mailboxes_;
    return &lanes.at(place->second.lane).signals.at(place->second.commit);
  }

  void add(Lane& lane, const OutgoingSignal& signal) ALDIS_REQUIRES(mutex_) {
    Stored stored;
    stored.id = signal.id;
    stored.deadline = now_ + signal.ttl;
    stored.signal.signal_id = format_id(kSignalIdPrefix, signal.id);
    stored.signal.signal_type = signal.type;
    stored.signal.source_agent = signal.source;
    if (signal.target) stored.signal.target_agent = *signal.target;
    stored.signal.payload = Json::trusted(std::string(signal.payload));
    stored.signal.timestamp = signal.sent_at;
    stored.signal.ttl = signal.ttl;
    stored.signal.expires_at = signal.sent_at + std::chrono::duration_cast<std::chrono::microseconds>(signal.ttl);
    const Commit commit = ++commits_;
    places_[signal.id] = {!signal.target, std::string(signal.target.value_or(signal.type)), commit};
    lane.live.insert(commit);
    lane.bytes += signal.payload.size();
    next_due_ = std::min(next_due_, stored.deadline);
    lane.signals.emplace(commit, std::move(stored));
  }

  void end(Lane& lane, Commit commit, ReceiptState state) ALDIS_REQUIRES(mutex_) {
    Stored& stored = lane.signals.at(commit);
    const StoreTime ended = state == ReceiptState::expired ? stored.deadline : now_;
    stored.state = state;
    lane.live.erase(commit);
    lane.bytes -= stored.signal.payload.text().size();
    stored.signal.payload = {};
    lane.ended.emplace(ended, commit);
    next_due_ = std::min(next_due_, ended + limits::kTombstoneRetention);
    if (lane.ended.size() > limits::kTombstonesMax) next_due_ = now_;
  }

  // Expires what is over and forgets tombstones, everywhere.
  void settle() ALDIS_REQUIRES(mutex_) {
    now_ = StoreTime{clock_->boot_now().time_since_epoch()};
    if (now_ < next_due_) return;
    next_due_ = StoreTime::max();
    for (auto& [agent, lane] : mailboxes_) settle_lane(lane);
    for (auto& [type, lane] : broadcasts_) settle_lane(lane);
  }

  void settle_lane(Lane& lane) ALDIS_REQUIRES(mutex_) {
    for (const Commit commit : std::set(lane.live)) {
      const Stored& stored = lane.signals.at(commit);
      if (stored.deadline > now_) {
        next_due_ = std::min(next_due_, stored.deadline);
        continue;
      }
      if (stored.signal.target_agent) notices(*stored.signal.target_agent).untold[commit] = expiry_of(stored);
      end(lane, commit, ReceiptState::expired);
    }
    while (!lane.ended.empty()) {
      const auto [ended, commit] = *lane.ended.begin();
      const bool by_age = ended + limits::kTombstoneRetention <= now_;
      if (!by_age && lane.ended.size() <= limits::kTombstonesMax) break;
      forget(lane.signals.at(commit), commit, ended, by_age);
      lane.ended.erase(lane.ended.begin());
      lane.signals.erase(commit);
    }
    if (!lane.ended.empty()) next_due_ = std::min(next_due_, lane.ended.begin()->first + limits::kTombstoneRetention);
  }

  void forget(const Stored& stored, Commit commit, StoreTime ended, bool by_age) ALDIS_REQUIRES(mutex_) {
    places_.erase(stored.id);
    if (stored.signal.target_agent) {
      Notices& owed = notices(*stored.signal.target_agent);
      if (owed.untold.erase(commit) > 0) fold(owed, stored, commit, ended);
    } else if (!by_age) {
      for (auto& [name, agent] : agents_) {
        if (is_known(agent) && position(name, stored.signal.signal_type) && concerns(name, commit, stored)) {
          fold(notices(name), stored, commit, ended);
        }
      }
    }
  }

  void fold(Notices& owed, const Stored& stored, Commit commit, StoreTime ended) ALDIS_REQUIRES(mutex_) {
    Folded& folded = owed.folded[stored.signal.signal_type];
    if (folded.keep_until <= now_) folded = {};
    ++folded.count;
    folded.keep_until = std::max(folded.keep_until, ended + limits::kPositionRetention);
    if (commit < folded.commit) return;
    folded.commit = commit;
    folded.newest = expiry_of(stored);
  }

  bool is_known(const Agent& agent) const ALDIS_REQUIRES(mutex_) {
    return agent.used + limits::kPositionRetention > now_;
  }

  void use(std::string_view name) ALDIS_REQUIRES(mutex_) {
    const auto [found, is_new] = agents_.try_emplace(std::string(name));
    Agent& agent = found->second;
    if (is_new || !is_known(agent)) agent = Agent{now_, now_, std::move(agent.positions)};
    if (agent.used + 1h <= now_) agent.used = now_;
  }

  // Nothing: the agent has not touched a broadcast of the type for too long.
  Position* position(std::string_view agent, std::string_view type) ALDIS_REQUIRES(mutex_) {
    const auto known = agents_.find(agent);
    if (known == agents_.end()) return nullptr;
    const auto found = known->second.positions.find(type);
    if (found == known->second.positions.end()) return nullptr;
    return found->second.changed + limits::kPositionRetention > now_ ? &found->second : nullptr;
  }

  Position& changed_position(std::string_view agent, std::string_view type) ALDIS_REQUIRES(mutex_) {
    const bool kept = position(agent, type) != nullptr;
    Position& changed = agents_.find(agent)->second.positions[std::string(type)];
    if (!kept) changed = {};
    changed.changed = now_;
    return changed;
  }

  // To be read, or to be told of.
  bool concerns(std::string_view agent, Commit commit, const Stored& stored) ALDIS_REQUIRES(mutex_) {
    const auto known = agents_.find(agent);
    if (known == agents_.end() || !is_known(known->second)) return false;
    const Position* const seen = position(agent, stored.signal.signal_type);
    return stored.signal.source_agent != agent && stored.deadline > known->second.appeared &&
           (seen == nullptr || !seen->done.contains(commit));
  }

  Hold hold_of(std::string_view agent, Commit commit, const Stored& stored) ALDIS_REQUIRES(mutex_) {
    const Position* const seen = position(agent, stored.signal.signal_type);
    if (seen == nullptr) return {};
    const auto found = seen->holds.find(commit);
    return found == seen->holds.end() ? Hold{} : found->second;
  }

  Hold* find_hold(std::string_view agent, const Id128& id) ALDIS_REQUIRES(mutex_) {
    Stored* const stored = find(id);
    if (stored == nullptr || stored->state != ReceiptState::pending) return nullptr;
    if (stored->signal.target_agent) return stored->signal.target_agent == agent ? &stored->hold : nullptr;
    Position* const seen = position(agent, stored->signal.signal_type);
    if (seen == nullptr) return nullptr;
    const auto found = seen->holds.find(places_.at(id).commit);
    return found == seen->holds.end() ? nullptr : &found->second;
  }

  // Live ones of the mailbox that nobody holds.
  std::vector<Commit> free_in(const Lane& lane, std::string_view type) ALDIS_REQUIRES(mutex_) {
    std::vector<Commit> commits;
    for (const Commit commit : lane.live) {
      const Stored& stored = lane.signals.at(commit);
      if ((type.empty() || stored.signal.signal_type == type) && stored.hold.until <= now_) commits.push_back(commit);
    }
    return commits;
  }

  // Live ones that the agent has not read and does not hold, in order.
  std::map<Commit, Stored*> free_broadcasts(std::string_view agent, std::string_view type) ALDIS_REQUIRES(mutex_) {
    std::map<Commit, Stored*> found;
    for (auto& [lane_type, lane] : broadcasts_) {
      if (!type.empty() && lane_type != type) continue;
      for (const Commit commit : lane.live) {
        Stored& stored = lane.signals.at(commit);
        if (concerns(agent, commit, stored) && hold_of(agent, commit, stored).until <= now_) found[commit] = &stored;
      }
    }
    return found;
  }

  void finish(std::string_view agent, Commit commit, const Stored& stored) ALDIS_REQUIRES(mutex_) {
    Position& seen = changed_position(agent, stored.signal.signal_type);
    seen.done.insert(commit);
    seen.holds.erase(commit);
  }

  void read(std::string_view agent, Commit commit, Stored& stored, std::uint32_t attempt, bool acknowledged)
      ALDIS_REQUIRES(mutex_) {
    finish(agent, commit, stored);
    stored.readers.push_back({{std::string(agent), clock_->wall_now()}, attempt, acknowledged});
  }

  TakeOutcome take_settled(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    const bool named = request.options.consume && !request.options.take_id.empty();
    const std::pair<std::string, std::string> name(request.agent, request.options.take_id);
    if (const auto taken = taken_.find(name); named && taken != taken_.end() && taken->second.keep_until > now_) {
      return std::visit([](const auto& news) -> TakeOutcome { return news; }, taken->second.news);
    }
    use(request.agent);
    TakeOutcome outcome = answer(request);
    settle();
    if (!named) return outcome;
    if (const auto* delivered = std::get_if<Delivered>(&outcome))
      taken_[name] = {now_ + limits::kTakeIdRetention, *delivered};
    if (const auto* expired = std::get_if<Expired>(&outcome))
      taken_[name] = {now_ + limits::kTakeIdRetention, *expired};
    return outcome;
  }

  TakeOutcome answer(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    const Found targeted = first_targeted(request);
    if (targeted.stored != nullptr) return Delivered{deliver_targeted(request, targeted)};
    const Found broadcast = first_broadcast(request);
    if (broadcast.stored != nullptr) return Delivered{deliver_broadcast(request, broadcast)};
    if (auto expired = tell(request)) return *std::move(expired);
    return nothing(request);
  }

  Found first_targeted(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    Lane& lane = mailbox(request.agent);
    for (const Commit commit : lane.live) {
      Stored& stored = lane.signals.at(commit);
      if (matches(request.filter, stored) && stored.hold.until <= now_) return {commit, &stored};
    }
    return {};
  }

  Found first_broadcast(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    for (const auto& [commit, stored] : free_broadcasts(request.agent, {})) {
      if (matches(request.filter, *stored)) return {commit, stored};
    }
    return {};
  }

  Hold new_hold(const TakeRequest& request, std::uint32_t attempts) ALDIS_REQUIRES(mutex_) {
    return {attempts + 1, now_ + *request.options.acknowledge_within, request.holder};
  }

  CoordinationSignal deliver_targeted(const TakeRequest& request, const Found& found) ALDIS_REQUIRES(mutex_) {
    Stored& stored = *found.stored;
    CoordinationSignal signal = at_attempt(stored.signal, stored.hold.attempt + 1);
    if (!request.options.consume) return signal;
    if (request.options.acknowledge_within) {
      stored.hold = new_hold(request, stored.hold.attempt);
    } else {
      ++stored.hold.attempt;
      stored.delivered_at = clock_->wall_now();
      end(mailbox(request.agent), found.commit, ReceiptState::delivered);
    }
    return signal;
  }

  CoordinationSignal deliver_broadcast(const TakeRequest& request, const Found& found) ALDIS_REQUIRES(mutex_) {
    Stored& stored = *found.stored;
    const std::uint32_t attempts = hold_of(request.agent, found.commit, stored).attempt;
    if (request.options.consume && request.options.acknowledge_within) {
      changed_position(request.agent, stored.signal.signal_type).holds[found.commit] = new_hold(request, attempts);
    } else if (request.options.consume) {
      read(request.agent, found.commit, stored, attempts + 1, false);
    }
    return at_attempt(stored.signal, attempts + 1);
  }

  std::optional<Expired> tell(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    const bool consume = request.options.consume;
    Notices& owed = notices(request.agent);
    auto first = owed.folded.end();
    for (auto one = owed.folded.begin(); one != owed.folded.end(); ++one) {
      const Folded& folded = one->second;
      if (folded.keep_until <= now_ || !matches(request.filter, one->first, folded.newest.source_agent)) continue;
      if (first == owed.folded.end() || folded.commit < first->second.commit) first = one;
    }
    if (first != owed.folded.end()) {
      Expired expired = first->second.newest;
      expired.count = first->second.count;
      if (consume) owed.folded.erase(first);
      return expired;
    }
    for (const auto& [commit, notice] : owed.untold) {
      if (!matches(request.filter, notice.signal_type, notice.source_agent)) continue;
      Expired expired = notice;
      if (consume) owed.untold.erase(commit);
      return expired;
    }
    return tell_broadcast(request);
  }

  std::optional<Expired> tell_broadcast(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    Found first;
    for (auto& [type, lane] : broadcasts_) {
      for (const auto& [ended, commit] : lane.ended) {
        Stored& stored = lane.signals.at(commit);
        const bool older = first.stored == nullptr || commit < first.commit;
        if (older && matches(request.filter, stored) && concerns(request.agent, commit, stored))
          first = {commit, &stored};
      }
    }
    if (first.stored == nullptr) return std::nullopt;
    if (request.options.consume) finish(request.agent, first.commit, *first.stored);
    return expiry_of(*first.stored);
  }

  NothingTaken nothing(const TakeRequest& request) ALDIS_REQUIRES(mutex_) {
    NothingTaken nothing;
    nothing.now = now_;
    std::map<Commit, Reservation> reserved;
    const auto note = [&](Commit commit, const Stored& stored, const Hold& hold) {
      if (hold.until <= nothing.now || !matches(request.filter, stored)) return;
      const StoreTime due = std::min(hold.until, stored.deadline);
      nothing.next_due = std::min(due, nothing.next_due.value_or(due));
      if (hold.holder) reserved[commit] = Reservation{stored.id, hold.attempt, *hold.holder};
    };
    const Lane& own = mailbox(request.agent);
    for (const Commit commit : own.live) note(commit, own.signals.at(commit), own.signals.at(commit).hold);
    for (const auto& [type, lane] : broadcasts_) {
      for (const Commit commit : lane.live) {
        const Stored& stored = lane.signals.at(commit);
        if (concerns(request.agent, commit, stored)) note(commit, stored, hold_of(request.agent, commit, stored));
      }
    }
    for (auto& [commit, reservation] : reserved) nothing.reserved.push_back(std::move(reservation));
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
    stored.delivered_at = clock_->wall_now();
    end(mailbox(agent), places_.at(stored.id).commit, ReceiptState::delivered);
    return {};
  }

  Result<void> acknowledge_broadcast(std::string_view agent, Stored& stored, std::optional<std::uint32_t> attempt)
      ALDIS_REQUIRES(mutex_) {
    for (const Stored::Reader& reader : stored.readers) {
      if (reader.who.agent_id == agent) return check_taken(attempt, reader.attempt, reader.acknowledged);
    }
    if (stored.state == ReceiptState::expired) return fail(ErrorCode::failed_precondition, "over");
    const Commit commit = places_.at(stored.id).commit;
    const std::uint32_t newest = hold_of(agent, commit, stored).attempt;
    ALDIS_TRY(check_attempt(attempt, newest));
    read(agent, commit, stored, newest, true);
    return {};
  }

  void ring_mailbox(std::string_view agent) const { ring_({Topic::Kind::mailbox, agent}); }
  void ring_all() const { ring_({Topic::Kind::everything, {}}); }

  const std::shared_ptr<const Clock> clock_;
  const Ring ring_;
  Mutex mutex_;
  StoreTime now_ ALDIS_GUARDED_BY(mutex_);                          // of the call that runs
  StoreTime next_due_ ALDIS_GUARDED_BY(mutex_) = StoreTime::max();  // nothing has to be settled before
  Commit commits_ ALDIS_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Lane, std::less<>> mailboxes_ ALDIS_GUARDED_BY(mutex_);   // by agent
  std::map<std::string, Lane, std::less<>> broadcasts_ ALDIS_GUARDED_BY(mutex_);  // by type
  std::map<Id128, Place> places_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::string, Agent, std::less<>> agents_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::string, Notices, std::less<>> notices_ ALDIS_GUARDED_BY(mutex_);  // by agent
  std::map<std::pair<std::string, std::string>, Taken> taken_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<SignalStore> make_memory_signals(std::shared_ptr<const Clock> clock, Ring ring) {
  return std::make_shared<MemorySignals>(std::move(clock), std::move(ring));
}

}  // namespace aldis::testing
