#pragma once
// Heartbeat records together with what the process table says of their processes: the input of the liveness rule. Used
// by src/domain/heartbeats.cc, heartbeat_session.cc and heartbeat_watch.cc; implemented in agent_survey.cc.
//
// Model: each distinct process is examined once a survey. A process that stopped its heartbeat and exited between the
// reading of its record and its own examination would look as if it had died: so when a survey meets a death that
// nobody has published, it reads the records once more, knowing now who had exited before that reading. Threads: safe
// from any thread. Errors: those of the store.

#include <string_view>
#include <vector>

#include "domain/liveness.h"
#include "domain/workspace_impl.h"
#include "ports/heartbeat_store.h"
#include "ports/process_table.h"

namespace aldis {

struct AgentSurvey {
  std::vector<HeartbeatRecord> records;    // in the byte order of their agent ids
  std::vector<ProcessEvidence> processes;  // of the record at the same place
  StoreTime now;

  Liveness liveness(std::size_t at, std::chrono::nanoseconds stale_after) const {
    return derive_liveness(records[at], processes[at], now, stale_after);
  }
};

Result<AgentSurvey> survey_agents(const Workspace::Impl& workspace);

// At most one record: none if there is no such agent.
Result<AgentSurvey> survey_agent(const Workspace::Impl& workspace, std::string_view agent_id);

// What the API shows; takes the record's strings.
AgentStatus to_status(HeartbeatRecord&& record, Liveness&& liveness);

}  // namespace aldis
