#pragma once
// A process that `aldis run` started, as a member of the fleet. Used by the roles that are agents (scout, reviewer,
// reporter); implemented in agent.cc.
//
// Model: `aldis run` keeps the lease and says in the environment which store, namespace, agent and incarnation this is;
// the process adds what only it knows: its progress and what it is doing. Threads: as the classes of Aldis.
// Errors: failed_precondition when not started by `aldis run`, and what the store answers.

#include <aldis/heartbeats.h>
#include <aldis/result.h>
#include <aldis/signals.h>
#include <aldis/workspace.h>

#include <chrono>
#include <string>
#include <string_view>

namespace code_review {

// How long an agent waits before it beats again: whoever looks can tell waiting from hanging.
inline constexpr std::chrono::milliseconds kBeatEvery{250};

struct Agent {
  std::string id;
  aldis::Workspace workspace;
  aldis::HeartbeatCoordinator heartbeat;
  aldis::CoordinationSignals signals;  // in its own name

  // `done` of `all` are behind us; `path` is what we are at, whatever bytes it has.
  aldis::Result<void> beat(std::string_view status, std::size_t done, std::size_t all, std::string_view path = {});
};

aldis::Result<Agent> join_fleet();

}  // namespace code_review
