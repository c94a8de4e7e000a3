#pragma once
// How a request is changed: decided on what is there, stored if nobody was faster, else decided anew. Used by
// approvals.cc and approval_wait.cc; implemented in approval_change.cc.
//
// Model: a change that lost finds somebody else's progress, and of that there is an end: limits::kQuorumMax votes and a
// decision. Threads: safe from any thread. Errors: not_found; what `decide` says; conflict where the store keeps a
// verdict that the votes do not prove; the store's.

#include <functional>
#include <variant>

#include "domain/approval_judge.h"

namespace aldis {

// Stores `change`, which gets its id here, and tells of a decision.
using MadeChange = std::variant<ApprovalRequest, ApprovalSuperseded>;
Result<MadeChange> make_change(Workspace::Impl& workspace, const ApprovalJudge& judge, const Id128& id,
                               ApprovalChange change);

using DecideChange = std::function<Result<ApprovalChange>(const ApprovalReading&)>;

Result<ApprovalRequest> change_approval(Workspace::Impl& workspace, const ApprovalJudge& judge, const Id128& id,
                                        const DecideChange& decide);

// not_found unless there is such a request. Settled as below.
Result<ApprovalReading> read_approval(Workspace::Impl& workspace, const ApprovalJudge& judge, const Id128& id);

// A record that is stored as pending although its votes decide it (whoever voted last did not know all the keys) is
// stored as decided first, so that nothing is shown as decided which could still time out.
Result<ApprovalReading> settle_reading(Workspace::Impl& workspace, const ApprovalJudge& judge, ApprovalReading reading);

}  // namespace aldis
