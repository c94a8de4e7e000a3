#pragma once
// What a Workspace shares among its copies and everything made from it: the ports, wired by src/workspace.cc (or by a
// test, with twins). Implemented in workspace_impl.cc.
//
// Threads: safe from any thread.

#include <memory>

#include "aldis/workspace.h"
#include "core/clock.h"
#include "core/fork_guard.h"
#include "core/mutex.h"
#include "ports/approval_store.h"
#include "ports/audit_store.h"
#include "ports/event_group_store.h"
#include "ports/event_store.h"
#include "ports/heartbeat_store.h"
#include "ports/process_table.h"
#include "ports/signal_store.h"
#include "ports/waker.h"

namespace aldis {

class EventOutlet;  // event_outlet.h: the thread that publishes other capabilities' events
struct OwnEvent;
class SignalPump;  // signal_pump.h: the thread that serves on_signal

struct WorkspaceParts {
  std::shared_ptr<Clock> clock;
  std::shared_ptr<ProcessTable> processes;
  std::shared_ptr<HeartbeatStore> heartbeats;
  std::shared_ptr<SignalStore> signals;
  std::shared_ptr<ApprovalStore> approvals = {};
  std::shared_ptr<AuditStore> audit = {};
  std::shared_ptr<EventStore> events = {};
  std::shared_ptr<EventGroupStore> event_groups = {};
  std::shared_ptr<Waker> waker = {};
};

class Workspace::Impl {
 public:
  Impl(WorkspaceOptions options, WorkspaceParts parts);
  ~Impl();

  // failed_precondition in a forked child. Every public call asks first.
  Result<void> usable() const { return fork_guard_.check(); }
  bool in_child() const { return fork_guard_.in_child(); }

  const WorkspaceOptions& options() const { return options_; }
  Clock& clock() const { return *parts_.clock; }
  ProcessTable& processes() const { return *parts_.processes; }
  HeartbeatStore& heartbeats() const { return *parts_.heartbeats; }
  SignalStore& signals() const { return *parts_.signals; }
  ApprovalStore& approvals() const { return *parts_.approvals; }
  AuditStore& audit() const { return *parts_.audit; }
  EventStore& events() const { return *parts_.events; }
  // For a thread that may outlive the workspace.
  const WorkspaceParts& parts() const { return parts_; }
  EventGroupStore& event_groups() const { return *parts_.event_groups; }
  Waker& waker() const { return *parts_.waker; }

  // Made at the first use; resource_exhausted when its thread cannot be started.
  Result<SignalPump*> pump();

  // Whether what happens to heartbeats, signals and approvals is published; see own_events.h.
  bool streams_events() const { return options_.stream_events && !in_child(); }
  // REQUIRES: streams_events(). Never fails: what cannot be published in time is counted.
  void publish_own(OwnEvent event);

 private:
  WorkspaceOptions options_;
  WorkspaceParts parts_;
  ForkGuard fork_guard_;
  Mutex mutex_;
  std::unique_ptr<EventOutlet> outlet_ ALDIS_GUARDED_BY(mutex_);
  std::unique_ptr<SignalPump> pump_ ALDIS_GUARDED_BY(mutex_);  // goes first: its callbacks may still publish
};

}  // namespace aldis
