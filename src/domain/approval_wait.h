#pragma once
// The waiting of ApprovalGate. Used by approvals.cc; implemented in approval_wait.cc.
//
// Model: subscribe, look, sleep until rung or until the request's deadline, look again. While there are votes that do
// not count it also looks once a recheck interval: a key that is trusted meanwhile rings nothing. Votes that suffice
// are stored as the decision before they are told: whoever voted may not have known all the keys. Threads: safe from
// any thread. Errors: deadline_exceeded when patience ends or `stop` is requested; not_found; the store's, at once: a
// wait never says "pending" when it does not know.

#include <chrono>
#include <optional>
#include <stop_token>

#include "domain/approval_judge.h"

namespace aldis {

// `patience` none: for ever.
Result<ApprovalOutcome> wait_for_end(Workspace::Impl& workspace, ApprovalJudge judge, const Id128& id,
                                     std::optional<std::chrono::nanoseconds> patience, const std::stop_token& stop);

}  // namespace aldis
