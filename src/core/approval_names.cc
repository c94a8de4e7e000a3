#include "core/approval_names.h"

#include <algorithm>
#include <array>

namespace aldis {
namespace {

using enum ApprovalState;

constexpr std::array kStates = {pending, approved, rejected, timed_out, cancelled};

}  // namespace

std::string_view to_string(ApprovalState state) {
  switch (state) {
    case pending:
      return "pending";
    case approved:
      return "approved";
    case rejected:
      return "rejected";
    case timed_out:
      return "timed_out";
    case cancelled:
      return "cancelled";
  }
  return "";
}

std::optional<ApprovalState> parse_approval_state(std::string_view text) {
  const auto* const found = std::ranges::find(kStates, text, [](ApprovalState state) { return to_string(state); });
  return found == kStates.end() ? std::nullopt : std::optional(*found);
}

}  // namespace aldis
