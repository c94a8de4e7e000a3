// ApprovalGate: waiting, and how a wait ends. Time moves only while somebody sleeps.

#include <gmock/gmock.h>

#include <thread>

#include "approvals_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;
using enum ApprovalState;

ApprovalEnd end_of(const Result<ApprovalOutcome>& outcome) {
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? outcome->end : ApprovalEnd::timed_out;
}

TEST(ApprovalsWait, is_woken_by_the_answer) {
  for (const bool approve : {true, false}) {
    ApprovalsWorld world;
    world.waker->steps.push_back([&] {
      const auto asked = world.gate().get_pending_approvals();
      ASSERT_TRUE(world.gate().respond_to_approval(asked->front().request_id, approve, "bob", "because"));
    });
    const nanoseconds took = world.time_of([&] {
      const auto outcome = world.gate("alice").request_approval("deploy", *Json::parse(R"({"a":1})"));
      ASSERT_TRUE(outcome) << outcome.error().message;
      EXPECT_EQ(outcome->end, approve ? ApprovalEnd::approved : ApprovalEnd::rejected);
      EXPECT_EQ(outcome->approved(), approve);
      EXPECT_EQ(outcome->request.responder, "bob");
      EXPECT_EQ(outcome->request.reason, "because");
      EXPECT_EQ(outcome->request.context.text(), R"({"a":1})");
    });
    EXPECT_EQ(took, 0ns) << "the ring ended the sleep";
  }
}

TEST(ApprovalsWait, needs_no_ring_from_a_killed_responder) {
  ApprovalsWorld world;
  world.rings = false;
  world.waker->steps.push_back([&] {
    const auto asked = world.gate().get_pending_approvals();
    ASSERT_TRUE(world.gate().respond_to_approval(asked->front().request_id, true, "bob"));
  });
  const nanoseconds took =
      world.time_of([&] { EXPECT_EQ(end_of(world.gate("alice").request_approval("deploy")), ApprovalEnd::approved); });
  EXPECT_LE(took, 1s) << "one recheck interval";
}

TEST(ApprovalsWait, times_out_exactly_then_and_that_is_no_verdict) {
  ApprovalsWorld world;
  const nanoseconds took = world.time_of([&] {
    const auto outcome = world.gate("alice").request_approval("deploy", {}, 2500ms);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->end, ApprovalEnd::timed_out);
    EXPECT_FALSE(outcome->approved());
    EXPECT_EQ(outcome->request.responder, "");
    EXPECT_EQ(outcome->request.decided_at, outcome->request.expires_at);
  });
  EXPECT_EQ(took, 2500ms);
  EXPECT_THAT(world.memory_waker->sleeps(), ElementsAre(nanoseconds{2500ms})) << "it does not poll";
}

TEST(ApprovalsWait, is_ended_by_a_cancellation) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  world.waker->steps.push_back([&] { ASSERT_TRUE(world.gate("alice").cancel(id, "no need")); });
  const auto outcome = world.gate().wait(id);
  EXPECT_EQ(end_of(outcome), ApprovalEnd::cancelled);
  EXPECT_EQ(outcome->request.responder, "alice");
  EXPECT_EQ(outcome->request.reason, "no need");
}

TEST(ApprovalsWait, on_what_was_decided_before_ends_at_once) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  ASSERT_TRUE(world.gate().respond_to_approval(id, true, "bob"));
  EXPECT_EQ(end_of(world.gate("carol").wait(id, 0s)), ApprovalEnd::approved) << "anyone may wait";
  EXPECT_THAT(world.memory_waker->sleeps(), SizeIs(0));
}

TEST(ApprovalsWait, whose_patience_ends_leaves_the_request_pending) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice", "deploy", 1h).request_id;
  Error error;
  EXPECT_EQ(world.time_of([&] { error = error_of(world.gate().wait(id, 10s)); }), 10s);
  EXPECT_EQ(error.code, ErrorCode::deadline_exceeded);
  EXPECT_THAT(error.message, HasSubstr(id));
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
  EXPECT_EQ(code_of(world.gate().wait(id, 0s)), ErrorCode::deadline_exceeded) << "looks once";
  EXPECT_EQ(code_of(world.gate().wait(id, -1s)), ErrorCode::invalid_argument);
}

TEST(ApprovalsWait, whose_patience_is_longer_than_the_deadline_is_told_of_that) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice", "deploy", 10s).request_id;
  EXPECT_EQ(world.time_of([&] { EXPECT_EQ(end_of(world.gate().wait(id, 1h)), ApprovalEnd::timed_out); }), 10s);
}

