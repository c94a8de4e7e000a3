#pragma once
// What each `telemetry` command does, one function a command. Used by run_command alone; implemented in commands.cc
// (status, explain), commands_change.cc (enable, disable, reset) and commands_send.cc (preview, flush).
//
// Model: the scene's facts hold the consent as it is now. Options are those that the command has; only `enable` is
// called with problems, to which it adds its own. Threads: one thread.

#include "telemetry/command_options.h"
#include "telemetry/commands.h"

namespace aldis::telemetry {

// The courier, if this process may start it. Errors: failed_precondition, plus those of find_courier.
Result<std::string> usable_courier(const Environment& environment);

TelemetryAnswer answer_status(const CommandScene& scene, const CommandOptions& options);
TelemetryAnswer answer_explain(const CommandScene& scene, const CommandOptions& options);
TelemetryAnswer enable(const CommandScene& scene, const CommandOptions& options);
TelemetryAnswer disable(const CommandScene& scene, const CommandOptions& options);
TelemetryAnswer preview(const CommandScene& scene, const CommandOptions& options);
TelemetryAnswer flush(const CommandScene& scene, const CommandOptions& options);
TelemetryAnswer reset(const CommandScene& scene, const CommandOptions& options);

}  // namespace aldis::telemetry
