#pragma once
// What the record of a request comes to, and which change a vote or a cancellation makes of it. Used by
// approval_judge.cc, approvals.cc and approval_wait.cc; implemented in approval_state.cc.
//
// Model: in open mode (no rule of one's own, and none when it was opened) the stored state holds. With a rule a stored
// verdict is not believed: the votes are counted again in their order, an invalid one as if it were absent, and the
// first that rejects or that makes the quorum decides. What says no without a verdict, timed_out and cancelled, is
// believed: whoever can write to the store can withhold an answer anyway. A record that was opened under another policy
// than the rule has no votes that count. Threads: pure functions. Errors: permission_denied (one's own request, not an
// approver, not the agent that asked); conflict (decided, or voted before); failed_precondition (timed out; opened
// under another policy); resource_exhausted (limits::kQuorumMax votes).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ports/approval_store.h"

namespace aldis {

// By what a process judges a record.
struct ApprovalMode {
  const ApprovalRule* rule = nullptr;  // that its own policy has for the type; none: open mode
  std::vector<bool> valid = {};  // of each vote of the record: its signature is (approval_signature.h); with a rule
};

struct ApprovalFinding {
  ApprovalState state = ApprovalState::pending;
  std::string responder;
  std::string reason;
  std::optional<WallTime> decided_at;
  std::vector<bool> counts;                           // of each vote
  std::uint32_t approvals = 0;                        // votes among them
  bool proven = false;                                // decided by signatures
  std::optional<std::chrono::nanoseconds> remaining;  // of a pending one, until its deadline; none: it has none
  std::optional<Error> trouble;                       // of a pending one: why no vote on it counts here, now or later
};

ApprovalFinding derive_approval(const ApprovalReading& reading, const ApprovalMode& mode);

// What `vote` makes of the record; the caller still has to sign it, and to name the change. `caller`: the agent that
// hands it in; may be empty.
Result<ApprovalChange> decide_vote(const ApprovalReading& reading, const ApprovalMode& mode, const StoredVote& vote,
                                   std::string_view caller);

Result<ApprovalChange> decide_cancellation(const ApprovalReading& reading, const ApprovalMode& mode,
                                           std::string_view caller, std::string_view reason);

// None: nothing to do. Else a record that is stored as pending has the votes that decide it: whoever voted last did not
// know all the keys.
std::optional<ApprovalChange> decide_settlement(const ApprovalReading& reading, const ApprovalFinding& finding);

// The deadline that a request of this rule gets when `asked` was asked for.
std::optional<std::chrono::nanoseconds> timeout_under(const ApprovalRule* rule,
                                                      std::optional<std::chrono::nanoseconds> asked);

}  // namespace aldis
