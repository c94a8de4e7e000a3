#pragma once
// What of a tool's telemetry waits to be sent, and how to forget it. Used by the commands; implemented in pending.cc.
//
// Model: looks at the state directory without making anything; what is missing, or not ours, counts as nothing.
// Forgetting removes our files alone, never a directory that something else lies in.
// Threads: safe from any thread.

#include <cstdint>
#include <string>

#include "telemetry/gate.h"

namespace aldis::telemetry {

struct Pending {
  std::uint64_t spool_bytes = 0;
  std::uint64_t batches = 0;
  std::uint64_t dropped = 0;  // records that the waiting frames say were lost, and gaps between them

  std::uint64_t unsent() const { return batches + (spool_bytes > 0 ? 1 : 0); }  // batches, when the spool is one
};

// Reads all of it (at most the caps of limits.h).
Pending examine_pending(const std::string& state_directory);
// Looks at sizes and names only; `dropped` stays 0.
Pending count_pending(const std::string& state_directory);

// The gate's record; a new one where there is no gate.
GateRecord look_at_gate(const std::string& state_directory);
// What it says of the last attempt is a guess while a courier runs.
bool courier_runs(const std::string& state_directory);

// The spool, the batches and the update cache.
void remove_pending(const std::string& state_directory);
// All of it, and the directories. A courier that still runs finds no directory to write to.
void remove_state(const std::string& state_directory);

}  // namespace aldis::telemetry
