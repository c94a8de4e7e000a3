#include <aldis/heartbeats.h>
#include <aldis/workspace.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "roles.h"
#include "text.h"

namespace code_review {
namespace {

using aldis::AgentState;
using aldis::AgentStatus;
using aldis::HeartbeatCoordinator;

bool has_ended(AgentState state) { return state == AgentState::dead || state == AgentState::finished; }

std::string progress_of(const AgentStatus& agent) {
  return agent.progress ? std::to_string(std::lround(*agent.progress * 100)) + " %" : "";
}

std::string task_of(const AgentStatus& agent) {
  const bool at_work = agent.state != AgentState::finished && !agent.current_task.empty();
  return printable(at_work ? agent.status + " " + agent.current_task : agent.status);
}

std::string padded(std::string text, std::size_t width) {
  text = shorten(text, width);
  text.append(width - std::min(width, columns(text)), ' ');
  return text;
}

std::string row(const std::string& id, const std::string& state, const std::string& progress, const std::string& task,
                const std::string& evidence) {
  return padded(id, 12) + padded(state, 10) + padded(progress, 7) + padded(task, 48) + "  " + evidence + "\n";
}

std::string table_of(const std::vector<std::string>& ids, const std::vector<AgentStatus>& agents) {
  std::string text = row("AGENT", "STATE", "DONE", "TASK", "EVIDENCE");
  for (const std::string& id : ids) {
    const auto agent = std::ranges::find(agents, id, &AgentStatus::agent_id);
    if (agent == agents.end()) {
      text += row(id, "starting", "", "", "");
      continue;
    }
    text +=
        row(id, std::string(to_string(agent->state)), progress_of(*agent), task_of(*agent), printable(agent->evidence));
  }
  return text;
}

// Redraws at each change of state, and ten times a second for the progress in between.
aldis::Result<void> redraw_in_place(const HeartbeatCoordinator& heartbeats, const std::vector<std::string>& ids) {
  constexpr std::chrono::milliseconds kRedrawEvery{100};
  std::mutex mutex;
  std::condition_variable changed;
  std::jthread watcher([&](const std::stop_token& stop) {
    // When watching fails, so does listing below, and says why.
    [[maybe_unused]] const auto watched = heartbeats.watch(
        [&](const aldis::StateChange&) {
          changed.notify_one();
          return true;
        },
        stop);
  });
  std::unique_lock lock(mutex);
  for (std::string move_up;; move_up = "\x1b[" + std::to_string(ids.size() + 1) + "F\x1b[J") {
    const auto agents = heartbeats.list();
    if (!agents) return std::unexpected(agents.error());
    // Without line wrap, so that a long line stays one.
    std::cout << "\x1b[?7l" << move_up << table_of(ids, *agents) << "\x1b[?7h" << std::flush;
    const bool all_ended = std::ranges::all_of(ids, [&](const std::string& id) {
      const auto agent = std::ranges::find(*agents, id, &AgentStatus::agent_id);
      return agent != agents->end() && has_ended(agent->state);
    });
    if (all_ended) return {};
    changed.wait_for(lock, kRedrawEvery);
  }
}

void print_change(const aldis::StateChange& change) {
  const AgentStatus& agent = change.agent;
  std::cout << agent.agent_id << ": ";
  if (change.previous) std::cout << to_string(*change.previous) << " -> ";
  std::cout << to_string(agent.state) << " (" << printable(agent.evidence) << ") " << progress_of(agent) << " "
            << task_of(agent) << std::endl;
}

aldis::Result<void> print_changes(const HeartbeatCoordinator& heartbeats, const std::vector<std::string>& ids) {
  std::map<std::string, AgentState> states;
  return heartbeats.watch(
      [&](const aldis::StateChange& change) {
        if (std::ranges::find(ids, change.agent.agent_id) == ids.end()) return true;
        print_change(change);
        states[change.agent.agent_id] = change.agent.state;
        return states.size() < ids.size() ||
               !std::ranges::all_of(states, [](const auto& entry) { return has_ended(entry.second); });
      },
      {});
}

}  // namespace

aldis::Result<void> run_table(const std::vector<std::string>& agents) {
  const auto workspace = aldis::Workspace::open(aldis::WorkspaceOptions::from_environment());
  if (!workspace) return std::unexpected(workspace.error());
  const HeartbeatCoordinator heartbeats(*workspace);
  return ::isatty(STDOUT_FILENO) == 1 ? redraw_in_place(heartbeats, agents) : print_changes(heartbeats, agents);
}

}  // namespace code_review
