#include "aldis/error.h"

#include <array>

namespace aldis {

std::string_view to_string(ErrorCode code) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "invalid_argument",    "not_found",         "already_exists",     "conflict",
      "failed_precondition", "permission_denied", "resource_exhausted", "deadline_exceeded",
      "unavailable",         "data_loss",         "unimplemented",      "internal"};
  static_assert(kNames.size() == static_cast<std::size_t>(ErrorCode::internal) + 1);
  return kNames[static_cast<std::size_t>(code)];
}

}  // namespace aldis
