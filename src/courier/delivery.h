#pragma once
// What a courier does in its life: claim, send, retry later, give up. Used by main.cc; implemented in delivery.cc and
// preview.cc, with sent_log.cc and update_check.cc.
//
// Model: safe to be killed at any instruction. Before it connects it writes down the failure that it would be; a
// success is written over it. The consent is read before each connection. Threads: one.

#include <string>

#include "core/clock.h"
#include "core/environment.h"
#include "telemetry/places.h"

namespace aldis::courier {

struct Errand {
  const Environment& environment;
  const Clock& clock;
  telemetry::Places places;
  bool flush = false;
  bool update_check = false;
};

// The exit code.
int deliver(const Errand& errand);

// A JSON array of what would be sent now; changes nothing, and neither waits nor locks.
std::string preview(const Errand& errand);

}  // namespace aldis::courier
