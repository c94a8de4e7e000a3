#pragma once
// Everything a command gets: its arguments, the settings in force, how to print, the clock. Made by dispatch.cc;
// implemented in invocation.cc.

#include <span>
#include <string>

#include "aldis/telemetry.h"
#include "aldis/workspace.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/reply.h"
#include "cli/settings.h"
#include "core/clock.h"
#include "core/environment.h"

namespace aldis::cli {

struct Invocation {
  const CommandSpec& command;
  Arguments& arguments;
  const Settings& settings;
  const Environment& environment;
  const Clock& clock;
  const OutputStyle& style;
  TelemetryBase& telemetry;
  std::span<const std::string> program;  // `run`: what follows the first `--`
  bool has_separator = false;            // `run`: whether there was one
  SteadyTime started{};                  // when the command began: --timeout counts from then
};

// --agent, else ALDIS_AGENT_ID; notes a problem if there is neither, or it is no name.
std::string acting_agent(const Invocation& invocation);

// What to answer if something is wrong with the arguments; nothing if all is well.
std::optional<Reply> refuse_bad_arguments(const Invocation& invocation);

// Where the approval policy is.
Result<std::string> policy_directory(const Invocation& invocation);

// Joins the store. A call that finds it busy waits for --connect-timeout at most, and no longer than the whole command
// may take (unless the command waits by itself).
Result<Workspace> open_workspace(const Invocation& invocation);

}  // namespace aldis::cli
