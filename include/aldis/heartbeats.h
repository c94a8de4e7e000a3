#pragma once
// Liveness: who is working, on what, how far, and who is late, hung, dead or done. Implemented in
// src/domain/heartbeats.cc; the rule that derives a state is src/domain/liveness.h.
//
// Model: an agent has one record. Its *lease* says that the process is there; a *beat* says that it makes progress, and
// renews the lease too. States are derived when read, from the record, the process table (where this host can see the
// process) and the store's clock, and come with their evidence. Starting an agent id again begins a new *incarnation*:
// the loser's next call is `conflict` and changes nothing. Dead and finished records stay visible for 24 h.
// Threads: safe from any thread. One coordinator speaks for one agent; reading calls need no agent.
// Errors: invalid_argument for bad names, progress outside 0.0–1.0 or NaN, leases out of bounds; failed_precondition
// for a beat before start_heartbeat; conflict when another incarnation took over; plus what the store answers. A failed
// call changes nothing; only one that is `unavailable` from a Redis store may have been done, and says so. Limits:
// limits.h, "Heartbeats".

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/export.h"
#include "aldis/json.h"
#include "aldis/limits.h"
#include "aldis/process_binding.h"
#include "aldis/result.h"
#include "aldis/time.h"
#include "aldis/workspace.h"

namespace aldis {

enum class AgentState {
  alive,
  suspect,   // silence is improbable for this agent's own rhythm (phi-accrual)
  stale,     // no beat for longer than the threshold
  dead,      // its process is gone, or its lease lapsed where the process cannot be checked
  finished,  // stopped, with a final status
};

ALDIS_API std::string_view to_string(AgentState state);

struct AgentStatus {
  std::string agent_id;
  std::string display_name;
  std::string status;
  AgentState state = AgentState::alive;
  std::string evidence;            // why we say so: "process 4242 exited"
  std::optional<double> progress;  // 0.0–1.0
  std::string current_task;
  Json metadata;
  WallTime started_at;
  std::optional<WallTime> last_beat;  // none: it never beat in this incarnation, and claims no progress
  std::uint64_t beats = 0;
  WallTime lease_expires_at;  // for display; decides nothing
  std::string incarnation;
  std::string host;
  std::optional<int> pid;           // none: no process is bound, the lease alone decides
  std::optional<double> suspicion;  // phi; none before the fifth interval
};

struct StartOptions {
  Json metadata = {};             // kept across beats
  std::string display_name = {};  // empty: the agent id
  std::chrono::nanoseconds ttl = limits::kLeaseDefault;
  bool replace = true;  // false: already_exists if a live record has the id, naming its host and pid
  ProcessBinding process = {};
};

// A change that `watch` saw. `first` is true for exactly one of all the watchers that derived it, in any process.
struct StateChange {
  AgentStatus agent;
  std::optional<AgentState> previous;  // none: the watcher had not seen this incarnation before
  bool first = false;
};

// Whom `aldis run` started this process as (ALDIS_AGENT_ID, ALDIS_INCARNATION): what join_heartbeat takes.
struct RunIdentity {
  std::string agent_id;
  std::string incarnation;

  // None: not started by `aldis run`. Reads the environment; call it before other threads change it.
  ALDIS_API static std::optional<RunIdentity> from_environment();
};

class ALDIS_API HeartbeatCoordinator {
 public:
  explicit HeartbeatCoordinator(Workspace workspace);
  ~HeartbeatCoordinator();  // stops keep_alive; leaves the record to its lease, as a crash would
  HeartbeatCoordinator(HeartbeatCoordinator&&) noexcept;
  HeartbeatCoordinator& operator=(HeartbeatCoordinator&&) noexcept;

  // Begins a new incarnation of `agent_id` and speaks for it from now on.
  Result<void> start_heartbeat(std::string agent_id, StartOptions options = {});

  // Speaks for an incarnation that somebody else started: `aldis run` hands its own to the child in ALDIS_INCARNATION.
  Result<void> join_heartbeat(std::string agent_id, std::string incarnation);

  // Reports progress and renews the lease. What is not given stays as it was.
  Result<void> beat(std::string_view status = "running", std::optional<double> progress = std::nullopt,
                    std::optional<std::string_view> current_task = std::nullopt);

  // Ends the incarnation: the state becomes `finished` with this final status.
  Result<void> stop_heartbeat(std::string_view final_status = "completed");

  // Renews the lease from a thread of its own until stop_heartbeat, the destructor, or a takeover. `on_lost` is called
  // from that thread, once, when another incarnation took over. resource_exhausted when no thread can be started.
  Result<void> keep_alive(std::chrono::nanoseconds interval = limits::kKeepAliveIntervalDefault,
                          std::function<void(const Error&)> on_lost = {});

  // The incarnation this coordinator speaks for; empty before start.
  std::string incarnation() const;

  Result<std::vector<AgentStatus>> get_active_agents() const;  // alive, suspect and stale ones
  Result<bool> is_agent_alive(std::string_view agent_id) const;
  // not_found for an id without a record.
  Result<AgentStatus> get_agent_status(std::string_view agent_id,
                                       std::chrono::nanoseconds stale_after = limits::kStaleThresholdDefault) const;
  // All kept records in the order of their ids; `states` empty means every state.
  Result<std::vector<AgentStatus>> list(const std::vector<AgentState>& states = {},
                                        std::chrono::nanoseconds stale_after = limits::kStaleThresholdDefault) const;
  // Every unfinished agent that has beaten and whose last beat is older than the threshold, and dead ones that never
  // beat.
  Result<std::vector<AgentStatus>> get_stale_agents(
      std::chrono::nanoseconds threshold = limits::kStaleThresholdDefault) const;

  // Calls `on_change` with the state of every agent now and then with each change, until `stop` is requested or
  // `on_change` returns false. Blocks; sleeps until the next possible change. Errors of the store end it.
  Result<void> watch(std::function<bool(const StateChange&)> on_change, std::stop_token stop,
                     std::chrono::nanoseconds threshold = limits::kStaleThresholdDefault) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aldis
