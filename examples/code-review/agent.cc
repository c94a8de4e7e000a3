#include "agent.h"

#include <aldis/limits.h>

#include <utility>

#include "text.h"

namespace code_review {

aldis::Result<void> Agent::beat(std::string_view status, std::size_t done, std::size_t all, std::string_view path) {
  const double progress = all == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(all);
  return heartbeat.beat(status, progress, shorten(escape(path), aldis::limits::kTaskBytesMax));
}

aldis::Result<Agent> join_fleet() {
  const auto identity = aldis::RunIdentity::from_environment();
  if (!identity) {
    return std::unexpected(aldis::Error{aldis::ErrorCode::failed_precondition,
                                        "not started as an agent; use: aldis run --agent NAME -- code_review …"});
  }
  auto workspace = aldis::Workspace::open(aldis::WorkspaceOptions::from_environment());
  if (!workspace) return std::unexpected(workspace.error());
  aldis::HeartbeatCoordinator heartbeat(*workspace);
  if (auto joined = heartbeat.join_heartbeat(identity->agent_id, identity->incarnation); !joined) {
    return std::unexpected(joined.error());
  }
  auto signals = aldis::CoordinationSignals::open(*workspace, identity->agent_id);
  if (!signals) return std::unexpected(signals.error());
  return Agent{identity->agent_id, *workspace, std::move(heartbeat), *std::move(signals)};
}

}  // namespace code_review
