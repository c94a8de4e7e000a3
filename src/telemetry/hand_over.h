#pragma once
// From the ring to the disk, and perhaps to a courier: what `finish` and `hand_over` do. Used by client.cc; implemented
// in hand_over.cc.
//
// Model: reads the consent again (a revocation works at once), appends the frames, looks at the gate, and starts a
// courier when one may start and there is something to send. Every failure ends in silence, at worst in a count.
// Threads: one thread at a time.

#include <sys/types.h>

#include <optional>

#include "core/clock.h"
#include "core/environment.h"
#include "telemetry/frame.h"
#include "telemetry/places.h"

namespace aldis::telemetry {

struct HandOver {
  const Environment& environment;
  const Clock& clock;
  const Places& places;
  FrameOrigin origin;  // its install id is filled in from the consent
  std::vector<EventRecord> records;
  std::uint32_t dropped = 0;
  bool spool_only = false;
  bool may_check_for_updates = false;  // wanted, and stdout is a terminal
};

struct HandedOver {
  std::uint32_t dropped = 0;          // to be reported with the next hand-over
  std::optional<pid_t> courier = {};  // was started
};

HandedOver hand_over(const HandOver& what);

}  // namespace aldis::telemetry
