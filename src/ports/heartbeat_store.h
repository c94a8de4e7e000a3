#pragma once
// Where heartbeat records live. Used by src/domain/heartbeats.cc; engines: src/engines/local/local_heartbeats,
// tests/fakes/memory_heartbeats. Each sentence below has a test in tests/contract that runs on every engine.
//
// Model: one record an agent id, replaced by a new incarnation. Every call is atomic. The store stamps times with its
// own clock: `StoreTime` decides, `WallTime` is for display. Store and retention: a record is removed
// limits::kAgentRetention after its lease lapsed or it finished, whichever was stamped last; no reader sees it after
// that. An engine that can examine processes itself (the local board) keeps that of an unfinished agent while its
// process is known to exist; on a store that machines share, time alone decides. A store rings Topic::agent and
// Topic::heartbeats (ports/waker.h) after what it commits. Threads: safe from any thread and process. Errors: conflict
// when the incarnation is not the newest (nothing is changed), not_found when there is no record, and
// deadline_exceeded / unavailable / resource_exhausted / data_loss from the engine.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/heartbeats.h"
#include "core/ids.h"
#include "ports/process_table.h"
#include "ports/store_time.h"

namespace aldis {

// Mean and spread of the intervals between the beats of one incarnation (Welford 1962, "Note on a method for
// calculating corrected sums of squares and products"): constant size, updated by the store with each beat.
struct BeatRhythm {
  std::uint64_t intervals = 0;
  double mean_seconds = 0;
  double squares = 0;  // sum of squared differences from the mean

  void add(double seconds) {
    ++intervals;
    const double delta = seconds - mean_seconds;
    mean_seconds += delta / static_cast<double>(intervals);
    squares += delta * (seconds - mean_seconds);
  }
  bool operator==(const BeatRhythm&) const = default;
};

// What a new incarnation says of itself.
struct AgentStart {
  std::string agent_id;
  Id128 incarnation;
  std::string display_name;
  Json metadata;
  std::string host;
  std::optional<ProcessIdentity> process;
  std::chrono::nanoseconds ttl{0};
};

struct BeatUpdate {
  std::string_view agent_id;
  Id128 incarnation;
  std::string_view status;
  std::optional<double> progress;                // none: unchanged
  std::optional<std::string_view> current_task;  // none: unchanged
};

struct HeartbeatRecord {
  AgentStart start;
  WallTime started_at;
  StoreTime started;
  std::string status;  // "started" until the first beat; the final status once finished
  std::optional<double> progress;
  std::string current_task;
  std::uint64_t beats = 0;
  std::optional<WallTime> last_beat_at;
  StoreTime last_beat;  // meaningful when beats > 0
  StoreTime renewed;    // last beat, lease renewal or start
  WallTime renewed_at;
  BeatRhythm rhythm;
  bool finished = false;
  AgentState published = AgentState::alive;  // the last state that somebody published; see publish_state

  StoreTime lease_deadline() const { return renewed + start.ttl; }
};

struct HeartbeatReading {
  HeartbeatRecord record;
  StoreTime now;  // the store's clock at the reading
};

struct HeartbeatListing {
  std::vector<HeartbeatRecord> records;  // in the byte order of their agent ids
  StoreTime now;
};

class HeartbeatStore {
 public:
  virtual ~HeartbeatStore() = default;

  // Makes `start` the newest incarnation: no beats, fresh lease, published state alive. `replaces` none: over whatever
  // is there. A nil id: only if there is no record. Another id: only if that is the newest incarnation, else conflict.
  virtual Result<void> start(const AgentStart& start, std::optional<Id128> replaces) = 0;

  // Counts a beat, adds the interval since the previous one to the rhythm, renews the lease. A finished incarnation is
  // failed_precondition.
  virtual Result<void> beat(const BeatUpdate& update) = 0;

  // Renews the lease and nothing else. A finished incarnation is failed_precondition.
  virtual Result<void> renew(std::string_view agent_id, const Id128& incarnation) = 0;

  // Marks the incarnation finished with its final status. Finishing twice with the same status is a success.
  virtual Result<void> finish(std::string_view agent_id, const Id128& incarnation, std::string_view final_status) = 0;

  virtual Result<std::optional<HeartbeatReading>> read(std::string_view agent_id) = 0;
  virtual Result<HeartbeatListing> list() = 0;

  // Stores `next` as the published state if the newest incarnation is `incarnation` and its published state is
  // `expected`. True for exactly one of all the callers that try the same change; false changes nothing.
  virtual Result<bool> publish_state(std::string_view agent_id, const Id128& incarnation, AgentState expected,
                                     AgentState next) = 0;
};

}  // namespace aldis
