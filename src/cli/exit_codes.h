#pragma once
// How a command ends: every exit code with its name, and which one each ErrorCode becomes. Used by the envelope,
// `--schema` and the manifest; implemented in exit_codes.cc.
//
// Model: the codes below 80 are those of the public CLI Agent Spec; 80–85 are declared by Aldis; 130 and 143 are the
// shell's for SIGINT and SIGTERM. An error has a code of its own too ("SIGNAL_EXPIRED"), which says more than the
// number.

#include <span>
#include <string_view>

#include "aldis/error.h"

namespace aldis::cli {

enum class ExitCode : int {
  success = 0,
  general_error = 1,
  argument_error = 2,
  precondition = 4,
  not_found = 5,
  conflict = 6,
  permission_denied = 7,
  timeout = 10,
  unavailable = 12,
  expired = 80,
  rejected = 81,
  request_cancelled = 82,
  source_gone = 83,
  still_pending = 84,
  nothing_yet = 85,
  not_executable = 126,
  command_not_found = 127,
  interrupted = 130,
  killed = 137,
  terminated = 143,
};

struct ExitCodeEntry {
  ExitCode code = ExitCode::success;
  std::string_view name;
  std::string_view description;            // present tense: what state is the system in
  bool retryable = false;                  // the very same call may be made again as it is; implies no side effects
  std::string_view side_effects = "none";  // none, partial or complete
};

std::span<const ExitCodeEntry> exit_code_table();
const ExitCodeEntry& describe(ExitCode code);

struct ErrorMapping {
  ErrorCode error = ErrorCode::internal;
  ExitCode exit = ExitCode::general_error;
  std::string_view code;  // `error.code` of the envelope
};

std::span<const ErrorMapping> error_table();
const ErrorMapping& map_error(ErrorCode code);

// `error.code` of answers that are no ErrorCode.
inline constexpr std::string_view kCodeSignalExpired = "SIGNAL_EXPIRED";
inline constexpr std::string_view kCodeNothingYet = "NOTHING_YET";
inline constexpr std::string_view kCodeTimeout = "TIMEOUT";
inline constexpr std::string_view kCodeSourceGone = "SOURCE_GONE";
inline constexpr std::string_view kCodeCancelled = "CANCELLED";
inline constexpr std::string_view kCodeInvalidArgument = "INVALID_ARGUMENT";
inline constexpr std::string_view kCodeCommandNotFound = "COMMAND_NOT_FOUND";
inline constexpr std::string_view kCodeNotExecutable = "NOT_EXECUTABLE";
inline constexpr std::string_view kCodeApprovalRejected = "APPROVAL_REJECTED";
inline constexpr std::string_view kCodeRequestCancelled = "REQUEST_CANCELLED";
inline constexpr std::string_view kCodeStillPending = "STILL_PENDING";
inline constexpr std::string_view kCodeAlreadyDecided = "ALREADY_DECIDED";
inline constexpr std::string_view kCodeRequestExpired = "REQUEST_EXPIRED";
inline constexpr std::string_view kCodeSelfApproval = "SELF_APPROVAL";
inline constexpr std::string_view kCodeInputRequired = "INPUT_REQUIRED";
inline constexpr std::string_view kCodeChecksFailed = "CHECKS_FAILED";

}  // namespace aldis::cli
