#include "domain/approval_state.h"

#include <algorithm>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

bool is_verdict(ApprovalState state) { return state == ApprovalState::approved || state == ApprovalState::rejected; }

std::string name_of(const ApprovalRecord& record) { return format_id(kApprovalIdPrefix, record.subject.id); }

bool is_approver(const ApprovalRule& rule, std::string_view name) {
  return std::ranges::find(rule.approvers, name) != rule.approvers.end();
}

// Goes through the votes in their order until one decides.
class Tally {
 public:
  Tally(const ApprovalRecord& record, const ApprovalMode& mode, ApprovalFinding& finding)
      : record_(record), mode_(mode), finding_(finding) {}

  // The vote that decided; none: they do not suffice.
  const StoredVote* run() {
    finding_.counts.assign(record_.votes.size(), false);
    if (record_.subject.policy_hash != mode_.rule->hash()) return nullptr;
    for (std::size_t i = 0; i < record_.votes.size(); ++i) {
      const StoredVote& vote = record_.votes[i];
      if (!does_count(i)) continue;
      finding_.counts[i] = true;
      if (!vote.approved) return &vote;
      if (++finding_.approvals >= mode_.rule->quorum) return &vote;
    }
    return nullptr;
  }

 private:
  bool does_count(std::size_t index) const {
    const StoredVote& vote = record_.votes[index];
    if (index >= mode_.valid.size() || !mode_.valid[index]) return false;
    if (vote.responder == record_.subject.agent || !is_approver(*mode_.rule, vote.responder)) return false;
    for (std::size_t i = 0; i < index; ++i) {
      if (finding_.counts[i] && record_.votes[i].responder == vote.responder) return false;
    }
    return true;
  }

  const ApprovalRecord& record_;
  const ApprovalMode& mode_;
  ApprovalFinding& finding_;
};

void take_as_stored(ApprovalFinding& finding, const ApprovalReading& reading) {
  finding.state = reading.record.state;
  finding.responder = reading.record.responder;
  finding.reason = reading.record.reason;
  finding.decided_at = reading.record.decided_at;
  finding.remaining = reading.remaining;
}

// A verdict is stored, and the votes do not prove it. The store settles no deadline of what it holds for decided.
void take_as_undecided(ApprovalFinding& finding, const ApprovalReading& reading) {
  const ApprovalRecord& record = reading.record;
  finding.reason = fmt::format("stored as {} by {}, which the votes do not prove", to_string(record.state),
                               record.responder.empty() ? "nobody" : record.responder);
  if (!record.expires_at) return;
  finding.remaining = *record.expires_at - reading.now;
  if (*finding.remaining > std::chrono::nanoseconds::zero()) return;
  finding.remaining.reset();
  finding.state = ApprovalState::timed_out;
  finding.decided_at = record.expires_at;
}

void take_as_troubled(ApprovalFinding& finding, const ApprovalReading& reading, Error trouble) {
  const ApprovalState stored = reading.record.state;
  finding.counts.assign(reading.record.votes.size(), false);
  if (stored == ApprovalState::timed_out || stored == ApprovalState::cancelled) return take_as_stored(finding, reading);
  finding.remaining = reading.remaining;
  if (is_verdict(stored)) take_as_undecided(finding, reading);
  if (finding.state != ApprovalState::pending) return;
  finding.reason = trouble.message;
  finding.trouble = std::move(trouble);
}

// Whether votes can decide the record here at all.
Result<void> check_decidable(const ApprovalRecord& record, const ApprovalRule* rule) {
  const ApprovalSubject& subject = record.subject;
  if (rule == nullptr && subject.policy_hash.empty()) return {};
  if (rule == nullptr) {
    return fail(ErrorCode::failed_precondition,
                "{} was opened under a policy that is not here: no rule of approvals.toml matches {}. Answer it, and "
                "wait for it, where one does",
                name_of(record), subject.type);
  }
  const std::optional<std::chrono::nanoseconds> timeout = timeout_under(rule, subject.timeout);
  std::optional<WallTime> expires_at;
  if (timeout) expires_at = record.opened_at + std::chrono::duration_cast<std::chrono::microseconds>(*timeout);
  const bool has_own_timeout = rule->timeout_kind != ApprovalRule::Timeout::of_the_request;
  const bool is_of_the_rule = subject.policy_hash == rule->hash();
  if (!has_own_timeout || !is_of_the_rule || record.expires_at == expires_at) return {};
  return fail(ErrorCode::data_loss,
              "{} has another deadline than the rule for {} sets: somebody changed it in the store", name_of(record),
              subject.type);
}

Result<void> check_pending(const ApprovalRecord& record, const ApprovalFinding& finding) {
  if (finding.state == ApprovalState::pending) return {};
  const std::string when = finding.decided_at ? format_timestamp(*finding.decided_at) : "an unknown time";
  if (finding.state == ApprovalState::timed_out) {
    return fail(ErrorCode::failed_precondition, "{} timed out at {}: whoever still needs it has to ask again",
                name_of(record), record.expires_at ? format_timestamp(*record.expires_at) : when);
  }
  return fail(ErrorCode::conflict, "{} was {} by {} at {} already", name_of(record), to_string(finding.state),
              finding.responder, when);
}

Result<void> check_not_own(const ApprovalRecord& record, std::string_view responder, std::string_view caller) {
  for (const std::string_view who : {responder, caller}) {
    if (who == record.subject.agent) {
      return fail(ErrorCode::permission_denied, "{} was asked for by {}: somebody else has to answer it",
                  name_of(record), who);
    }
  }
  return {};
}

