#pragma once
// What a signed vote is signed over, and whether its signature is good. Used by approval_judge.cc; implemented in
// approval_signature.cc.
//
// Model: the bytes (docs/formats.md) name everything that the vote must not be carried over from: store, namespace,
// request, type, agent, deadline, context, policy, decision, key and time. What the scope says is what the verifier
// holds for true: the context's hash is made of the context as it is stored now, the policy's of its own rule.
// Threads: pure functions. Errors of check_vote: permission_denied (no such key, revoked, no valid signature),
// failed_precondition (its time is out of bounds).

#include <string>
#include <string_view>

#include "ports/approval_store.h"

namespace aldis {

struct VoteScope {
  std::string_view store_id;
  std::string_view namespace_name;
  const ApprovalRecord& record;  // id, type, agent, deadline, and when it was opened
  std::string context_hash;
  std::string policy_hash;
};

std::string signed_bytes(const VoteScope& scope, const StoredVote& vote);

// `signer`: the approver whose name and key the vote gives; none: there is no such. `now`: of the store.
Result<void> check_vote(const VoteScope& scope, const StoredVote& vote, const Approver* signer, WallTime now);

}  // namespace aldis
