#include "aldis/heartbeats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/failure.h"
#include "core/ids.h"
#include "core/names.h"
#include "core/try.h"
#include "domain/agent_survey.h"
#include "domain/heartbeat_session.h"
#include "domain/heartbeat_watch.h"
#include "domain/lease_keeper.h"
#include "domain/liveness.h"
#include "domain/own_events.h"
#include "domain/workspace_impl.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view kAgentArgument = "agent_id";

double seconds_of(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

Result<void> check_start(const std::string& agent_id, const StartOptions& options) {
  ALDIS_TRY(check_name(kAgentArgument, agent_id));
  ALDIS_TRY(check_text("display_name", options.display_name, limits::kDisplayNameBytesMax));
  if (options.ttl < limits::kLeaseMin || options.ttl > limits::kLeaseMax) {
    return fail(ErrorCode::invalid_argument, "the lease must be between {} s and {} s, not {} s",
                seconds_of(limits::kLeaseMin), seconds_of(limits::kLeaseMax), seconds_of(options.ttl));
  }
  return {};
}

Result<void> check_progress(std::optional<double> progress) {
  if (!progress || (*progress >= 0.0 && *progress <= 1.0)) return {};  // NaN compares false
  return fail(ErrorCode::invalid_argument, "progress must be between 0.0 and 1.0, not {}", *progress);
}

// Thresholds that are longer than anything is kept are cut, so that no sum of times overflows.
Result<nanoseconds> finalize_threshold(nanoseconds threshold) {
  if (threshold >= nanoseconds::zero()) return std::min(threshold, limits::kWaitMax);
  return fail(ErrorCode::invalid_argument, "the threshold must not be negative, but is {} s", seconds_of(threshold));
}

Result<std::optional<ProcessIdentity>> bind_process(ProcessTable& processes, const ProcessBinding& binding) {
  if (binding.kind == ProcessBinding::Kind::none) return std::nullopt;
  if (binding.kind == ProcessBinding::Kind::other) {
    ALDIS_TRY_ASSIGN(ProcessIdentity other, processes.identify(binding.pid));
    return other;
  }
  Result<ProcessIdentity> self = processes.self();
  if (self) return *std::move(self);
  // A process that cannot see itself (no /proc) lives by its lease.
  if (self.error().code == ErrorCode::failed_precondition) return std::nullopt;
  return std::unexpected(std::move(self).error());
}

}  // namespace

std::string_view to_string(AgentState state) {
  switch (state) {
    case AgentState::alive:
      return "alive";
    case AgentState::suspect:
      return "suspect";
    case AgentState::stale:
      return "stale";
    case AgentState::dead:
      return "dead";
    case AgentState::finished:
      return "finished";
  }
  return "unknown";
}

class HeartbeatCoordinator::Impl {
 public:
  explicit Impl(Workspace workspace) : session_(std::make_shared<HeartbeatSession>(std::move(workspace))) {}

  Workspace::Impl& workspace() const { return session_->workspace(); }
  HeartbeatSession& session() const { return *session_; }

  Result<void> keep_alive(nanoseconds interval, std::function<void(const Error&)> on_lost) {
    ALDIS_TRY_ASSIGN(auto keeper, LeaseKeeper::start(session_, interval, std::move(on_lost)));
    replace_keeper(std::move(keeper));
    return {};
  }

  // The old keeper goes outside the lock: its destructor waits for a thread that may be in a callback.
  void replace_keeper(std::unique_ptr<LeaseKeeper> keeper) {
    const MutexLock lock(mutex_);
    keeper_.swap(keeper);
  }

 private:
  const std::shared_ptr<HeartbeatSession> session_;
  Mutex mutex_;
  std::unique_ptr<LeaseKeeper> keeper_ ALDIS_GUARDED_BY(mutex_);
};

HeartbeatCoordinator::HeartbeatCoordinator(Workspace workspace) : impl_(std::make_unique<Impl>(std::move(workspace))) {}
HeartbeatCoordinator::~HeartbeatCoordinator() = default;
HeartbeatCoordinator::HeartbeatCoordinator(HeartbeatCoordinator&&) noexcept = default;
HeartbeatCoordinator& HeartbeatCoordinator::operator=(HeartbeatCoordinator&&) noexcept = default;

Result<void> HeartbeatCoordinator::start_heartbeat(std::string agent_id, StartOptions options) {
  Workspace::Impl& workspace = impl_->workspace();
  ALDIS_TRY(workspace.usable());
  ALDIS_TRY(check_start(agent_id, options));
  ALDIS_TRY_ASSIGN(auto process, bind_process(workspace.processes(), options.process));
  AgentStart start{.agent_id = agent_id,
                   .incarnation = make_id(workspace.clock().wall_now()),
                   .display_name = options.display_name.empty() ? agent_id : std::move(options.display_name),
                   .metadata = std::move(options.metadata),
                   .host = workspace.processes().host_name(),
                   .process = std::move(process),
                   .ttl = options.ttl};
  const Id128 incarnation = start.incarnation;
  ALDIS_TRY(impl_->session().start(std::move(start), options.replace));
  tell_of_agent(workspace, {.agent_id = agent_id, .incarnation = incarnation, .state = AgentState::alive});
  return {};
}

Result<void> HeartbeatCoordinator::join_heartbeat(std::string agent_id, std::string incarnation) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY(check_name(kAgentArgument, agent_id));
  const std::optional<Id128> id = parse_id(kIncarnationPrefix, incarnation);
  if (!id) return fail(ErrorCode::invalid_argument, "\"{}\" is not the id of an incarnation (inc_…)", incarnation);
  return impl_->session().join(agent_id, *id);
}

