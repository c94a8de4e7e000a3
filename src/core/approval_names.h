#pragma once
// How the states of an approval request are spelled (to_string of aldis/approvals.h), and read back from a store. Used
// by the engines; implemented in approval_names.cc. Threads: pure functions.

#include <optional>
#include <string_view>

#include "aldis/approvals.h"

namespace aldis {

std::optional<ApprovalState> parse_approval_state(std::string_view text);

}  // namespace aldis
