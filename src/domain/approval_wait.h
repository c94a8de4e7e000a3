#pragma once
// The waiting of ApprovalGate. Used by approvals.cc; implemented in approval_wait.cc.
//
// Model: subscribe, look, sleep until rung or until the request's deadline, look again. While there are votes that do
// not count it also looks once a recheck interval: a key that is trusted meanwhile rings nothing. Votes that suffice
// are stored as the decision before they are told: whoever voted may not have known all the keys. Threads: safe from
// any thread. Errors: deadline_exceeded when patience ends or `stop` is requested, and for nothing else; not_found;
// data_loss when the record is not what was asked any more; failed_precondition when nothing here can decide it; the
// store's, at once: a wait never says "pending" when it does not know.

#include <chrono>
#include <optional>
#include <stop_token>

#include "domain/approval_judge.h"

namespace aldis {

struct AwaitedApproval {
  Id128 id;
  const ApprovalRequest* asked = nullptr;            // what the record must be; none: whatever it is
  std::optional<std::chrono::nanoseconds> patience;  // none: for ever
  std::stop_token stop;
};

Result<ApprovalOutcome> wait_for_end(Workspace::Impl& workspace, ApprovalJudge judge, const AwaitedApproval& awaited);

}  // namespace aldis
