// keep_alive: a thread that renews the lease, and nothing else. Its intervals are real time, so they are short here.

#include <gmock/gmock.h>

#include <future>
#include <optional>

#include "core/failure.h"
#include "heartbeats_world.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;

class KeepAlive : public ::testing::Test, protected HeartbeatsWorld {
 protected:
  // Waits for the one call of on_lost.
  std::function<void(const Error&)> report_loss() {
    return [this](const Error& error) { lost_.set_value(error); };
  }
  Error loss() { return lost_.get_future().get(); }

 private:
  std::promise<Error> lost_;
};

TEST_F(KeepAlive, renews_the_lease_without_claiming_progress) {
  HeartbeatCoordinator agent = leased("reviewer");
  clock->advance(20s);
  ASSERT_TRUE(agent.keep_alive(1ms));
  clock->advance(20s);
  store->wait_for_renewals(store->renewals() + 2);
  EXPECT_EQ(state("reviewer"), AgentState::alive);
  EXPECT_EQ(status("reviewer").beats, 0U);
  EXPECT_EQ(status("reviewer").last_beat, std::nullopt);
}

TEST_F(KeepAlive, renews_a_short_lease_oftener_than_asked) {
  HeartbeatCoordinator agent = leased("reviewer", 30ms);
  ASSERT_TRUE(agent.keep_alive(1h));
  store->wait_for_renewals(3);
  SUCCEED();
}

TEST_F(KeepAlive, reports_a_takeover_once_and_ends) {
  HeartbeatCoordinator agent = leased("reviewer");
  ASSERT_TRUE(agent.keep_alive(1ms, report_loss()));
  const HeartbeatCoordinator other = leased("reviewer");
  EXPECT_EQ(loss().code, ErrorCode::conflict);
  EXPECT_EQ(status("reviewer").incarnation, other.incarnation());
}

TEST_F(KeepAlive, goes_on_for_a_coordinator_that_is_started_again) {
  HeartbeatCoordinator agent = leased("reviewer");
  ASSERT_TRUE(agent.keep_alive(1ms, [](const Error& error) { ADD_FAILURE() << error.message; }));
  StartOptions options;
  options.process.kind = ProcessBinding::Kind::none;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(agent.start_heartbeat("reviewer", options));
  clock->advance(20s);
  store->wait_for_renewals(store->renewals() + 2);
  clock->advance(20s);
  EXPECT_EQ(state("reviewer"), AgentState::alive);
}

TEST_F(KeepAlive, outlives_a_failing_store) {
  HeartbeatCoordinator agent = leased("reviewer");
  {
    HeartbeatCoordinator stranger = coordinator();
    ASSERT_TRUE(stranger.join_heartbeat("reviewer", agent.incarnation()));
    ASSERT_TRUE(stranger.keep_alive(1ms));
    store->fail_renewals(3);
    store->wait_for_renewals(store->renewals() + 5);
  }
  EXPECT_EQ(state("reviewer"), AgentState::alive);
}

TEST_F(KeepAlive, ends_with_stop_heartbeat) {
  HeartbeatCoordinator agent = leased("reviewer");
  ASSERT_TRUE(agent.keep_alive(1ms, [](const Error& error) { ADD_FAILURE() << error.message; }));
  ASSERT_TRUE(agent.stop_heartbeat());
  const int renewals = store->renewals();
  const HeartbeatCoordinator next = leased("reviewer");  // a keeper that still ran would report its loss
  EXPECT_EQ(store->renewals(), renewals);
}

TEST_F(KeepAlive, ends_when_somebody_else_stops_the_same_incarnation) {
  HeartbeatCoordinator parent = leased("reviewer");
  ASSERT_TRUE(parent.keep_alive(1ms, [](const Error& error) { ADD_FAILURE() << error.message; }));
  HeartbeatCoordinator child = coordinator();
  ASSERT_TRUE(child.join_heartbeat("reviewer", parent.incarnation()));
  ASSERT_TRUE(child.stop_heartbeat());
  store->wait_for_renewals(store->renewals() + 1);
  EXPECT_EQ(state("reviewer"), AgentState::finished);
}

TEST_F(KeepAlive, leaves_the_record_to_its_lease_when_the_coordinator_goes) {
  {
    HeartbeatCoordinator agent = leased("reviewer");
    ASSERT_TRUE(agent.keep_alive(1ms));
  }
  EXPECT_EQ(state("reviewer"), AgentState::alive);
  clock->advance(30s);
  EXPECT_EQ(state("reviewer"), AgentState::dead);
}

TEST_F(KeepAlive, a_coordinator_may_be_destroyed_by_its_own_report) {
  std::promise<void> gone;
  auto agent = std::make_unique<HeartbeatCoordinator>(leased("reviewer"));
  ASSERT_TRUE(agent->keep_alive(1ms, [&](const Error&) {
    agent.reset();
    gone.set_value();
  }));
  const HeartbeatCoordinator other = leased("reviewer");
  gone.get_future().get();
  EXPECT_EQ(agent, nullptr);
}

TEST_F(KeepAlive, needs_an_interval) {
  HeartbeatCoordinator agent = leased("reviewer");
  EXPECT_EQ(code_of(agent.keep_alive(0s)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.keep_alive(-1s)), ErrorCode::invalid_argument);
  EXPECT_TRUE(agent.keep_alive(nanoseconds::max()));
}

}  // namespace
}  // namespace aldis::testing
