#pragma once
// What the commands of `aldis approvals` have in common: answering with a request, and why one was refused. Implemented
// in approval_replies.cc.

#include <string>

#include "aldis/approvals.h"
#include "cli/invocation.h"

namespace aldis::cli {

// The request as it is.
Reply approval_reply(const OutputStyle& style, const ApprovalRequest& request);

// The request, as a failure unless it was approved. REQUIRES: it is decided.
Reply outcome_reply(const OutputStyle& style, const ApprovalRequest& request);

// Why `who` could not answer or cancel: ALREADY_DECIDED, REQUEST_EXPIRED, SELF_APPROVAL, or as the error says; with the
// request as it is.
Reply refused_answer(const OutputStyle& style, const ApprovalGate& gate, const std::string& id, const std::string& who,
                     const Error& error);

// Who answers: --as, else the acting agent, else the user's name.
std::string answering_name(const Invocation& invocation);

// The answer of that person. Signed mode takes the key of the configuration directory, and its passphrase.
Reply answer_request(const Invocation& invocation, ApprovalGate& gate, const std::string& id, bool approved,
                     const std::string& reason);

}  // namespace aldis::cli