Result<void> check_entitled(const ApprovalRecord& record, const ApprovalMode& mode, std::string_view responder) {
  const ApprovalSubject& subject = record.subject;
  ALDIS_TRY(check_decidable(record, mode.rule));
  if (mode.rule == nullptr) return {};
  if (subject.policy_hash != mode.rule->hash()) {
    return fail(
        ErrorCode::failed_precondition,
        "{} was opened under another policy for {} than the one here: ask again under another key, or answer it "
        "where approvals.toml is the same",
        name_of(record), subject.type);
  }
  if (!is_approver(*mode.rule, responder)) {
    return fail(ErrorCode::permission_denied, "{} is no approver of {}: approvals.toml names who is", responder,
                subject.type);
  }
  return {};
}

Result<void> check_first_vote(const ApprovalRecord& record, const ApprovalFinding& finding,
                              std::string_view responder) {
  for (std::size_t i = 0; i < record.votes.size(); ++i) {
    const StoredVote& vote = record.votes[i];
    if (!finding.counts[i] || vote.responder != responder) continue;
    return fail(ErrorCode::conflict, "{} has {} {} at {} already", responder, vote.approved ? "approved" : "rejected",
                name_of(record), format_timestamp(vote.time));
  }
  if (record.votes.size() >= limits::kQuorumMax) {
    return fail(ErrorCode::resource_exhausted, "{} holds {} votes, which is all it can: cancel it and ask again",
                name_of(record), record.votes.size());
  }
  return {};
}

}  // namespace

ApprovalFinding derive_approval(const ApprovalReading& reading, const ApprovalMode& mode) {
  ApprovalFinding finding;
  if (auto decidable = check_decidable(reading.record, mode.rule); !decidable) {
    take_as_troubled(finding, reading, std::move(decidable).error());
    return finding;
  }
  if (mode.rule == nullptr) {
    take_as_stored(finding, reading);
    finding.counts.assign(reading.record.votes.size(), true);
    finding.approvals =
        static_cast<std::uint32_t>(std::ranges::count(reading.record.votes, true, &StoredVote::approved));
    return finding;
  }
  const StoredVote* const decisive = Tally(reading.record, mode, finding).run();
  const ApprovalState stored = reading.record.state;
  if (stored == ApprovalState::timed_out || stored == ApprovalState::cancelled) {
    take_as_stored(finding, reading);
  } else if (decisive != nullptr) {
    finding.state = decisive->approved ? ApprovalState::approved : ApprovalState::rejected;
    finding.responder = decisive->responder;
    finding.reason = decisive->reason;
    finding.decided_at = stored == finding.state ? reading.record.decided_at : decisive->time;
    finding.proven = true;
  } else if (stored == ApprovalState::pending) {
    finding.remaining = reading.remaining;
  } else {
    take_as_undecided(finding, reading);
  }
  return finding;
}

Result<ApprovalChange> decide_vote(const ApprovalReading& reading, const ApprovalMode& mode, const StoredVote& vote,
                                   std::string_view caller) {
  const ApprovalRecord& record = reading.record;
  const ApprovalFinding finding = derive_approval(reading, mode);
  ALDIS_TRY(check_not_own(record, vote.responder, caller));
  ALDIS_TRY(check_pending(record, finding));
  ALDIS_TRY(check_entitled(record, mode, vote.responder));
  ALDIS_TRY(check_first_vote(record, finding, vote.responder));
  ApprovalChange change;
  change.seen_version = record.version;
  change.vote = vote;
  const std::uint32_t quorum = mode.rule == nullptr ? 1 : mode.rule->quorum;
  if (!vote.approved) change.state = ApprovalState::rejected;
  if (vote.approved && finding.approvals + 1 >= quorum) change.state = ApprovalState::approved;
  if (is_verdict(change.state)) {
    change.responder = vote.responder;
    change.reason = vote.reason;
  }
  return change;
}

Result<ApprovalChange> decide_cancellation(const ApprovalReading& reading, const ApprovalMode& mode,
                                           std::string_view caller, std::string_view reason) {
  const ApprovalRecord& record = reading.record;
  if (caller != record.subject.agent) {
    return fail(ErrorCode::permission_denied, "only {}, who asked for {}, may cancel it", record.subject.agent,
                name_of(record));
  }
  ALDIS_TRY(check_pending(record, derive_approval(reading, mode)));
  ApprovalChange change;
  change.seen_version = record.version;
  change.state = ApprovalState::cancelled;
  change.responder = caller;
  change.reason = reason;
  return change;
}

std::optional<ApprovalChange> decide_settlement(const ApprovalReading& reading, const ApprovalFinding& finding) {
  if (reading.record.state != ApprovalState::pending || !finding.proven) return std::nullopt;
  ApprovalChange change;
  change.seen_version = reading.record.version;
  change.state = finding.state;
  change.responder = finding.responder;
  change.reason = finding.reason;
  return change;
}

std::optional<std::chrono::nanoseconds> timeout_under(const ApprovalRule* rule,
                                                      std::optional<std::chrono::nanoseconds> asked) {
  if (rule == nullptr || rule->timeout_kind == ApprovalRule::Timeout::of_the_request) return asked;
  if (rule->timeout_kind == ApprovalRule::Timeout::none) return std::nullopt;
  return rule->timeout;
}

}  // namespace aldis
