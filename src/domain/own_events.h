#pragma once
// The events that heartbeats, signals and approvals publish about themselves: agent_heartbeat, coordination_signal,
// approval_request, approval_decision. Used by those; implemented in own_events.cc; docs/events.md has the fields.
//
// Model: call after the change is stored. Without WorkspaceOptions::stream_events a call does nothing; with it, it
// takes limits::kOwnEventPatience at most (event_outlet.h). Payloads, contexts and reasons are not copied. Threads:
// safe from any thread. Errors: none: an event that cannot be published in time is counted as dropped.

#include <optional>
#include <string_view>

#include "aldis/approvals.h"
#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "core/ids.h"
#include "domain/workspace_impl.h"

namespace aldis {

struct AgentNews {
  std::string_view agent_id;
  Id128 incarnation;
  AgentState state = AgentState::alive;
  std::optional<AgentState> previous = {};  // none: it was started or stopped, nothing was derived
  std::string_view evidence = {};
};

void tell_of_agent(Workspace::Impl& workspace, const AgentNews& news);
void tell_of_signal(Workspace::Impl& workspace, const CoordinationSignal& signal);
void tell_of_request(Workspace::Impl& workspace, const ApprovalRequest& request);   // newly opened
void tell_of_decision(Workspace::Impl& workspace, const ApprovalRequest& request);  // just decided

}  // namespace aldis
