#pragma once
// What aldis tells about its own use, if the user has enabled it: all of it, since nothing else compiles. Used by
// dispatch.cc; implemented in usage_events.cc.
//
// Model: one `command_run` for each command, and an `error` if it failed with a code of the library. No name, argument,
// path or message is in there, and there is no type that could hold one. Threads: one thread.

#include <chrono>

#include "aldis/error.h"
#include "aldis/telemetry.h"
#include "cli/command.h"
#include "cli/command_names.h"
#include "cli/output.h"
#include "cli/reply.h"

namespace aldis {

consteval auto telemetry_names(ErrorCode) {
  return telemetry_values("invalid_argument", "not_found", "already_exists", "conflict", "failed_precondition",
                          "permission_denied", "resource_exhausted", "deadline_exceeded", "unavailable", "data_loss",
                          "unimplemented", "internal");
}

}  // namespace aldis

namespace aldis::cli {

enum class UsedCommand : std::uint8_t {};  // its place in kCommandNames

// "agents list" is reported as agents_list.
inline constexpr auto kUsedCommandLetters = [] {
  std::array<std::array<char, limits::kTelemetryNameBytesMax>, kCommandNames.size()> letters{};
  for (std::size_t i = 0; i < letters.size(); ++i) {
    std::size_t at = 0;
    for (const char c : kCommandNames[i]) letters[i][at++] = c == ' ' || c == '-' ? '_' : c;
  }
  return letters;
}();

consteval auto telemetry_names(UsedCommand) {
  std::array<std::string_view, kCommandNames.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = telemetry_detail::checked_name({kUsedCommandLetters[i].data(), kCommandNames[i].size()});
  }
  return names;
}

consteval auto telemetry_names(Format) { return telemetry_values("table", "json", "jsonl"); }

enum class UsagePhase : std::uint8_t { validation, execution };
consteval auto telemetry_names(UsagePhase) { return telemetry_values("validation", "execution"); }

struct CommandRun {
  UsedCommand command{};
  Bounded<0, 255> exit_code;
  Format format = Format::json;
  Bounded<0, 86'400'000> duration_ms;

  static constexpr auto telemetry = telemetry_event("command_run", telemetry_field("command", &CommandRun::command),
                                                    telemetry_field("exit_code", &CommandRun::exit_code),
                                                    telemetry_field("format", &CommandRun::format),
                                                    telemetry_field("duration_ms", &CommandRun::duration_ms));
};

using UsageTelemetry = TelemetryClient<CommandRun, TelemetryErrors<ErrorCode, UsagePhase>>;

void report_use(UsageTelemetry& telemetry, const CommandSpec& command, const Reply& reply, Format format,
                std::chrono::nanoseconds duration);

}  // namespace aldis::cli
