#pragma once
// The rules of approvals.toml. Implemented in approval_policy.cc, as is ApprovalPolicy (aldis/approvers.h), which is
// made of them and of approver_file.h; docs/approvals.md has the grammar. Threads: a pure function. Errors:
// invalid_argument with file and line.

#include <string>
#include <string_view>
#include <vector>

#include "aldis/approvers.h"

namespace aldis {

// `path` is for messages.
Result<std::vector<ApprovalRule>> parse_rules(std::string_view text, const std::string& path);

}  // namespace aldis
