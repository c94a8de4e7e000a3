#include "domain/heartbeat_session.h"

#include <utility>

#include "core/failure.h"
#include "core/ids.h"
#include "core/try.h"
#include "domain/agent_survey.h"
#include "domain/own_events.h"
#include "domain/workspace_impl.h"

namespace aldis {
namespace {

// How often a start that found the id free is beaten to it by others before it gives up.
constexpr int kClaimAttemptsMax = 8;

// How often a call follows a coordinator that was started again meanwhile by another thread.
constexpr int kVoiceChangesMax = 3;

// Far less often than an agent is forgotten, and too seldom to cost anything.
constexpr std::chrono::nanoseconds kAppearanceInterval = std::chrono::hours{1};
static_assert(kAppearanceInterval < limits::kPositionRetention);

std::string place_of(const HeartbeatRecord& record) {
  if (!record.start.process) return fmt::format("on host {} without a process of its own", record.start.host);
  return fmt::format("on host {} as process {}", record.start.host, record.start.process->pid);
}

}  // namespace

Result<void> HeartbeatSession::start(AgentStart start, bool replace) {
  const MutexLock starting(starting_);
  // Appearing comes first: whoever sees the agent started may broadcast to it.
  appear_at_ = BootTime{};
  ALDIS_TRY(stay_apparent(start));
  ALDIS_TRY(replace ? workspace().heartbeats().start(start, std::nullopt) : claim(start));
  const MutexLock lock(mutex_);
  voice_ = std::make_shared<const Voice>(Voice{std::move(start), true});
  return {};
}

Result<void> HeartbeatSession::claim(const AgentStart& start) {
  for (int attempt = 0; attempt < kClaimAttemptsMax; ++attempt) {
    ALDIS_TRY_ASSIGN(const AgentSurvey survey, survey_agent(workspace(), start.agent_id));
    Id128 replaces;  // nil: nobody
    if (!survey.records.empty()) {
      const HeartbeatRecord& record = survey.records.front();
      const Liveness liveness = survey.liveness(0, limits::kStaleThresholdDefault);
      if (is_live(liveness.state)) {
        return fail(ErrorCode::already_exists,
                    "agent {} is already running {} ({}): stop it or choose another agent id", start.agent_id,
                    place_of(record), liveness.evidence);
      }
      replaces = record.start.incarnation;
    }
    const Result<void> claimed = workspace().heartbeats().start(start, replaces);
    if (claimed || claimed.error().code != ErrorCode::conflict) return claimed;
  }
  return fail(ErrorCode::conflict, "agent {} is being started by several processes at once: try again", start.agent_id);
}

Result<void> HeartbeatSession::stay_apparent(const AgentStart& self) {
  const BootTime now = workspace().clock().boot_now();
  if (now < appear_at_.load(std::memory_order_relaxed)) return {};
  ALDIS_TRY(workspace().signals().appear(self.agent_id));
  appear_at_.store(now + kAppearanceInterval, std::memory_order_relaxed);
  return {};
}

Result<void> HeartbeatSession::join(const std::string& agent_id, const Id128& incarnation) {
  const MutexLock starting(starting_);
  ALDIS_TRY_ASSIGN(std::optional<HeartbeatReading> reading, workspace().heartbeats().read(agent_id));
  if (!reading) return fail(ErrorCode::not_found, "there is no agent {} to join: start it first", agent_id);
  HeartbeatRecord& record = reading->record;
  if (record.start.incarnation != incarnation) {
    return fail(ErrorCode::conflict, "agent {} was started again since ({}): join the newest incarnation", agent_id,
                format_id(kIncarnationPrefix, record.start.incarnation));
  }
  if (record.finished) {
    return fail(ErrorCode::failed_precondition, "agent {} has finished ({}): start it again", agent_id, record.status);
  }
  const MutexLock lock(mutex_);
  appear_at_ = BootTime{};
  voice_ = std::make_shared<const Voice>(Voice{std::move(record.start), false});
  return {};
}

template <class Call>
Result<void> HeartbeatSession::speak(const Call& call) {
  std::shared_ptr<const Voice> speaking = voice();
  for (int change = 0;; ++change) {
    if (!speaking) return fail(ErrorCode::failed_precondition, "no heartbeat was started: call start_heartbeat first");
    Result<void> spoken = speak_once(*speaking, call);
    if (spoken || spoken.error().code != ErrorCode::conflict || change == kVoiceChangesMax) return spoken;
    std::shared_ptr<const Voice> now = voice();
    if (now == speaking) return spoken;
    speaking = std::move(now);
  }
}

template <class Call>
Result<void> HeartbeatSession::speak_once(const Voice& voice, const Call& call) {
  Result<void> spoken = call(voice.start);
  if (spoken || spoken.error().code != ErrorCode::not_found || !voice.started_here) return spoken;
  ALDIS_TRY(workspace().signals().appear(voice.start.agent_id));
  Result<void> again = workspace().heartbeats().start(voice.start, Id128{});
  // A conflict: either another thread of ours was first, or a stranger; the call itself tells.
  if (!again && again.error().code != ErrorCode::conflict) return again;
  return call(voice.start);
}

Result<void> HeartbeatSession::beat(std::string_view status, std::optional<double> progress,
                                    std::optional<std::string_view> current_task) {
  return speak([&](const AgentStart& self) -> Result<void> {
    ALDIS_TRY(stay_apparent(self));
    return workspace().heartbeats().beat({.agent_id = self.agent_id,
                                          .incarnation = self.incarnation,
                                          .status = status,
                                          .progress = progress,
                                          .current_task = current_task});
  });
}

Result<void> HeartbeatSession::renew() {
  return speak([&](const AgentStart& self) -> Result<void> {
    ALDIS_TRY(stay_apparent(self));
    return workspace().heartbeats().renew(self.agent_id, self.incarnation);
  });
}

Result<void> HeartbeatSession::finish(std::string_view final_status) {
  Id128 finished;
  std::string agent_id;
  ALDIS_TRY(speak([&](const AgentStart& self) {
    finished = self.incarnation;
    agent_id = self.agent_id;
    return workspace().heartbeats().finish(self.agent_id, self.incarnation, final_status);
  }));
  tell_of_agent(workspace(), {.agent_id = agent_id, .incarnation = finished, .state = AgentState::finished});
  const MutexLock lock(mutex_);
  const bool is_still_ours = voice_ && voice_->start.incarnation == finished;
  if (is_still_ours) voice_ = std::make_shared<const Voice>(Voice{voice_->start, false});
  return {};
}

std::shared_ptr<const HeartbeatSession::Voice> HeartbeatSession::voice() const {
  const MutexLock lock(mutex_);
  return voice_;
}

bool HeartbeatSession::is_finished() const {
  const std::shared_ptr<const Voice> speaking = voice();
  if (!speaking) return false;
  const auto reading = workspace().heartbeats().read(speaking->start.agent_id);
  return reading && *reading && (*reading)->record.start.incarnation == speaking->start.incarnation &&
         (*reading)->record.finished;
}

}  // namespace aldis
