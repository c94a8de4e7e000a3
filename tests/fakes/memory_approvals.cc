#include "fakes/memory_approvals.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "aldis/limits.h"
#include "core/audit_chain.h"
#include "core/failure.h"
#include "core/mutex.h"
#include "core/sha256.h"
#include "core/try.h"

namespace aldis::testing {
namespace {

struct Held {
  ApprovalRecord record;
  std::optional<BootTime> deadline;
  BootTime decided;
  std::set<Id128> changes;  // that were made
};

using Key = std::tuple<std::string, std::string, std::string>;  // agent, type, key

Key key_of(const ApprovalSubject& subject) { return {subject.agent, subject.type, subject.key}; }

bool matches(const ApprovalPage& page, const ApprovalRecord& record) {
  return (page.type.empty() || page.type == record.subject.type) &&
         (page.agent.empty() || page.agent == record.subject.agent) &&
         (page.states.empty() || std::ranges::find(page.states, record.state) != page.states.end());
}

AuditEntry entry_about(const ApprovalRecord& record, AuditKind kind, WallTime now) {
  AuditEntry entry;
  entry.kind = kind;
  entry.time = now;
  entry.request_id = format_id(kApprovalIdPrefix, record.subject.id);
  entry.approval_type = record.subject.type;
  entry.agent_id = record.subject.agent;
  entry.context_hash = record.subject.context_hash;
  return entry;
}

std::string hash_of_reason(std::string_view reason) { return reason.empty() ? "" : sha256_hex(reason); }

std::unexpected<Error> more_behind() { return fail(ErrorCode::data_loss, "more was recorded behind the head"); }

class MemoryLog {
 public:
  void append(AuditEntry entry) {
    chain_entry(entry, bounds_.head);
    entries_.push_back(std::move(entry));
  }
  bool is_full() const { return bounds_.head.number - bounds_.anchor.number >= limits::kAuditEntriesMax; }
  AuditBounds bounds() const {
    AuditBounds bounds = bounds_;
    if (!planted_.empty()) bounds.stray = *planted_.begin();
    return bounds;
  }
  bool has_more_behind() const { return !planted_.empty() && *planted_.rbegin() > bounds_.head.number; }

  std::vector<AuditEntry> behind(std::uint64_t after, std::size_t count) const {
    std::vector<AuditEntry> page;
    for (const AuditEntry& entry : entries_) {
      if (entry.number > after && page.size() < count) page.push_back(entry);
    }
    return page;
  }

  std::optional<std::uint64_t> rotate(const AuditHead& through, std::string_view actor, WallTime now) {
    const auto found = std::ranges::find_if(entries_, [&](const AuditEntry& entry) {
      return entry.number == through.number && entry.hash == through.hash;
    });
    if (found == entries_.end()) return std::nullopt;
    const auto removed = static_cast<std::uint64_t>(found - entries_.begin()) + 1;
    entries_.erase(entries_.begin(), found + 1);
    bounds_.anchor = through;
    AuditEntry rotated;
    rotated.kind = AuditKind::rotated;
    rotated.time = now;
    rotated.actor = actor;
    rotated.detail_hash = through.hash;
    append(std::move(rotated));
    return removed;
  }

  void skip_numbers(std::uint64_t by) {
    entries_.back().number += by;
    bounds_.head.number += by;
  }
  void plant(std::uint64_t number) { planted_.insert(number); }

 private:
  std::vector<AuditEntry> entries_;
  std::set<std::uint64_t> planted_;  // beyond the ends: what is in it is shown to nobody
  AuditBounds bounds_;
};

class MemoryStore final : public ApprovalStore, public AuditStore {
 public:
  MemoryStore(std::shared_ptr<const Clock> clock, Ring ring) : clock_(std::move(clock)), ring_(std::move(ring)) {}

  Result<OpenedApproval> open(const ApprovalSubject& subject) override {
    OpenedApproval opened;
    {
      const MutexLock lock(mutex_);
      ALDIS_TRY(settle());
      if (const Held* const held = find_asked(subject)) return OpenedApproval{reading(*held), true};
      if (pending() >= limits::kPendingApprovalsMax) return fail(ErrorCode::resource_exhausted, "too many are pending");
      if (log_.is_full()) return fail(ErrorCode::resource_exhausted, "the audit log is full");
      if (log_.has_more_behind()) return more_behind();
      opened.reading = reading(add(subject));
    }
    ring(subject.id);
    return opened;
  }

