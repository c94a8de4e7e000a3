#pragma once
// The heartbeat records on a Redis server as bytes and as answers; the grammar is in docs/formats.md, "Redis keys".
// Used by redis_heartbeats.cc; the bytes of a pulse are written by scripts/heartbeat_*.lua. Implemented in
// heartbeat_codec.cc.
//
// Model: the *pulse* (in G:r) is what beats, renewals, the end and publishing change; the *self-description* (in G:s)
// is what a start fixes. Times are those of the server that answered. A listing's servers may disagree about the time:
// every record is shifted to one clock, so that how long ago something was stays right.
// Threads: pure. Errors: data_loss for anything that Aldis did not write.

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engines/redis/reply.h"
#include "ports/heartbeat_store.h"

namespace aldis {

// A value of G:r, its texts still in the bytes that were read.
struct PackedPulse {
  Id128 incarnation;
  AgentState published = AgentState::alive;
  std::chrono::nanoseconds ttl{0};
  std::optional<WallTime> finished;
  WallTime renewed;
  WallTime last_beat;  // meaningful when beats > 0
  std::uint64_t beats = 0;
  BeatRhythm rhythm;
  std::optional<double> progress;
  std::string_view status;
  std::string_view current_task;

  // Past its retention: nobody sees it any more.
  bool is_over(WallTime now) const;
};

std::optional<PackedPulse> unpack_pulse(std::string_view bytes);

// A value of G:s but for its beginning, the time of the start, which the script puts there.
std::string pack_self_description(const AgentStart& start);

// Fills in what a start fixed. False: no such value.
bool unpack_self_description(std::string_view bytes, HeartbeatRecord& record);

std::unexpected<Error> damaged_heartbeat(std::string_view agent_id);

// `answer`: of TIME, HGET G:r, HGET G:s.
Result<std::optional<HeartbeatReading>> read_heartbeat_answer(std::string_view agent_id, const Reply& answer);

// `answers`: of TIME, HGETALL G:r, HGETALL G:s for each shard.
Result<HeartbeatListing> read_heartbeat_answers(std::span<const Reply> answers);

}  // namespace aldis
