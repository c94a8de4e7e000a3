#include "contract/engines.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "contract/redis_engines.h"
#include "engines/local/board.h"
#include "engines/local/doorbell.h"
#include "engines/local/drop_counter.h"
#include "engines/local/ledger.h"
#include "engines/local/local_approvals.h"
#include "engines/local/local_audit.h"
#include "engines/local/local_event_groups.h"
#include "engines/local/local_events.h"
#include "engines/local/local_heartbeats.h"
#include "engines/local/local_signals.h"
#include "engines/local/runtime_directory.h"
#include "fakes/fake_clock.h"
#include "fakes/memory_approvals.h"
#include "fakes/memory_events.h"
#include "fakes/memory_heartbeats.h"
#include "fakes/memory_signals.h"
#include "fakes/memory_waker.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {
namespace {

class MemoryEngine final : public EngineUnderTest {
 public:
  explicit MemoryEngine(bool examines_processes)
      : heartbeats_(make_memory_heartbeats(clock_, ring_, examines_processes ? processes_ : nullptr)) {}

  HeartbeatStore& heartbeats() override { return *heartbeats_; }
  SignalStore& signals() override { return *signals_; }
  ApprovalStore& approvals() override { return *approvals_.approvals; }
  AuditStore& audit() override { return *approvals_.audit; }
  EventStore& events() override { return *events_.events; }
  EventGroupStore& event_groups() override { return *events_.groups; }
  Waker& waker() override { return *waker_; }
  void advance(std::chrono::nanoseconds by) override { clock_->advance(by); }
  void step_wall(std::chrono::nanoseconds by) override { clock_->step_wall(by); }
  void skip_audit_numbers(std::uint64_t by) override { approvals_.skip_audit_numbers(by); }
  void plant_audit_entry(std::uint64_t number) override { approvals_.plant_audit_entry(number); }

 private:
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const std::shared_ptr<MemoryWaker> waker_ = std::make_shared<MemoryWaker>();
  const Ring ring_ = [waker = waker_](const std::optional<Topic>& topic) { waker->ring(topic); };
  const std::shared_ptr<HeartbeatStore> heartbeats_;
  const std::shared_ptr<SignalStore> signals_ = make_memory_signals(clock_, ring_);
  const MemoryApprovals approvals_ = make_memory_approvals(clock_, ring_);
  const MemoryEvents events_ = make_memory_events(clock_, ring_);
};

class LocalEngine final : public EngineUnderTest {
 public:
  LocalEngine() {
    prepare_runtime_directory(directory_.path()).value();
    board_ = Board::open({.runtime_directory = directory_.path(),
                          .namespace_name = "contract",
                          .call_timeout = std::chrono::seconds{5},
                          .clock = clock_.get(),
                          .processes = processes_})
                 .value();
    doorbell_ = Doorbell::open(directory_.path(), "contract").value();
    heartbeats_ = make_local_heartbeats(board_, doorbell_, clock_);
    signals_ = make_local_signals(board_, doorbell_, clock_);
    approvals_ = make_local_approvals(ledger_, doorbell_);
    events_ = make_local_events(ledger_, doorbell_, DropCounter::make(directory_.path(), "contract"));
    event_groups_ = make_local_event_groups(ledger_, doorbell_);
  }
  HeartbeatStore& heartbeats() override { return *heartbeats_; }
  SignalStore& signals() override { return *signals_; }
  ApprovalStore& approvals() override { return *approvals_; }
  AuditStore& audit() override { return *audit_; }
  EventStore& events() override { return *events_; }
  EventGroupStore& event_groups() override { return *event_groups_; }
  Waker& waker() override { return *doorbell_; }
  void advance(std::chrono::nanoseconds by) override { clock_->advance(by); }
  void step_wall(std::chrono::nanoseconds by) override { clock_->step_wall(by); }
  void skip_audit_numbers(std::uint64_t by) override {
    change_log("UPDATE audit_log SET number = number + ? WHERE number = (SELECT max(number) FROM audit_log)", by);
  }
  void plant_audit_entry(std::uint64_t number) override {
    change_log(
        "INSERT INTO audit_log SELECT ?, kind, time_us, request_id, approval_type, agent_id, actor, outcome, key_id, "
        "context_hash, detail_hash, previous_hash, hash FROM audit_log ORDER BY number DESC LIMIT 1",
        number);
  }

 private:
  void change_log(std::string_view sql, std::uint64_t number) {
    ledger_
        ->write(LedgerSync::full,
                [&](LedgerTransaction& transaction) -> Result<std::uint64_t> { return transaction.run(sql, number); })
        .value();
  }

  const ScratchDirectory directory_;
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const std::shared_ptr<Ledger> ledger_ =
      Ledger::make({.state_directory = directory_.file("state"), .namespace_name = "contract", .clock = clock_});
  std::shared_ptr<Board> board_;
  std::shared_ptr<Doorbell> doorbell_;
  std::shared_ptr<HeartbeatStore> heartbeats_;
  std::shared_ptr<SignalStore> signals_;
  std::shared_ptr<ApprovalStore> approvals_;
  std::shared_ptr<EventStore> events_;
  std::shared_ptr<EventGroupStore> event_groups_;
  const std::shared_ptr<AuditStore> audit_ = make_local_audit(ledger_);
};

}  // namespace

std::vector<EngineKind> all_engines() {
  std::vector<EngineKind> engines{{"memory", [] { return std::make_unique<MemoryEngine>(true); }},
                                  {"local", [] { return std::make_unique<LocalEngine>(); }}};
  std::ranges::move(redis_engines(), std::back_inserter(engines));
  return engines;
}

std::vector<EngineKind> engines_that_examine_processes() {
  std::vector<EngineKind> engines = all_engines();
  std::erase_if(engines, [](const EngineKind& kind) { return !kind.examines_processes; });
  return engines;
}

std::vector<EngineKind> engines_that_cannot_examine_processes() {
  std::vector<EngineKind> engines = all_engines();
  std::erase_if(engines, [](const EngineKind& kind) { return kind.examines_processes; });
  engines.insert(engines.begin(), {.name = "memory_of_many_machines",
                                   .make = [] { return std::make_unique<MemoryEngine>(false); },
                                   .examines_processes = false});
  return engines;
}

}  // namespace aldis::testing
