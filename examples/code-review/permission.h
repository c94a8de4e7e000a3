#pragma once
// Asks people before something is published. Used by the reporter; implemented in permission.cc.
//
// Model: the request is in the store, not in this process: whoever asks with `aldis approvals pending` sees it, and it
// times out there, whatever becomes of us. Meanwhile the reporter goes on beating, so that waiting does not look like
// hanging. Threads: one thread. Errors: failed_precondition when nobody said yes, and what the store answers.

#include <string>

#include "agent.h"
#include "report_writer.h"

namespace code_review {

aldis::Result<void> ask_permission(Agent& agent, const std::string& report_path, const Reviews& reviews);

}  // namespace code_review
