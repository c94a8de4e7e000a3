#pragma once
// The engines that every contract test runs on. To add one, add it to all_engines() in engines.cc.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "fakes/fake_process_table.h"
#include "ports/approval_store.h"
#include "ports/audit_store.h"
#include "ports/event_group_store.h"
#include "ports/event_store.h"
#include "ports/heartbeat_store.h"
#include "ports/signal_store.h"
#include "ports/waker.h"

namespace aldis::testing {

// One store, empty when made, gone when destroyed.
class EngineUnderTest {
 public:
  virtual ~EngineUnderTest() = default;
  virtual HeartbeatStore& heartbeats() = 0;
  virtual SignalStore& signals() = 0;
  virtual ApprovalStore& approvals() = 0;
  virtual AuditStore& audit() = 0;
  virtual EventStore& events() = 0;
  virtual EventGroupStore& event_groups() = 0;
  virtual Waker& waker() = 0;
  // The processes that the store can examine, if it can.
  FakeProcessTable& processes() { return *processes_; }
  // Moves the store's clock (and the wall clock with it).
  virtual void advance(std::chrono::nanoseconds by) = 0;
  // Moves the wall clock alone, where that is not the store's.
  virtual void step_wall(std::chrono::nanoseconds /*by*/) {}
  // As if so many audit entries more had been recorded before the newest: it is renumbered.
  virtual void skip_audit_numbers(std::uint64_t by) = 0;
  // As somebody may who owns the store: a copy of the newest audit entry is stored under that number, too, beyond an
  // end of the log.
  virtual void plant_audit_entry(std::uint64_t number) = 0;

 protected:
  const std::shared_ptr<FakeProcessTable> processes_ = std::make_shared<FakeProcessTable>();
};

struct EngineKind {
  std::string name;
  std::function<std::unique_ptr<EngineUnderTest>()> make;
  bool examines_processes = true;  // itself: ports/heartbeat_store.h says what that changes
  bool rings_at_once = true;       // a ring is heard before the call that caused it returns
  bool has_wall_clock = true;      // beside the store's: what step_wall moves
  friend std::ostream& operator<<(std::ostream& out, const EngineKind& kind) { return out << kind.name; }
};

// The twin first: it is the model that others are compared with.
std::vector<EngineKind> all_engines();
std::vector<EngineKind> engines_that_examine_processes();
// At least the twin of such an engine.
std::vector<EngineKind> engines_that_cannot_examine_processes();

}  // namespace aldis::testing
