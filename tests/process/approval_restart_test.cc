// Waiters that are killed: the request outlives them, and so does its deadline.

#include <gmock/gmock.h>

#include "approval_stage.h"
#include "cli/program.h"
#include "core/clock.h"
#include "core/format.h"
#include "core/sha256.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kContext = R"({"plan":"eu-west"})";

class KilledWaiters : public ::testing::TestWithParam<const char*> {
 protected:
  Words ask(const std::string& key, const std::string& context = kContext) const {
    return {"ask", "agent=worker", "type=deploy", "key=" + key, "context=" + context, "timeout_ms=600000"};
  }
  // A process that asked, and waits.
  pid_t start_asking(const std::string& key) {
    const pid_t waiter = stage.start(ask(key));
    stage.hear("asking");
    EXPECT_TRUE(eventually([&] { return !pending().empty(); }));
    return waiter;
  }
  std::vector<ApprovalRequest> pending() {
    const auto requests = observer.get_pending_approvals("deploy");
    EXPECT_TRUE(requests) << requests.error().message;
    return requests.value_or(std::vector<ApprovalRequest>{});
  }
  void answer(const std::string& id, bool approved, std::string_view reason) {
    const auto answered = observer.respond_to_approval(id, approved, "dana", reason);
    ASSERT_TRUE(answered) << answered.error().message;
  }
  std::string end_of(const std::string& id, std::string_view end, std::string_view reason) const {
    return fmt::format("{} dana {} {} {} unverified", end, reason, id, sha256_hex(kContext));
  }

  ApprovalStage stage{GetParam()};
  ApprovalGate observer = stage.gate();
};

TEST_P(KilledWaiters, find_the_decision_that_was_made_while_they_were_dead) {
  const pid_t waiter = start_asking("release-7");
  stage.kill(waiter);
  const std::string id = pending().at(0).request_id;
  answer(id, true, "looks-good");
  for (int restarts = 0; restarts < 2; ++restarts) {
    stage.start(ask("release-7"));
    stage.hear("asking");
    EXPECT_EQ(joined(stage.hear("ended"), 1), end_of(id, "approved", "looks-good"));
  }
  EXPECT_EQ(stage.audit_of(id), "requested by worker, vote approved by dana, decided approved by dana");
  EXPECT_EQ(stage.audit_fault(), "");
}

TEST_P(KilledWaiters, wait_on_for_the_same_request_when_they_are_back) {
  const pid_t first = start_asking("release-7");
  stage.kill(first);
  const std::string id = pending().at(0).request_id;
  const pid_t second = stage.start(ask("release-7"));
  stage.hear("asking");
  wait_until_asleep(second);
  EXPECT_EQ(pending().size(), 1u);
  answer(id, false, "not-on-a-friday");
  EXPECT_EQ(joined(stage.hear("ended"), 1), end_of(id, "rejected", "not-on-a-friday"));
  EXPECT_EQ(stage.audit_of(id), "requested by worker, vote rejected by dana, decided rejected by dana");
}

TEST_P(KilledWaiters, cannot_ask_for_something_else_under_the_same_key) {
  const pid_t waiter = start_asking("release-7");
  stage.kill(waiter);
  const std::string id = pending().at(0).request_id;
  for (const bool is_decided : {false, true}) {
    if (is_decided) answer(id, true, "looks-good");
    stage.start(ask("release-7", R"({"plan":"us-east"})"));
    stage.hear("asking");
    const Words refused = stage.hear("refused");
    EXPECT_EQ(refused.at(1), "conflict");
    EXPECT_THAT(joined(refused, 2), HasSubstr(id));
  }
  EXPECT_THAT(pending(), IsEmpty());
}

TEST_P(KilledWaiters, leave_a_request_that_times_out_all_the_same) {
  const auto waiter = stage.start({"open", "agent=worker", "type=deploy", "timeout_ms=100"});
  const std::string id = stage.hear("opened").at(1);
  const SteadyTime opened = SystemClock{}.steady_now();
  stage.kill(waiter);
  ASSERT_TRUE(eventually([&] { return SystemClock{}.steady_now() > opened + 100ms; }));
  // Nobody has looked since: whoever is late settles it.
  const auto late = observer.respond_to_approval(id, true, "dana");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::failed_precondition);
  const ApprovalRequest record = stage.read(id);
  EXPECT_THAT(late.error().message, HasSubstr("timed out at " + format_timestamp(record.expires_at.value())));
  EXPECT_EQ(record.status, ApprovalState::timed_out);
  EXPECT_EQ(record.expires_at, record.timestamp + 100ms);
  EXPECT_GE(record.decided_at.value(), record.expires_at.value());
  EXPECT_THAT(record.votes, IsEmpty());
  EXPECT_EQ(stage.audit_of(id), "requested by worker, decided timed_out");
  const auto entries = stage.audit().list();
  ASSERT_TRUE(entries) << entries.error().message;
  EXPECT_EQ(entries->back().time, record.decided_at);
}

TEST_P(KilledWaiters, leave_a_request_that_the_command_line_says_is_expired) {
  const auto waiter = stage.start({"open", "agent=worker", "type=deploy", "timeout_ms=100"});
  const std::string id = stage.hear("opened").at(1);
  stage.kill(waiter);
  ASSERT_TRUE(eventually([&] { return stage.read(id).status == ApprovalState::timed_out; }));
  const Sandbox sandbox;
  const WorkspaceOptions options = stage.fleet().options();
  const Ended late =
      sandbox.aldis({"approvals", "approve", id, "--as", "dana"}, {{"ALDIS_STORE", options.store},
                                                                   {"ALDIS_RUNTIME_DIR", options.runtime_directory},
                                                                   {"ALDIS_STATE_DIR", options.state_directory}});
  EXPECT_EQ(late.exit_code, 4) << late.out;
  EXPECT_EQ(late.text("/error/code"), "REQUEST_EXPIRED");
  EXPECT_THAT(late.text("/error/message"), HasSubstr("timed out at "));
  EXPECT_EQ(late.text("/data/status"), "timed_out");
  EXPECT_EQ(late.text("/data/decided_at"), format_timestamp(stage.read(id).decided_at.value()));
}

INSTANTIATE_TEST_SUITE_P(Stores, KilledWaiters, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
