#pragma once
// A small world for the tests of ApprovalGate: the twins, several agents and approvers on one store, time that moves
// only while somebody waits, and things that happen at the worst moment.
//
// Threads: the world itself is one thread's; what it hands out is safe from any thread.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aldis/approvals.h"
#include "aldis/audit.h"
#include "configuration_world.h"
#include "core/failure.h"
#include "core/sha256.h"
#include "domain/workspace_impl.h"
#include "fakes/eventful_waker.h"
#include "fakes/fake_clock.h"
#include "fakes/memory_approvals.h"
#include "fakes/memory_waker.h"

namespace aldis::testing {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

// While `failing`, a store that cannot be reached. `before_change` runs once, ahead of the next change; `tamper`
// changes each record on its way from the store, as somebody would who edits the ledger.
class ApprovalSaboteur final : public ApprovalStore {
 public:
  explicit ApprovalSaboteur(std::shared_ptr<ApprovalStore> store) : store_(std::move(store)) {}

  bool failing = false;
  ErrorCode fails_with = ErrorCode::unavailable;
  std::function<void()> before_change;
  std::function<void(ApprovalReading&)> tamper;
  int changes = 0;

  Result<OpenedApproval> open(const ApprovalSubject& subject) override {
    auto opened = guard([&] { return store_->open(subject); });
    if (opened) touch(opened->reading);
    return opened;
  }
  Result<std::optional<ApprovalReading>> read(const Id128& id) override {
    auto reading = guard([&] { return store_->read(id); });
    if (reading && *reading) touch(**reading);
    return reading;
  }
  Result<std::vector<ApprovalReading>> list(const ApprovalPage& page) override {
    auto readings = guard([&] { return store_->list(page); });
    if (readings) {
      for (ApprovalReading& reading : *readings) touch(reading);
    }
    return readings;
  }
  Result<ChangeOutcome> change(const Id128& id, const ApprovalChange& change) override {
    ++changes;
    if (before_change) std::exchange(before_change, {})();
    auto outcome = guard([&] { return store_->change(id, change); });
    if (auto* superseded = outcome ? std::get_if<ApprovalSuperseded>(&*outcome) : nullptr) touch(superseded->reading);
    return outcome;
  }
  Result<std::uint64_t> remove_timed_out(nanoseconds age) override {
    return guard([&] { return store_->remove_timed_out(age); });
  }
  Result<std::string> store_id() override {
    return guard([&] { return store_->store_id(); });
  }

 private:
  void touch(ApprovalReading& reading) const {
    if (tamper) tamper(reading);
  }
  template <class Call>
  auto guard(Call call) -> decltype(call()) {
    if (failing) return fail(fails_with, "the store is away");
    return call();
  }
  const std::shared_ptr<ApprovalStore> store_;
};

class ApprovalsWorld {
 public:
  enum class Time { moves_while_waiting, real_sleeps };

  explicit ApprovalsWorld(Time time = Time::moves_while_waiting)
      : memory_waker(std::make_shared<MemoryWaker>(time == Time::moves_while_waiting ? clock : nullptr)) {}

  Workspace workspace(const std::string& namespace_name = "default") {
    WorkspaceParts parts{.clock = clock, .processes = {}, .heartbeats = {}, .signals = {}};
    parts.approvals = store;
    parts.audit = memory.audit;
    parts.waker = waker;
    WorkspaceOptions options;
    options.namespace_name = namespace_name;
    options.configuration_directory = configuration.path();
    return Workspace(std::make_shared<Workspace::Impl>(std::move(options), std::move(parts)));
  }
  ApprovalGate gate(std::string agent = {}) { return *ApprovalGate::open(workspace(), std::move(agent)); }

  // A request of `agent`, pending.
  ApprovalRequest ask(std::string agent = "alice", std::string_view type = "deploy",
                      std::optional<nanoseconds> timeout = 5min, Json context = {}) {
    auto request = gate(std::move(agent)).open_request(type, std::move(context), timeout);
    EXPECT_TRUE(request) << request.error().message;
    return request.value_or(ApprovalRequest());
  }

  // What whoever goes round the gate stores.
  void store_change(const std::string& request_id, ApprovalState state, std::string responder,
                    std::optional<StoredVote> vote = {}) {
    const Id128 id = *parse_id(kApprovalIdPrefix, request_id);
    ApprovalChange change;
    change.id = make_id(clock->wall_now());
    change.seen_version = (*memory.approvals->read(id))->record.version;
    change.vote = std::move(vote);
    change.state = state;
    change.responder = std::move(responder);
    EXPECT_TRUE(memory.approvals->change(id, change));
  }
  ApprovalRecord record(const std::string& request_id) {
    return (*memory.approvals->read(*parse_id(kApprovalIdPrefix, request_id)))->record;
  }
  std::vector<AuditEntry> audit() { return *memory.audit->entries(0, limits::kAuditPage); }

  // How long `call` took on the world's clock.
  template <class Call>
  nanoseconds time_of(Call call) {
    const BootTime before = clock->boot_now();
    call();
    return clock->boot_now() - before;
  }

  const std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  const std::shared_ptr<MemoryWaker> memory_waker;
  const std::shared_ptr<EventfulWaker> waker = std::make_shared<EventfulWaker>(memory_waker);
  bool rings = true;  // false: whoever changes something is killed before it could ring
  const Ring ring = [this](const std::optional<Topic>& topic) {
    rings ? memory_waker->ring(topic) : memory_waker->lose(topic);
  };
  const MemoryApprovals memory = make_memory_approvals(clock, ring);
  const std::shared_ptr<ApprovalSaboteur> store = std::make_shared<ApprovalSaboteur>(memory.approvals);
  ConfigurationWorld configuration;
};

// One in which deploy… is answered with signatures: two of dana, erik and fay.
class SignedWorld : public ApprovalsWorld {
 public:
  SignedWorld() {
    configuration.write_rules("[[rule]]\ntype = \"deploy*\"\napprovers = [\"dana\", \"erik\", \"fay\"]\nquorum = 2\n");
  }

  Result<ApprovalRequest> vote(const std::string& request_id, const ApproverKey& key, bool approved = true) {
    return gate().respond_to_approval(request_id, approved, key.name(), "said " + key.name(), &key);
  }

  const ApproverKey dana = configuration.approver("dana");
  const ApproverKey erik = configuration.approver("erik");
  const ApproverKey fay = configuration.approver("fay");
};

// As somebody would who knows the ledger: what is stored is sound in itself.
inline void put_context(ApprovalRecord& record, std::string_view context) {
  record.subject.context = context;
  record.subject.context_hash = sha256_hex(context);
}

template <class T>
Error error_of(const Result<T>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "it succeeded";
  return {};
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return error_of(result).code;
}

}  // namespace aldis::testing
