#pragma once
// What went wrong, for a program and for a human. Used by every call of the library; implemented in src/core/error.cc.
//
// Model: a code from a frozen list decides what a program does; the message tells a human what happened and what to do
// about it. `retryable` says that the same call may succeed later without anything being changed by the caller.
// Expected absence (no signal yet, no such agent in a list) is never an error but a value.

#include <string>
#include <string_view>

#include "aldis/export.h"

namespace aldis {

enum class ErrorCode {
  invalid_argument,     // the input can never be right; nothing was changed
  not_found,            // the named thing does not exist (or is older than what is kept)
  already_exists,       // somebody else has the name, and the caller asked not to replace
  conflict,             // somebody else decided, took or replaced it first
  failed_precondition,  // the world is not in the state that this call needs; the message says how to get there
  permission_denied,    // this caller may not do this
  resource_exhausted,   // a documented limit is reached; nothing was dropped
  deadline_exceeded,    // the time the caller gave is over
  unavailable,          // the store cannot be reached or does not answer
  data_loss,            // what is stored cannot be read back
  unimplemented,        // known, but not in this build
  internal,             // a defect of Aldis
};

// The enumerator's own spelling: "invalid_argument".
ALDIS_API std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  bool retryable = false;

  bool operator==(const Error&) const = default;
};

}  // namespace aldis
