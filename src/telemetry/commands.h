#pragma once
// `telemetry status|explain|enable|disable|preview|flush|reset` of any tool. Used by client.cc; implemented in
// commands.cc (reading) and commands_change.cc (enable, disable, reset, flush).
//
// Model: a function of the arguments and a scene that says where everything is; answers, prints nothing.
// Threads: one thread.

#include <span>
#include <string>

#include "aldis/telemetry.h"
#include "core/clock.h"
#include "telemetry/consent.h"
#include "telemetry/places.h"

namespace aldis::telemetry {

struct CommandScene {
  std::string tool;
  std::string suggested_endpoint;
  const Environment& environment;
  const Clock& clock;
  std::optional<Places> places;
  ConsentFacts facts;  // as if this were a command that is reported
};

TelemetryAnswer run_command(const CommandScene& scene, std::span<const std::string> arguments);

}  // namespace aldis::telemetry
