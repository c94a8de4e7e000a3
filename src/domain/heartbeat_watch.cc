#include "domain/heartbeat_watch.h"

#include <algorithm>
#include <utility>

#include "core/try.h"
#include "domain/own_events.h"

namespace aldis {

// `from` moves forward with each call: ids are asked for in their order.
const HeartbeatWatch::Seen* HeartbeatWatch::find(std::string_view agent_id, std::size_t& from) const {
  while (from < seen_.size() && seen_[from].agent_id < agent_id) ++from;
  return from < seen_.size() && seen_[from].agent_id == agent_id ? &seen_[from] : nullptr;
}

// True if nobody was faster.
Result<bool> HeartbeatWatch::publish(const HeartbeatRecord& record, const Liveness& liveness) {
  const AgentStart& start = record.start;
  ALDIS_TRY_ASSIGN(const bool first, workspace_.heartbeats().publish_state(start.agent_id, start.incarnation,
                                                                           record.published, liveness.state));
  // Whoever stopped an agent told so itself.
  if (first && liveness.state != AgentState::finished) {
    tell_of_agent(workspace_, {.agent_id = start.agent_id,
                               .incarnation = start.incarnation,
                               .state = liveness.state,
                               .previous = record.published,
                               .evidence = liveness.evidence});
  }
  return first;
}

Result<HeartbeatWatch::Pass> HeartbeatWatch::pass() {
  ALDIS_TRY_ASSIGN(AgentSurvey survey, survey_agents(workspace_));
  const std::chrono::nanoseconds recheck = workspace_.waker().recheck_interval();
  Pass pass;
  std::vector<Seen> seen_now;
  seen_now.reserve(survey.records.size());
  std::size_t from = 0;
  for (std::size_t at = 0; at < survey.records.size(); ++at) {
    HeartbeatRecord& record = survey.records[at];
    const AgentStart& start = record.start;
    Liveness liveness = survey.liveness(at, stale_after_);
    if (const auto next = next_possible_change(record, survey.processes[at], survey.now, stale_after_)) {
      pass.quiet_for = std::min<std::chrono::nanoseconds>(pass.quiet_for, *next - survey.now);
    }
    if (start.process && is_live(liveness.state)) pass.quiet_for = std::min(pass.quiet_for, recheck);
    const Seen* before = find(start.agent_id, from);
    if (before != nullptr && before->incarnation != start.incarnation) before = nullptr;
    seen_now.push_back({start.agent_id, start.incarnation, liveness.state});
    if (before != nullptr && before->state == liveness.state) continue;
    StateChange change;
    if (before != nullptr) change.previous = before->state;
    if (record.published != liveness.state) {
      ALDIS_TRY_ASSIGN(change.first, publish(record, liveness));
    }
    change.agent = to_status(std::move(record), std::move(liveness));
    pass.changes.push_back(std::move(change));
  }
  seen_ = std::move(seen_now);
  return pass;
}

}  // namespace aldis
