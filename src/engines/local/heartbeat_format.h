#pragma once
// The two values that the local board keeps for an agent; the grammar is in docs/formats.md, "Heartbeat records". Used
// by local_heartbeats.cc; implemented in heartbeat_format.cc.
//
// Model: the *pulse* is what beats, renewals, the end and publishing change, and is small; the *portrait* is what a
// start fixes. Reading gives views into the bytes read: use them before the transaction writes or ends. Threads:
// values. Errors: reading bytes of another shape gives nothing.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ports/heartbeat_store.h"

namespace aldis {

struct HeartbeatPulse {
  Id128 incarnation;
  std::chrono::nanoseconds ttl{0};
  StoreTime renewed;
  WallTime renewed_at;
  StoreTime last_beat;  // this and the next are meaningful when beats > 0
  WallTime last_beat_at;
  std::uint64_t beats = 0;
  BeatRhythm rhythm;
  std::optional<double> progress;
  std::optional<StoreTime> finished;
  AgentState published = AgentState::alive;
  std::string_view status;
  std::string_view current_task;

  // From here on the record is not there any more, unless its process keeps it.
  StoreTime removal() const { return finished.value_or(renewed + ttl) + limits::kAgentRetention; }
};

std::string write_pulse(const HeartbeatPulse& pulse);
std::optional<HeartbeatPulse> read_pulse(std::string_view bytes);

std::string write_portrait(const AgentStart& start, StoreTime started, WallTime started_at);

// Puts the two together. False: not a portrait.
bool read_portrait(std::string_view bytes, HeartbeatRecord& record);
void apply_pulse(const HeartbeatPulse& pulse, HeartbeatRecord& record);

}  // namespace aldis
