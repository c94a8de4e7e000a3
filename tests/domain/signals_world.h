#pragma once
// A small world for the tests of CoordinationSignals: the twins, several agents and processes on one store, time that
// moves only while somebody waits, and things that can be made to fail.
//
// Threads: the world itself is one thread's; what it hands out is safe from any thread.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "aldis/signals.h"
#include "core/failure.h"
#include "domain/workspace_impl.h"
#include "fakes/eventful_waker.h"
#include "fakes/fake_clock.h"
#include "fakes/fake_process_table.h"
#include "fakes/memory_heartbeats.h"
#include "fakes/memory_signals.h"
#include "fakes/memory_waker.h"

namespace aldis::testing {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

// The same table, seen by another process.
class ProcessTableOf final : public ProcessTable {
 public:
  ProcessTableOf(std::shared_ptr<ProcessTable> table, ProcessIdentity self)
      : table_(std::move(table)), self_(std::move(self)) {}
  Result<ProcessIdentity> self() override { return self_; }
  Result<ProcessIdentity> identify(int pid) override { return table_->identify(pid); }
  ProcessEvidence examine(const ProcessIdentity& process) override {
    if (on_examine) std::exchange(on_examine, {})();
    return table_->examine(process);
  }
  std::string host_name() override { return table_->host_name(); }

  std::function<void()> on_examine;  // called once

 private:
  const std::shared_ptr<ProcessTable> table_;
  const ProcessIdentity self_;
};

// A store that cannot be reached while `failing`.
class FailingSignals final : public SignalStore {
 public:
  explicit FailingSignals(std::shared_ptr<SignalStore> store) : store_(std::move(store)) {}
  Result<void> send(const OutgoingSignal& signal) override {
    return guard([&] { return store_->send(signal); });
  }
  Result<TakeOutcome> take(const TakeRequest& request) override {
    ++takes;
    return guard([&] { return store_->take(request); });
  }
  Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type) override {
    return guard([&] { return store_->pending(agent, type); });
  }
  Result<std::uint64_t> clear(std::string_view agent, std::string_view type) override {
    return guard([&] { return store_->clear(agent, type); });
  }
  Result<void> acknowledge(std::string_view agent, const Id128& id, std::optional<std::uint32_t> attempt) override {
    return guard([&] { return store_->acknowledge(agent, id, attempt); });
  }
  Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations) override {
    return guard([&] { return store_->hand_back(agent, reservations); });
  }
  Result<ReceiptReading> receipt(const Id128& id) override {
    return guard([&] { return store_->receipt(id); });
  }
  Result<void> appear(std::string_view agent) override {
    return guard([&] { return store_->appear(agent); });
  }

  std::atomic<bool> failing{false};
  std::atomic<int> takes{0};

 private:
  template <class Call>
  auto guard(Call call) -> decltype(call()) {
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    return call();
  }
  const std::shared_ptr<SignalStore> store_;
};

class SignalsWorld {
 public:
  enum class Time { moves_while_waiting, real_sleeps };

  explicit SignalsWorld(Time time = Time::moves_while_waiting)
      : memory_waker(std::make_shared<MemoryWaker>(time == Time::moves_while_waiting ? clock : nullptr)) {}

  Workspace workspace() { return workspace_of(self_table); }
  CoordinationSignals as(std::string agent) { return *CoordinationSignals::open(workspace(), std::move(agent)); }

  // The agent as another process of this host, which ends as the test says through `table`.
  CoordinationSignals as(std::string agent, const ProcessIdentity& process) {
    return *CoordinationSignals::open(workspace_of(std::make_shared<ProcessTableOf>(table, process)), std::move(agent));
  }

  // A heartbeat of `agent`, bound to `process`.
  Id128 start_heartbeat(std::string agent, std::optional<ProcessIdentity> process, nanoseconds ttl = 30s) {
    AgentStart start;
    start.agent_id = std::move(agent);
    start.incarnation = make_id(clock->wall_now());
    start.host = "fake-host";
    start.process = std::move(process);
    start.ttl = ttl;
    EXPECT_TRUE(heartbeats->start(start, std::nullopt));
    return start.incarnation;
  }

  // How long `call` took on the world's clock.
  template <class Call>
  nanoseconds time_of(Call call) {
    const BootTime before = clock->boot_now();
    call();
    return clock->boot_now() - before;
  }

  const std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  const std::shared_ptr<FakeProcessTable> table = std::make_shared<FakeProcessTable>();
  const std::shared_ptr<ProcessTableOf> self_table = std::make_shared<ProcessTableOf>(table, *table->self());
  const std::shared_ptr<MemoryWaker> memory_waker;
  const std::shared_ptr<EventfulWaker> waker = std::make_shared<EventfulWaker>(memory_waker);
  bool rings = true;  // false: whoever changes something is killed before it could ring
  const Ring ring = [this](const std::optional<Topic>& topic) {
    rings ? memory_waker->ring(topic) : memory_waker->lose(topic);
  };
  const std::shared_ptr<HeartbeatStore> heartbeats = make_memory_heartbeats(clock, ring, table);
  const std::shared_ptr<FailingSignals> signals = std::make_shared<FailingSignals>(make_memory_signals(clock, ring));

 private:
  Workspace workspace_of(std::shared_ptr<ProcessTable> processes) {
    WorkspaceParts parts{.clock = clock,
                         .processes = std::move(processes),
                         .heartbeats = heartbeats,
                         .signals = signals,
                         .waker = waker};
    return Workspace(std::make_shared<Workspace::Impl>(WorkspaceOptions{}, std::move(parts)));
  }
};

// The delivered signal of an outcome, or a failed test and an empty one.
template <class Outcome>
CoordinationSignal delivered(const Result<Outcome>& outcome) {
  EXPECT_TRUE(outcome) << outcome.error().message;
  if (!outcome || !std::holds_alternative<Delivered>(*outcome)) {
    ADD_FAILURE() << "nothing was delivered";
    return {};
  }
  return std::get<Delivered>(*outcome).signal;
}

template <class Kind, class Outcome>
bool is(const Result<Outcome>& outcome) {
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome && std::holds_alternative<Kind>(*outcome);
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (!result) return result.error().code;
  ADD_FAILURE() << "it succeeded";
  return ErrorCode::internal;
}

inline TakeOptions reserving(nanoseconds acknowledge_within) {
  TakeOptions options;
  options.acknowledge_within = acknowledge_within;
  return options;
}

inline TakeOptions looking() {
  TakeOptions options;
  options.consume = false;
  return options;
}

}  // namespace aldis::testing
