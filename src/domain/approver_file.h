#pragma once
// approvers.toml: which public key is whose. Used by approval_policy.cc; implemented in approver_file.cc, as are
// trust_approver, revoke_approver and list_approvers (aldis/approvers.h).
//
// Model: the file is written by those functions alone, as a whole, under the lock of its directory and by renaming, so
// that a reader sees the old one or the new one and concurrent changes lose nothing. No key is in it twice: nobody
// votes under two names. Threads: safe from any thread and process. Errors: as aldis/approvers.h.

#include <string>
#include <string_view>
#include <vector>

#include "aldis/approvers.h"

namespace aldis {

// `path` is for messages.
Result<std::vector<Approver>> parse_approvers(std::string_view text, const std::string& path);
std::string format_approvers(const std::vector<Approver>& approvers);

}  // namespace aldis