Result<void> HeartbeatCoordinator::beat(std::string_view status, std::optional<double> progress,
                                        std::optional<std::string_view> current_task) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY(check_text("status", status, limits::kStatusBytesMax));
  ALDIS_TRY(check_progress(progress));
  if (current_task) ALDIS_TRY(check_text("current_task", *current_task, limits::kTaskBytesMax));
  return impl_->session().beat(status, progress, current_task);
}

Result<void> HeartbeatCoordinator::stop_heartbeat(std::string_view final_status) {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY(check_text("final_status", final_status, limits::kStatusBytesMax));
  ALDIS_TRY(impl_->session().finish(final_status));
  impl_->replace_keeper(nullptr);
  return {};
}

Result<void> HeartbeatCoordinator::keep_alive(nanoseconds interval, std::function<void(const Error&)> on_lost) {
  ALDIS_TRY(impl_->workspace().usable());
  if (interval <= nanoseconds::zero()) {
    return fail(ErrorCode::invalid_argument, "the interval of keep_alive must be longer than 0");
  }
  ALDIS_TRY(impl_->session().renew());  // the lease may be old already, or lost
  return impl_->keep_alive(std::min(interval, limits::kWaitMax), std::move(on_lost));
}

std::string HeartbeatCoordinator::incarnation() const {
  if (impl_->workspace().in_child()) return {};
  const auto voice = impl_->session().voice();
  return voice ? format_id(kIncarnationPrefix, voice->start.incarnation) : std::string();
}

Result<std::vector<AgentStatus>> HeartbeatCoordinator::get_active_agents() const {
  return list({AgentState::alive, AgentState::suspect, AgentState::stale});
}

Result<bool> HeartbeatCoordinator::is_agent_alive(std::string_view agent_id) const {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY(check_name(kAgentArgument, agent_id));
  ALDIS_TRY_ASSIGN(const AgentSurvey survey, survey_agent(impl_->workspace(), agent_id));
  return !survey.records.empty() && is_live(survey.liveness(0, limits::kStaleThresholdDefault).state);
}

Result<AgentStatus> HeartbeatCoordinator::get_agent_status(std::string_view agent_id, nanoseconds stale_after) const {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY(check_name(kAgentArgument, agent_id));
  ALDIS_TRY_ASSIGN(const nanoseconds threshold, finalize_threshold(stale_after));
  ALDIS_TRY_ASSIGN(AgentSurvey survey, survey_agent(impl_->workspace(), agent_id));
  if (survey.records.empty()) return fail(ErrorCode::not_found, "there is no agent {}", agent_id);
  return to_status(std::move(survey.records.front()), survey.liveness(0, threshold));
}

Result<std::vector<AgentStatus>> HeartbeatCoordinator::list(const std::vector<AgentState>& states,
                                                            nanoseconds stale_after) const {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const nanoseconds threshold, finalize_threshold(stale_after));
  ALDIS_TRY_ASSIGN(AgentSurvey survey, survey_agents(impl_->workspace()));
  std::vector<AgentStatus> listed;
  listed.reserve(survey.records.size());
  for (std::size_t at = 0; at < survey.records.size(); ++at) {
    Liveness liveness = survey.liveness(at, threshold);
    if (!states.empty() && std::ranges::find(states, liveness.state) == states.end()) continue;
    listed.push_back(to_status(std::move(survey.records[at]), std::move(liveness)));
  }
  return listed;
}

Result<std::vector<AgentStatus>> HeartbeatCoordinator::get_stale_agents(nanoseconds threshold) const {
  ALDIS_TRY(impl_->workspace().usable());
  ALDIS_TRY_ASSIGN(const nanoseconds stale_after, finalize_threshold(threshold));
  ALDIS_TRY_ASSIGN(AgentSurvey survey, survey_agents(impl_->workspace()));
  std::vector<AgentStatus> stale;
  for (std::size_t at = 0; at < survey.records.size(); ++at) {
    HeartbeatRecord& record = survey.records[at];
    Liveness liveness = survey.liveness(at, stale_after);
    const bool silent = record.beats > 0 && survey.now - record.last_beat > stale_after;
    const bool never_beat = record.beats == 0 && liveness.state == AgentState::dead;
    if (record.finished || (!silent && !never_beat)) continue;
    stale.push_back(to_status(std::move(record), std::move(liveness)));
  }
  return stale;
}

Result<void> HeartbeatCoordinator::watch(std::function<bool(const StateChange&)> on_change, std::stop_token stop,
                                         nanoseconds threshold) const {
  Workspace::Impl& workspace = impl_->workspace();
  ALDIS_TRY(workspace.usable());
  ALDIS_TRY_ASSIGN(const nanoseconds stale_after, finalize_threshold(threshold));
  HeartbeatWatch watch(workspace, stale_after);
  const std::array topics{Topic{Topic::Kind::heartbeats, {}}};
  const auto subscription = workspace.waker().subscribe(topics);
  while (!stop.stop_requested()) {
    const std::uint64_t rings = subscription->rings();
    const SteadyTime began = workspace.clock().steady_now();
    ALDIS_TRY_ASSIGN(const HeartbeatWatch::Pass pass, watch.pass());
    for (const StateChange& change : pass.changes) {
      if (!on_change(change)) return {};
    }
    const nanoseconds spent = workspace.clock().steady_now() - began;
    workspace.waker().sleep(*subscription, rings, std::max(pass.quiet_for - spent, nanoseconds::zero()), stop);
  }
  return {};
}

}  // namespace aldis