  Result<std::optional<ApprovalReading>> read(const Id128& id) override {
    const MutexLock lock(mutex_);
    ALDIS_TRY(settle());
    const auto found = records_.find(id);
    return found == records_.end() ? std::nullopt : std::optional(reading(found->second));
  }

  Result<std::vector<ApprovalReading>> list(const ApprovalPage& page) override {
    const MutexLock lock(mutex_);
    ALDIS_TRY(settle());
    std::vector<ApprovalReading> found;
    for (const auto& [id, held] : records_) {
      const bool behind = !page.after || *page.after < id;
      if (behind && matches(page, held.record) && found.size() < page.count) found.push_back(reading(held));
    }
    return found;
  }

  Result<ChangeOutcome> change(const Id128& id, const ApprovalChange& change) override {
    ApprovalChanged changed;
    {
      const MutexLock lock(mutex_);
      ALDIS_TRY(settle());
      const auto found = records_.find(id);
      if (found == records_.end()) return fail(ErrorCode::not_found, "unknown");
      Held& held = found->second;
      if (held.changes.contains(change.id)) return ApprovalChanged{reading(held)};
      if (held.record.state != ApprovalState::pending || held.record.version != change.seen_version)
        return ApprovalSuperseded{reading(held)};
      if (log_.has_more_behind()) return more_behind();
      make(held, change);
      changed.reading = reading(held);
    }
    ring(id);
    return changed;
  }

  Result<std::uint64_t> remove_timed_out(std::chrono::nanoseconds age) override {
    const MutexLock lock(mutex_);
    if (const std::size_t removed = remove_settled(age); removed > 0) return removed;
    ALDIS_TRY(settle());
    return remove_settled(age);
  }

  Result<std::string> store_id() override { return std::string("00112233445566778899aabbccddeeff"); }

  Result<AuditBounds> bounds() override {
    const MutexLock lock(mutex_);
    return log_.bounds();
  }
  Result<std::vector<AuditEntry>> entries(std::uint64_t after, std::size_t count) override {
    const MutexLock lock(mutex_);
    return log_.behind(after, count);
  }
  Result<std::uint64_t> rotate(const AuditHead& through, std::string_view actor) override {
    const MutexLock lock(mutex_);
    if (log_.has_more_behind()) return more_behind();
    if (const auto removed = log_.rotate(through, actor, clock_->wall_now())) return *removed;
    return fail(ErrorCode::failed_precondition, "no such entry");
  }

  void skip_audit_numbers(std::uint64_t by) {
    const MutexLock lock(mutex_);
    log_.skip_numbers(by);
  }
  void plant_audit_entry(std::uint64_t number) {
    const MutexLock lock(mutex_);
    log_.plant(number);
  }

 private:
  std::size_t remove_settled(std::chrono::nanoseconds age) ALDIS_REQUIRES(mutex_) {
    std::vector<Id128> old;
    for (const auto& [decided, id] : decided_) {
      const bool timed_out = records_.at(id).record.state == ApprovalState::timed_out;
      if (timed_out && clock_->boot_now() - decided > age && old.size() < limits::kApprovalPage) old.push_back(id);
    }
    for (const Id128& id : old) remove(id);
    return old.size();
  }

  bool has_timed_out(BootTime now) const ALDIS_REQUIRES(mutex_) {
    return !deadlines_.empty() && deadlines_.begin()->first <= now;
  }
  bool has_old(BootTime now) const ALDIS_REQUIRES(mutex_) {
    return !decided_.empty() && now - decided_.begin()->first >= limits::kApprovalRetention;
  }

  Result<void> settle() ALDIS_REQUIRES(mutex_) {
    const BootTime now = clock_->boot_now();
    const bool is_due = has_timed_out(now) || has_old(now);
    if (is_due && log_.has_more_behind()) return more_behind();
    while (has_timed_out(now)) decide(records_.at(deadlines_.begin()->second), ApprovalState::timed_out, "", "");
    while (has_old(now)) remove(decided_.begin()->second);
    return {};
  }

  const Held* find_asked(const ApprovalSubject& subject) const ALDIS_REQUIRES(mutex_) {
    if (const auto same = records_.find(subject.id); same != records_.end()) return &same->second;
    const auto keyed = keys_.find(key_of(subject));
    return subject.key.empty() || keyed == keys_.end() ? nullptr : &records_.at(keyed->second);
  }

