#pragma once
// From arguments to an exit code: finds the command, reads its options and the settings, runs it and prints its answer.
// Used by main.cc; implemented in dispatch.cc.

#include <span>
#include <string>

#include "aldis/tool_environment.h"
#include "core/clock.h"

namespace aldis::cli {

int dispatch(std::span<const std::string> arguments, const EnvironmentSnapshot& variables, const Clock& clock);

}  // namespace aldis::cli
