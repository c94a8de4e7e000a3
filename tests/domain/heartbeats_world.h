#pragma once
// A small world for the tests of HeartbeatCoordinator: the twins, processes that live and die as a test says, and a
// store that can be sabotaged. Waiting moves the clock (fakes/memory_waker.h). Threads: one thread, keep_alive apart.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aldis/heartbeats.h"
#include "domain/workspace_impl.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_process_table.h"
#include "fakes/heartbeat_saboteur.h"
#include "fakes/memory_heartbeats.h"
#include "fakes/memory_signals.h"
#include "fakes/memory_waker.h"

namespace aldis::testing {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

struct HeartbeatsWorld {
  HeartbeatsWorld() = default;
  explicit HeartbeatsWorld(nanoseconds recheck) : waker(std::make_shared<MemoryWaker>(clock, recheck)) {}

  Workspace workspace() {
    WorkspaceParts parts{
        .clock = clock, .processes = processes, .heartbeats = store, .signals = signals, .waker = waker};
    return Workspace(std::make_shared<Workspace::Impl>(WorkspaceOptions{}, std::move(parts)));
  }
  HeartbeatCoordinator coordinator() { return HeartbeatCoordinator(workspace()); }

  // An agent of a process of its own, which is made if there is none with this pid.
  HeartbeatCoordinator started(const std::string& agent, int pid, nanoseconds ttl = 30s) {
    if (!processes->identify(pid)) processes->spawn(pid);
    StartOptions options;
    options.ttl = ttl;
    options.process = {ProcessBinding::Kind::other, pid};
    return started(agent, options);
  }
  // An agent without a process: its lease alone decides.
  HeartbeatCoordinator leased(const std::string& agent, nanoseconds ttl = 30s) {
    StartOptions options;
    options.ttl = ttl;
    options.process.kind = ProcessBinding::Kind::none;
    return started(agent, options);
  }
  HeartbeatCoordinator started(const std::string& agent, const StartOptions& options) {
    HeartbeatCoordinator made = coordinator();
    const auto answer = made.start_heartbeat(agent, options);
    EXPECT_TRUE(answer) << answer.error().message;
    return made;
  }

  void process_becomes(int pid, ProcessEvidence evidence) {
    processes->set(processes->identify(pid).value(), evidence);
  }
  // Nothing is kept of agents whose process nobody can see.
  void lose_records() {
    process_becomes(FakeProcessTable::kSelf, ProcessEvidence::unknown);
    clock->advance(30s + limits::kAgentRetention);
  }
  void beats(HeartbeatCoordinator& agent, int count, nanoseconds interval) {
    for (int i = 0; i < count; ++i) {
      clock->advance(interval);
      EXPECT_TRUE(agent.beat());
    }
  }

  AgentStatus status(const std::string& agent) {
    auto found = coordinator().get_agent_status(agent);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *std::move(found) : AgentStatus{};
  }
  AgentState state(const std::string& agent) { return status(agent).state; }

  const std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  const std::shared_ptr<FakeProcessTable> processes = std::make_shared<FakeProcessTable>();
  const std::shared_ptr<MemoryWaker> waker = std::make_shared<MemoryWaker>(clock);
  const Ring ring = [this](const std::optional<Topic>& topic) { waker->ring(topic); };
  const std::shared_ptr<HeartbeatStore> records = make_memory_heartbeats(clock, ring, processes);
  const std::shared_ptr<HeartbeatSaboteur> store = std::make_shared<HeartbeatSaboteur>(records);
  const std::shared_ptr<SignalStore> signals = make_memory_signals(clock, ring);
};

template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (!result) return result.error().code;
  ADD_FAILURE() << "it succeeded";
  return ErrorCode::internal;
}

inline std::vector<std::string> ids_of(const Result<std::vector<AgentStatus>>& listed) {
  EXPECT_TRUE(listed) << listed.error().message;
  std::vector<std::string> ids;
  for (const AgentStatus& agent : *listed) ids.push_back(agent.agent_id);
  return ids;
}

}  // namespace aldis::testing
