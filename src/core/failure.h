#pragma once
// Making errors in one line: `return fail(ErrorCode::not_found, "no agent {}", id);`

#include <expected>
#include <string>
#include <utility>

#include "aldis/error.h"
#include "core/format.h"

namespace aldis {

template <class... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  const bool retryable =
      code == ErrorCode::unavailable || code == ErrorCode::deadline_exceeded || code == ErrorCode::resource_exhausted;
  return Error{code, fmt::format(format, std::forward<Args>(args)...), retryable};
}

template <class... Args>
std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(make_error(code, format, std::forward<Args>(args)...));
}

// "what: strerror(code)" for a failed system call.
Error system_error(ErrorCode code, std::string_view what, int errno_value);

}  // namespace aldis
