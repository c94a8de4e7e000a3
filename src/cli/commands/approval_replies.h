#pragma once
// What the commands of `aldis approvals` have in common: answering with a request, and why one was refused. Implemented
// in approval_replies.cc.

#include <optional>
#include <stop_token>
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

// CONFLICT unless the request has the type and the context hash that --type and --context-hash insist on, where they
// are given.
std::optional<Reply> refuse_another(const Invocation& invocation, const ApprovalRequest& request);

// Notes a problem with either.
void check_insisted(Arguments& arguments);

// Who answers: --as, else the acting agent, else the user's name.
std::string answering_name(const Invocation& invocation);

// Why that person cannot answer this request under the policy of a gate, as far as that is known here; empty: nothing
// is known against it.
std::string why_not_answer(const Invocation& invocation, const ApprovalPolicy& policy, const ApprovalRequest& request);

// The answer of that person to the request as it was `read`. Signed mode takes that person's key, and its passphrase;
// `stop` ends asking for it.
Reply answer_request(const Invocation& invocation, ApprovalGate& gate, const ApprovalRequest& read, bool approved,
                     const std::string& reason, const std::stop_token& stop = {});

inline constexpr OptionSpec kContextHash{
    .name = "--context-hash",
    .value = "HASH",
    .help = "Insist on this context: its context_hash as `request` answered, or as it was looked at; else CONFLICT"};

}  // namespace aldis::cli
