#include "fakes/memory_heartbeats.h"

#include <map>
#include <utility>

#include "core/failure.h"
#include "core/mutex.h"

namespace aldis::testing {
namespace {

class MemoryHeartbeats final : public HeartbeatStore {
 public:
  MemoryHeartbeats(std::shared_ptr<const Clock> clock, Ring ring, std::shared_ptr<ProcessTable> processes)
      : clock_(std::move(clock)), ring_(std::move(ring)), processes_(std::move(processes)) {}

  Result<void> start(const AgentStart& start, std::optional<Id128> replaces) override {
    {
      const MutexLock lock(mutex_);
      forget_old();
      const auto there = agents_.find(start.agent_id);
      const Id128 newest = there == agents_.end() ? Id128{} : there->second.record.start.incarnation;
      if (replaces && *replaces != newest) return fail(ErrorCode::conflict, "{} was started meanwhile", start.agent_id);
      HeartbeatRecord record;
      record.start = start;
      record.started_at = record.renewed_at = clock_->wall_now();
      record.started = record.renewed = now();
      record.status = "started";
      agents_[start.agent_id] = Agent{std::move(record), {}};
    }
    ring_({{Topic::Kind::heartbeats, {}}});
    ring_({{Topic::Kind::agent, start.agent_id}});
    return {};
  }

  Result<void> beat(const BeatUpdate& update) override {
    return on_working(update.agent_id, update.incarnation, true, [&](HeartbeatRecord& record) {
      if (record.beats > 0) record.rhythm.add(std::chrono::duration<double>(now() - record.last_beat).count());
      record.beats += 1;
      record.last_beat = now();
      record.last_beat_at = clock_->wall_now();
      record.status = update.status;
      if (update.progress) record.progress = update.progress;
      if (update.current_task) record.current_task = *update.current_task;
    });
  }

  Result<void> renew(std::string_view agent_id, const Id128& incarnation) override {
    return on_working(agent_id, incarnation, false, [](HeartbeatRecord&) {});
  }

  Result<void> finish(std::string_view agent_id, const Id128& incarnation, std::string_view final_status) override {
    {
      const MutexLock lock(mutex_);
      Result<Agent*> agent = find(agent_id, incarnation);
      if (!agent) return std::unexpected(agent.error());
      HeartbeatRecord& record = (*agent)->record;
      if (record.finished && record.status == final_status) return {};
      if (record.finished) return fail(ErrorCode::failed_precondition, "{} has finished: {}", agent_id, record.status);
      record.finished = true;
      record.status = final_status;
      (*agent)->finished = now();
    }
    ring_({{Topic::Kind::heartbeats, {}}});
    ring_({{Topic::Kind::agent, agent_id}});
    return {};
  }

  Result<std::optional<HeartbeatReading>> read(std::string_view agent_id) override {
    const MutexLock lock(mutex_);
    forget_old();
    const auto found = agents_.find(agent_id);
    if (found == agents_.end()) return std::nullopt;
    return HeartbeatReading{found->second.record, now()};
  }

  Result<HeartbeatListing> list() override {
    const MutexLock lock(mutex_);
    forget_old();
    HeartbeatListing listing{{}, now()};
    for (const auto& [id, agent] : agents_) listing.records.push_back(agent.record);
    return listing;
  }

  Result<bool> publish_state(std::string_view agent_id, const Id128& incarnation, AgentState expected,
                             AgentState next) override {
    const MutexLock lock(mutex_);
    const Result<Agent*> agent = find(agent_id, incarnation);
    if (!agent || (*agent)->record.published != expected || expected == next) return false;
    (*agent)->record.published = next;
    return true;
  }

 private:
  struct Agent {
    HeartbeatRecord record;
    StoreTime finished;
  };

  StoreTime now() const { return StoreTime{clock_->boot_now().time_since_epoch()}; }

  void forget_old() ALDIS_REQUIRES(mutex_) {
    std::erase_if(agents_, [this](const auto& entry) {
      const Agent& agent = entry.second;
      const StoreTime end = agent.record.finished ? agent.finished : agent.record.lease_deadline();
      return now() >= end + limits::kAgentRetention && !is_kept_by_process(agent.record);
    });
  }

  bool is_kept_by_process(const HeartbeatRecord& record) const {
    const std::optional<ProcessIdentity>& process = record.start.process;
    return processes_ && !record.finished && process && processes_->examine(*process) == ProcessEvidence::exists;
  }

  Result<Agent*> find(std::string_view agent_id, const Id128& incarnation) ALDIS_REQUIRES(mutex_) {
    forget_old();
    const auto found = agents_.find(agent_id);
    if (found == agents_.end()) return fail(ErrorCode::not_found, "there is no agent {}", agent_id);
    if (found->second.record.start.incarnation == incarnation) return &found->second;
    return fail(ErrorCode::conflict, "{} was taken over", agent_id);
  }

  template <class Change>
  Result<void> on_working(std::string_view agent_id, const Id128& incarnation, bool beats, const Change& change) {
    bool rings = false;
    {
      const MutexLock lock(mutex_);
      Result<Agent*> agent = find(agent_id, incarnation);
      if (!agent) return std::unexpected(agent.error());
      HeartbeatRecord& record = (*agent)->record;
      if (record.finished) return fail(ErrorCode::failed_precondition, "{} has finished", agent_id);
      change(record);
      record.renewed = now();
      record.renewed_at = clock_->wall_now();
      rings = record.published == AgentState::dead || (beats && record.published != AgentState::alive);
    }
    if (rings) ring_({{Topic::Kind::heartbeats, {}}});
    return {};
  }

  const std::shared_ptr<const Clock> clock_;
  const Ring ring_;
  const std::shared_ptr<ProcessTable> processes_;
  Mutex mutex_;
  std::map<std::string, Agent, std::less<>> agents_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<HeartbeatStore> make_memory_heartbeats(std::shared_ptr<const Clock> clock, Ring ring,
                                                       std::shared_ptr<ProcessTable> processes) {
  return std::make_shared<MemoryHeartbeats>(std::move(clock), std::move(ring), std::move(processes));
}

}  // namespace aldis::testing
