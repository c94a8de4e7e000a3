#include "domain/agent_survey.h"

#include <functional>
#include <unordered_map>
#include <utility>

#include "core/ids.h"
#include "core/try.h"

namespace aldis {
namespace {

// After so many readings the last one counts, even if yet another process has exited meanwhile.
constexpr int kReadingsMax = 4;

struct IdentityHash {
  std::size_t operator()(const ProcessIdentity& process) const {
    return std::hash<std::uint64_t>{}(process.start_time_ticks * 31 + static_cast<std::uint32_t>(process.pid));
  }
};

// Examines each process once. What it remembers of the dead stays true.
class Examiner {
 public:
  explicit Examiner(ProcessTable& processes) : processes_(processes) {}

  struct Finding {
    ProcessEvidence evidence = ProcessEvidence::unknown;
    bool fresh = false;  // examined just now, after its record was read
  };

  Finding examine(const std::optional<ProcessIdentity>& process) {
    if (!process) return {};
    const auto [found, inserted] = seen_.try_emplace(*process, ProcessEvidence::unknown);
    if (inserted) found->second = processes_.examine(*process);
    return {found->second, inserted};
  }

 private:
  ProcessTable& processes_;
  std::unordered_map<ProcessIdentity, ProcessEvidence, IdentityHash> seen_;
};

bool is_surprising_death(const HeartbeatRecord& record, const Examiner::Finding& finding) {
  const bool gone = finding.evidence == ProcessEvidence::gone || finding.evidence == ProcessEvidence::zombie;
  return gone && finding.fresh && !record.finished && record.published != AgentState::dead;
}

template <class Read>
Result<AgentSurvey> survey(ProcessTable& processes, Read&& read) {
  Examiner examiner(processes);
  AgentSurvey survey;
  for (int reading = 0; reading < kReadingsMax; ++reading) {
    ALDIS_TRY_ASSIGN(HeartbeatListing listing, read());
    survey.records = std::move(listing.records);
    survey.now = listing.now;
    survey.processes.clear();
    survey.processes.reserve(survey.records.size());
    bool surprised = false;
    for (const HeartbeatRecord& record : survey.records) {
      const Examiner::Finding finding = examiner.examine(record.start.process);
      survey.processes.push_back(finding.evidence);
      surprised = surprised || is_surprising_death(record, finding);
    }
    if (!surprised) break;
  }
  return survey;
}

}  // namespace

Result<AgentSurvey> survey_agents(const Workspace::Impl& workspace) {
  return survey(workspace.processes(), [&] { return workspace.heartbeats().list(); });
}

Result<AgentSurvey> survey_agent(const Workspace::Impl& workspace, std::string_view agent_id) {
  return survey(workspace.processes(), [&]() -> Result<HeartbeatListing> {
    ALDIS_TRY_ASSIGN(std::optional<HeartbeatReading> reading, workspace.heartbeats().read(agent_id));
    HeartbeatListing listing;
    if (reading) {
      listing.records.push_back(std::move(reading->record));
      listing.now = reading->now;
    }
    return listing;
  });
}

AgentStatus to_status(HeartbeatRecord&& record, Liveness&& liveness) {
  AgentStatus status;
  status.agent_id = std::move(record.start.agent_id);
  status.display_name = std::move(record.start.display_name);
  status.status = std::move(record.status);
  status.state = liveness.state;
  status.evidence = std::move(liveness.evidence);
  status.progress = record.progress;
  status.current_task = std::move(record.current_task);
  status.metadata = std::move(record.start.metadata);
  status.started_at = record.started_at;
  status.last_beat = record.last_beat_at;
  status.beats = record.beats;
  status.lease_expires_at = record.renewed_at + std::chrono::duration_cast<WallTime::duration>(record.start.ttl);
  status.incarnation = format_id(kIncarnationPrefix, record.start.incarnation);
  status.host = std::move(record.start.host);
  if (record.start.process) status.pid = record.start.process->pid;
  status.suspicion = liveness.suspicion;
  return status;
}

}  // namespace aldis
