#include "domain/approval_signature.h"

#include <sodium/crypto_sign.h>

#include <algorithm>
#include <chrono>

#include "core/bytes.h"
#include "core/failure.h"
#include "core/try.h"
#include "domain/approver_keys.h"

namespace aldis {
namespace {

using std::chrono::microseconds;

constexpr microseconds kSlack = std::chrono::duration_cast<microseconds>(limits::kVoteTimeSlack);

std::string in_microseconds(WallTime time) { return std::to_string(time.time_since_epoch().count()); }

Result<void> check_vote_time(const ApprovalRecord& record, WallTime time, WallTime now) {
  const WallTime earliest = record.opened_at - kSlack;
  WallTime latest = now + kSlack;
  if (record.expires_at) latest = std::min(latest, *record.expires_at);
  if (time >= earliest && time <= latest) return {};
  const auto off = time < earliest ? earliest - time : time - latest;
  return fail(ErrorCode::failed_precondition,
              "the clock of this machine says {}, and a vote on {} is good if it is signed between {} and {}: the "
              "clock is {} s off or more. Set it, or ask again if it was set meanwhile",
              format_timestamp(time), format_id(kApprovalIdPrefix, record.subject.id), format_timestamp(earliest),
              format_timestamp(latest), std::chrono::ceil<std::chrono::seconds>(off).count());
}

}  // namespace

std::string signed_bytes(const VoteScope& scope, const StoredVote& vote) {
  const ApprovalRecord& record = scope.record;
  ByteWriter bytes;
  bytes.raw({"aldis-approval-v1\0", sizeof("aldis-approval-v1")});
  bytes.blob(scope.store_id).blob(scope.namespace_name);
  bytes.blob(format_id(kApprovalIdPrefix, record.subject.id));
  bytes.blob(record.subject.type).blob(record.subject.agent);
  bytes.blob(record.expires_at ? in_microseconds(*record.expires_at) : "");
  bytes.blob(scope.context_hash).blob(scope.policy_hash);
  bytes.blob(vote.approved ? "approved" : "rejected");
  bytes.blob(vote.key_id).blob(in_microseconds(vote.time));
  return std::move(bytes).bytes();
}

Result<void> check_vote(const VoteScope& scope, const StoredVote& vote, const Approver* signer, WallTime now) {
  if (signer == nullptr) {
    return fail(ErrorCode::permission_denied, "no key {} of {} is trusted: run aldis approvers trust", vote.key_id,
                vote.responder);
  }
  if (signer->revoked_at) {
    return fail(ErrorCode::permission_denied, "the key {} of {} was revoked at {}: enroll a new one", vote.key_id,
                vote.responder, format_timestamp(*signer->revoked_at));
  }
  ALDIS_TRY(check_vote_time(scope.record, vote.time, now));
  const Result<PublicKey> key = parse_public_key(signer->public_key);
  const std::string message = signed_bytes(scope, vote);
  const auto begin = [](const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  if (!key || vote.signature.size() != crypto_sign_BYTES ||
      crypto_sign_verify_detached(begin(vote.signature), begin(message), message.size(), key->data()) != 0) {
    return fail(ErrorCode::permission_denied, "the vote of {} has no valid signature of the key {}", vote.responder,
                vote.key_id);
  }
  return {};
}

}  // namespace aldis
