#pragma once
// Whether a request could be approved at all: enough of those that its rule names may answer it, and have a key to do
// it with. Used by approvals.cc before a request is opened, and by `aldis doctor`; implemented in
// approval_answerable.cc.
//
// Model: a request that nobody can approve would only wait, for ever if its rule has no timeout, and tell nobody why.
// So it is refused while whoever asks still listens: the same words ask again once a key is trusted. One that was
// opened before stays what it is. Threads: check_answerable and approvers_without_key are pure functions. Errors:
// failed_precondition, saying what to do.

#include <string>
#include <string_view>
#include <vector>

#include "aldis/approvers.h"
#include "ports/approval_store.h"

namespace aldis {

// Of the approvers that the rule names, those without a trusted key that is not revoked.
std::vector<std::string> approvers_without_key(const ApprovalPolicy& policy, const ApprovalRule& rule);

// As many as the quorum asks for, other than the agent that asks, have a trusted key. Nothing is asked of open mode.
Result<void> check_answerable(const ApprovalPolicy& policy, std::string_view type, std::string_view agent);

// Whether the store holds a request with the idempotency key of this one: then it is answered with that.
Result<bool> was_asked(ApprovalStore& store, const ApprovalSubject& subject);

// "a, b, c and 4 more".
std::string join_names(const std::vector<std::string>& names);

}  // namespace aldis