TEST(ApprovalsWait, for_ever_does_not_overflow_and_looks_once_a_day) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice", "deploy", std::nullopt).request_id;
  for (int day = 0; day < 400; ++day) world.waker->steps.emplace_back([] {});
  world.waker->steps.push_back([&] { ASSERT_TRUE(world.gate().respond_to_approval(id, true, "bob")); });
  EXPECT_EQ(end_of(world.gate().wait(id)), ApprovalEnd::approved);
  EXPECT_THAT(world.memory_waker->sleeps(), AllOf(SizeIs(401), Each(Le(limits::kQuietMax))));
  const std::string other = world.ask("alice", "deploy", 1h).request_id;
  EXPECT_EQ(end_of(world.gate().wait(other, nanoseconds::max())), ApprovalEnd::timed_out);
}

TEST(ApprovalsWait, that_is_stopped_leaves_the_request_pending) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  std::stop_source stop;
  world.waker->steps.push_back([&] { stop.request_stop(); });
  EXPECT_EQ(world.time_of([&] {
    EXPECT_EQ(code_of(world.gate().wait(id, std::nullopt, stop.get_token())), ErrorCode::deadline_exceeded);
  }),
            0ns);
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
  EXPECT_EQ(code_of(world.gate("alice").request_approval("deploy", {}, 5min, {}, stop.get_token())),
            ErrorCode::deadline_exceeded);
  EXPECT_THAT(*world.gate().get_pending_approvals(), SizeIs(2)) << "it was asked all the same";
}

TEST(ApprovalsWait, goes_on_after_the_program_died_and_asked_again_with_its_key) {
  ApprovalsWorld world;
  const std::string id = world.gate("alice").open_request("deploy", {}, 5min, {.key = "k"})->request_id;
  world.clock->advance(4min);  // it died, and came back
  world.waker->steps.push_back([&] { ASSERT_TRUE(world.gate().respond_to_approval(id, true, "bob")); });
  const auto outcome = world.gate("alice").request_approval("deploy", {}, 5min, {.key = "k"});
  EXPECT_EQ(end_of(outcome), ApprovalEnd::approved);
  EXPECT_EQ(outcome->request.request_id, id);
}

TEST(ApprovalsWait, is_not_moved_by_a_step_of_the_wall_clock) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice", "deploy", 1h).request_id;
  world.waker->steps.push_back([&] { world.clock->step_wall(24h); });
  EXPECT_EQ(world.time_of([&] { EXPECT_EQ(end_of(world.gate().wait(id)), ApprovalEnd::timed_out); }), 1h);
}

TEST(ApprovalsWait, says_at_once_when_the_store_is_away) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  world.waker->steps.push_back([&] {
    world.store->failing = true;
    world.memory_waker->ring(std::nullopt);
  });
  EXPECT_EQ(code_of(world.gate().wait(id)), ErrorCode::unavailable);
}

TEST(ApprovalsWait, of_many_threads_on_one_request_all_end_with_the_same_decision) {
  ApprovalsWorld world(ApprovalsWorld::Time::real_sleeps);
  const std::string id = world.ask("alice").request_id;
  ApprovalGate gate = world.gate();
  std::vector<std::thread> waiting;
  std::atomic<int> approved_ones = 0;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back([&] { approved_ones += end_of(gate.wait(id)) == ApprovalEnd::approved; });
  }
  ASSERT_TRUE(gate.respond_to_approval(id, true, "bob"));
  for (std::thread& thread : waiting) thread.join();
  EXPECT_EQ(approved_ones, 4);
}

TEST(ApprovalsWait, of_many_threads_that_answer_one_decides) {
  ApprovalsWorld world(ApprovalsWorld::Time::real_sleeps);
  const std::string id = world.ask("alice").request_id;
  ApprovalGate gate = world.gate();
  std::vector<std::thread> answering;
  std::atomic<int> decisions = 0;
  std::atomic<int> conflicts = 0;
  for (int i = 0; i < 4; ++i) {
    answering.emplace_back([&, i] {
      const auto answered = gate.respond_to_approval(id, i % 2 == 0, "responder-" + std::to_string(i));
      decisions += answered.has_value();
      conflicts += !answered && answered.error().code == ErrorCode::conflict;
    });
  }
  for (std::thread& thread : answering) thread.join();
  EXPECT_EQ(decisions, 1);
  EXPECT_EQ(conflicts, 3);
  EXPECT_THAT(world.record(id).votes, SizeIs(1));
}

}  // namespace
}  // namespace aldis::testing
