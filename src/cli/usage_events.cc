#include "cli/usage_events.h"

#include <algorithm>

namespace aldis::cli {

void report_use(UsageTelemetry& telemetry, const CommandSpec& command, const Reply& reply, Format format,
                std::chrono::nanoseconds duration) {
  const auto place = std::ranges::find(kCommandNames, command.name) - kCommandNames.begin();
  telemetry.event(CommandRun{.command = static_cast<UsedCommand>(place),
                             .exit_code = reply.exit_code(),
                             .format = format,
                             .duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()});
  if (!reply.failure) return;
  // Answers that are no errors of the library (NOTHING_YET) are told by their exit code alone.
  const auto known = std::ranges::find(error_table(), reply.failure->code, &ErrorMapping::code);
  if (known == error_table().end()) return;
  const bool validation = reply.failure->exit == ExitCode::argument_error;
  telemetry.error(known->error, validation ? UsagePhase::validation : UsagePhase::execution);
}

}  // namespace aldis::cli
