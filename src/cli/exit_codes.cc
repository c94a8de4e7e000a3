#include "cli/exit_codes.h"

namespace aldis::cli {
namespace {

constexpr ExitCodeEntry kExitCodes[] = {
    {ExitCode::success, "SUCCESS", "The command did what it was asked for", false, "complete"},
    {ExitCode::general_error, "GENERAL_ERROR", "Something failed that has no code of its own; error.message says what",
     false, "partial"},
    {ExitCode::argument_error, "ARG_ERROR", "An argument can never be right; nothing was done", false, "none"},
    {ExitCode::precondition, "PRECONDITION", "The world is not in the state that the command needs; nothing was done",
     false, "none"},
    {ExitCode::not_found, "NOT_FOUND", "The named thing does not exist, or is older than what is kept", false, "none"},
    {ExitCode::conflict, "CONFLICT", "Somebody else has, took or replaced it first; nothing was changed", false,
     "none"},
    {ExitCode::permission_denied, "PERMISSION_DENIED", "This caller may not do this; nothing was done", false, "none"},
    {ExitCode::timeout, "TIMEOUT", "The time that was given is over", true, "none"},
    {ExitCode::unavailable, "UNAVAILABLE",
     "The store, or telemetry's receiver, cannot be reached or has no room; the message says if it may have been done",
     true, "none"},
    {ExitCode::expired, "EXPIRED", "A signal expired before this agent took it; it is told once", false, "complete"},
    {ExitCode::rejected, "REJECTED", "An approval was refused; who and why are in the data", false, "complete"},
    {ExitCode::request_cancelled, "REQUEST_CANCELLED", "The agent that asked for an approval took it back", false,
     "complete"},
    {ExitCode::source_gone, "SOURCE_GONE", "The agent waited for is dead or finished, and nothing of it is pending",
     true, "none"},
    {ExitCode::still_pending, "STILL_PENDING", "Nobody has decided yet, and the request stays open", true, "none"},
    {ExitCode::nothing_yet, "NOTHING_YET", "No matching signal is there now", true, "none"},
    {ExitCode::not_executable, "NOT_EXECUTABLE", "The command to run cannot be executed", false, "partial"},
    {ExitCode::command_not_found, "COMMAND_NOT_FOUND", "The command to run does not exist", false, "partial"},
    {ExitCode::interrupted, "SIGINT", "Ended by SIGINT (CANCELLED)", false, "partial"},
    {ExitCode::killed, "SIGKILL", "The command that was run had to be killed", false, "partial"},
    {ExitCode::terminated, "SIGTERM", "Ended by SIGTERM (CANCELLED)", false, "partial"},
};

constexpr ErrorMapping kErrors[] = {
    {ErrorCode::invalid_argument, ExitCode::argument_error, kCodeInvalidArgument},
    {ErrorCode::not_found, ExitCode::not_found, "NOT_FOUND"},
    {ErrorCode::already_exists, ExitCode::conflict, "ALREADY_EXISTS"},
    {ErrorCode::conflict, ExitCode::conflict, "CONFLICT"},
    {ErrorCode::failed_precondition, ExitCode::precondition, "FAILED_PRECONDITION"},
    {ErrorCode::permission_denied, ExitCode::permission_denied, "PERMISSION_DENIED"},
    {ErrorCode::resource_exhausted, ExitCode::unavailable, "RESOURCE_EXHAUSTED"},
    {ErrorCode::deadline_exceeded, ExitCode::timeout, kCodeTimeout},
    {ErrorCode::unavailable, ExitCode::unavailable, "STORE_UNAVAILABLE"},
    {ErrorCode::data_loss, ExitCode::general_error, "DATA_LOSS"},
    // What this build does not know are stores: it cannot reach them.
    {ErrorCode::unimplemented, ExitCode::unavailable, "UNIMPLEMENTED"},
    {ErrorCode::internal, ExitCode::general_error, "INTERNAL"},
};

}  // namespace

std::span<const ExitCodeEntry> exit_code_table() { return kExitCodes; }

const ExitCodeEntry& describe(ExitCode code) {
  for (const ExitCodeEntry& entry : kExitCodes) {
    if (entry.code == code) return entry;
  }
  return kExitCodes[1];
}

std::span<const ErrorMapping> error_table() { return kErrors; }

const ErrorMapping& map_error(ErrorCode code) {
  for (const ErrorMapping& mapping : kErrors) {
    if (mapping.error == code) return mapping;
  }
  return kErrors[std::size(kErrors) - 1];
}

}  // namespace aldis::cli