  std::size_t pending() const ALDIS_REQUIRES(mutex_) { return records_.size() - decided_.size(); }

  const Held& add(const ApprovalSubject& subject) ALDIS_REQUIRES(mutex_) {
    Held& held = records_[subject.id];
    held.record.subject = subject;
    held.record.opened_at = clock_->wall_now();
    if (subject.timeout) {
      held.deadline = clock_->boot_now() + *subject.timeout;
      deadlines_.emplace(*held.deadline, subject.id);
      held.record.expires_at =
          held.record.opened_at + std::chrono::duration_cast<std::chrono::microseconds>(*subject.timeout);
    }
    if (!subject.key.empty()) keys_[key_of(subject)] = subject.id;
    AuditEntry entry = entry_about(held.record, AuditKind::requested, held.record.opened_at);
    entry.actor = subject.agent;
    entry.detail_hash = subject.policy_hash;
    log_.append(std::move(entry));
    return held;
  }

  void make(Held& held, const ApprovalChange& change) ALDIS_REQUIRES(mutex_) {
    held.changes.insert(change.id);
    if (change.vote) {
      held.record.votes.push_back(*change.vote);
      AuditEntry entry = entry_about(held.record, AuditKind::vote, clock_->wall_now());
      entry.actor = change.vote->responder;
      entry.outcome = to_string(change.vote->approved ? ApprovalState::approved : ApprovalState::rejected);
      entry.key_id = change.vote->key_id;
      entry.detail_hash = hash_of_reason(change.vote->reason);
      log_.append(std::move(entry));
    }
    if (change.state == ApprovalState::pending) {
      ++held.record.version;
    } else {
      decide(held, change.state, change.responder, change.reason);
    }
  }

  void decide(Held& held, ApprovalState state, const std::string& responder, const std::string& reason)
      ALDIS_REQUIRES(mutex_) {
    ApprovalRecord& record = held.record;
    ++record.version;
    record.state = state;
    record.responder = responder;
    record.reason = reason;
    record.decided_at = clock_->wall_now();
    held.decided = clock_->boot_now();
    decided_.emplace(held.decided, record.subject.id);
    if (held.deadline) deadlines_.erase({*held.deadline, record.subject.id});
    AuditEntry entry = entry_about(record, AuditKind::decided, *record.decided_at);
    entry.actor = responder;
    entry.outcome = to_string(state);
    entry.detail_hash = hash_of_reason(reason);
    log_.append(std::move(entry));
  }

  // By copy: it may be that of the record.
  void remove(Id128 id) ALDIS_REQUIRES(mutex_) {
    const Held& held = records_.at(id);
    keys_.erase(key_of(held.record.subject));
    decided_.erase({held.decided, id});
    records_.erase(id);
  }

  ApprovalReading reading(const Held& held) const ALDIS_REQUIRES(mutex_) {
    ApprovalReading reading{held.record, std::nullopt, clock_->wall_now()};
    const bool pending = held.record.state == ApprovalState::pending;
    if (pending && held.deadline) reading.remaining = *held.deadline - clock_->boot_now();
    return reading;
  }

  void ring(const Id128& id) {
    const std::string name = format_id({}, id);
    ring_({{Topic::Kind::approval, name}});
    ring_({{Topic::Kind::approvals, {}}});
  }

  const std::shared_ptr<const Clock> clock_;
  const Ring ring_;
  Mutex mutex_;
  std::map<Id128, Held> records_ ALDIS_GUARDED_BY(mutex_);
  std::set<std::pair<BootTime, Id128>> deadlines_ ALDIS_GUARDED_BY(mutex_);  // of pending ones
  std::set<std::pair<BootTime, Id128>> decided_ ALDIS_GUARDED_BY(mutex_);
  std::map<Key, Id128> keys_ ALDIS_GUARDED_BY(mutex_);
  MemoryLog log_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

MemoryApprovals make_memory_approvals(std::shared_ptr<const Clock> clock, Ring ring) {
  const auto store = std::make_shared<MemoryStore>(std::move(clock), std::move(ring));
  return {store, store, [store](std::uint64_t by) { store->skip_audit_numbers(by); },
          [store](std::uint64_t number) { store->plant_audit_entry(number); }};
}

}  // namespace aldis::testing
