#include "domain/approval_judge.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/failure.h"
#include "core/sha256.h"
#include "core/try.h"
#include "domain/approval_answer.h"

namespace aldis {
namespace {

ApprovalVote vote_of(const StoredVote& vote, bool signature_valid) {
  return {.responder = vote.responder,
          .approved = vote.approved,
          .reason = vote.reason,
          .time = vote.time,
          .key_id = vote.key_id,
          .signature_valid = signature_valid};
}

ApprovalRequest request_of(const ApprovalRecord& record, const ApprovalFinding& finding, const ApprovalRule* rule) {
  const ApprovalSubject& subject = record.subject;
  ApprovalRequest request;
  request.request_id = format_id(kApprovalIdPrefix, subject.id);
  request.approval_type = subject.type;
  request.agent_id = subject.agent;
  request.context = Json::trusted(subject.context);  // check_whole has parsed it
  request.context_hash = subject.context_hash;
  request.timestamp = record.opened_at;
  request.timeout = subject.timeout;
  request.expires_at = record.expires_at;
  request.status = finding.state;
  request.stored_status = record.state;
  request.responder = finding.responder;
  request.reason = finding.reason;
  request.decided_at = finding.decided_at;
  for (std::size_t i = 0; i < record.votes.size(); ++i) {
    request.votes.push_back(vote_of(record.votes[i], rule != nullptr && finding.counts[i]));
  }
  request.approvals = finding.approvals;
  request.is_signed = rule != nullptr || !subject.policy_hash.empty();
  request.quorum = rule != nullptr ? rule->quorum : request.is_signed ? subject.quorum : 1;
  request.policy_hash = subject.policy_hash;
  return request;
}

// What is stored is not as it was validated when it was asked: somebody else may have written it.
Result<void> check_whole(const ApprovalSubject& subject) {
  const bool is_hashed = sha256_hex(subject.context) == subject.context_hash;
  if (is_hashed && Json::parse(subject.context)) return {};
  return fail(ErrorCode::data_loss, "{} is damaged: its context is {}. Ask again, under another key",
              format_id(kApprovalIdPrefix, subject.id),
              is_hashed ? "no JSON object" : "not the one that it was opened with");
}

}  // namespace

Result<ApprovalJudge> ApprovalJudge::make(const Workspace::Impl& workspace, const ApprovalPolicy& policy) {
  ApprovalJudge judge(workspace, policy);
  if (!policy.has_rules()) return judge;
  ALDIS_TRY(judge.refresh());
  ALDIS_TRY_ASSIGN(judge.store_id_, answer_of(workspace.approvals().store_id()));
  return judge;
}

Result<ApprovalMode> ApprovalJudge::mode_of(const ApprovalReading& reading) const {
  const ApprovalRecord& record = reading.record;
  ALDIS_TRY(check_whole(record.subject));
  ApprovalMode mode{.rule = rule_for(record.subject.type)};
  if (mode.rule == nullptr || record.votes.empty()) return mode;
  const VoteScope scope = scope_of(record);
  for (const StoredVote& vote : record.votes) {
    const Approver* const signer = policy_.approver_with(vote.responder, vote.key_id);
    mode.valid.push_back(check_vote(scope, vote, signer, reading.now).has_value());
  }
  return mode;
}

Result<JudgedApproval> ApprovalJudge::judge(const ApprovalReading& reading) const {
  JudgedApproval judged;
  ALDIS_TRY_ASSIGN(judged.mode, mode_of(reading));
  judged.finding = derive_approval(reading, judged.mode);
  judged.request = request_of(reading.record, judged.finding, judged.mode.rule);
  judged.request.verified = judged.finding.proven && policy_.guarded();
  judged.wants_looks = std::ranges::find(judged.finding.counts, false) != judged.finding.counts.end();
  return judged;
}

Result<void> ApprovalJudge::sign(const ApprovalReading& reading, const ApproverKey& key, StoredVote& vote) const {
  const ApprovalRecord& record = reading.record;
  if (record.expires_at && vote.time - *record.expires_at <= limits::kVoteTimeSlack) {
    vote.time = std::min(vote.time, *record.expires_at);
  }
  vote.key_id = key.key_id();
  const VoteScope scope = scope_of(record);
  const std::array<std::uint8_t, 64> signature = key.sign(signed_bytes(scope, vote));
  vote.signature.assign(signature.begin(), signature.end());
  return check_vote(scope, vote, policy_.approver_with(vote.responder, vote.key_id), reading.now);
}

// What the record says of its rule proves nothing: the hash is made of our own. That of the context was made anew in
// check_whole.
VoteScope ApprovalJudge::scope_of(const ApprovalRecord& record) const {
  return {.store_id = store_id_,
          .namespace_name = workspace_->options().namespace_name,
          .record = record,
          .context_hash = record.subject.context_hash,
          .policy_hash = rule_for(record.subject.type)->hash()};
}

}  // namespace aldis
