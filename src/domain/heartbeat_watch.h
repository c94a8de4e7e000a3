#pragma once
// Following every agent's state. Used by src/domain/heartbeats.cc; implemented in heartbeat_watch.cc.
//
// Model: `pass` reads all records, compares with the pass before and answers with what changed, each change published
// by compare-and-set, so that one watcher of all is told that it was the first, and makes an event of it
// (own_events.h); and how long nothing can change without a ring: while some process lives, no longer than a recheck
// interval. Threads: one thread. Errors: those of the store.

#include <chrono>
#include <string>
#include <vector>

#include "domain/agent_survey.h"
#include "domain/workspace_impl.h"

namespace aldis {

class HeartbeatWatch {
 public:
  // REQUIRES: `workspace` outlives it.
  HeartbeatWatch(Workspace::Impl& workspace, std::chrono::nanoseconds stale_after)
      : workspace_(workspace), stale_after_(stale_after) {}

  struct Pass {
    std::vector<StateChange> changes;
    std::chrono::nanoseconds quiet_for = limits::kQuietMax;
  };
  Result<Pass> pass();

 private:
  struct Seen {
    std::string agent_id;
    Id128 incarnation;
    AgentState state = AgentState::alive;
  };
  const Seen* find(std::string_view agent_id, std::size_t& from) const;
  Result<bool> publish(const HeartbeatRecord& record, const Liveness& liveness);

  Workspace::Impl& workspace_;
  const std::chrono::nanoseconds stale_after_;
  std::vector<Seen> seen_;  // in the order of agent ids, as surveys are
};

}  // namespace aldis
