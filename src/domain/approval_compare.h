#pragma once
// Whether a record is what somebody takes it for: what was asked, or what was shown to whoever answers. Used by
// approvals.cc and approval_wait.cc; implemented in approval_compare.cc.
//
// Model: whoever can write to the store can put another request into the place of one that people have read. So an id
// alone proves nothing, and everything that a decision rests on is compared, the context by a hash that is made of the
// bytes that are stored now (approval_judge.h). Threads: pure functions. Errors: data_loss (nobody but the store's
// owner can have changed it), conflict; the messages name what differs.

#include "ports/approval_store.h"

namespace aldis {

// What a store opened for `asked`. conflict: what was found under its idempotency key has another context or policy.
Result<void> check_opened(const ApprovalSubject& asked, const ApprovalRecord& found);

// data_loss unless `now` has the type, agent, context, deadline and policy of `asked`.
Result<void> check_as_asked(const ApprovalRequest& asked, const ApprovalRequest& now);

// conflict unless `now` has all that, and the quorum, of what was `read`.
Result<void> check_as_read(const ApprovalRequest& read, const ApprovalRequest& now);

}  // namespace aldis
