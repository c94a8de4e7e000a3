#pragma once
// Approvals, approvers and audit entries as JSON and for people. Used by `aldis approvals|approvers|audit`; implemented
// in approval_shapes.cc.
//
// Threads: pure functions.

#include <string>

#include "aldis/approvals.h"
#include "aldis/audit.h"
#include "cli/output.h"

namespace aldis::cli {

std::string approval_json(const ApprovalRequest& request);
std::string approver_json(const Approver& approver);
std::string audit_entry_json(const AuditEntry& entry);

// Which answers count, and how many do so far.
std::string answers_text(const ApprovalRequest& request);
// "timed_out", or "timed_out (stored as approved)" where the verdict that the store has is not proven.
std::string status_text(const ApprovalRequest& request);

// The context is all there, secrets too: it is what is to be approved.
std::string approval_view(const OutputStyle& style, const ApprovalRequest& request);
Colour colour_of(ApprovalState state);

}  // namespace aldis::cli
