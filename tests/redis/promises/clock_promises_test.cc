// The server's clock is set back by an hour.

#include <gtest/gtest.h>

#include "redis/clock_file.h"
#include "redis/promises/agents.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

class ClockSetBack : public ::testing::Test {
 protected:
  void beat_for(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      ASSERT_TRUE(worker_.beat());
      clock_.advance(1s);
    }
  }
  AgentStatus status() const {
    auto status = worker_.get_agent_status("worker");
    EXPECT_TRUE(status) << status.error().message;
    return *std::move(status);
  }

  ClockFile clock_;
  RedisServer server_{{.clock = &clock_}};
  Workspace workspace_ = join(server_.url());
  CoordinationSignals sender_ = act_as("sender", workspace_);
  CoordinationSignals reader_ = act_as("reader", workspace_);
  HeartbeatCoordinator worker_{workspace_};
};

TEST_F(ClockSetBack, leaves_signals_in_their_order_and_delivers_each_once) {
  std::vector<std::string> sent{send(sender_, "reader"), send(sender_, "reader")};
  EXPECT_EQ(take(reader_), sent[0]);
  clock_.advance(-1h);
  sent.push_back(send(sender_, "reader"));
  clock_.advance(1s);
  sent.push_back(send(sender_, "reader"));
  EXPECT_EQ(take(reader_), sent[1]);
  EXPECT_EQ(take(reader_), sent[2]);
  EXPECT_EQ(take(reader_), sent[3]);
  EXPECT_EQ(take(reader_), "nothing");
}

TEST_F(ClockSetBack, leaves_broadcasts_in_their_order_and_shows_each_once) {
  EXPECT_EQ(take(reader_), "nothing");  // from now on it hears broadcasts
  std::vector<std::string> sent{sender_.broadcast("news")->signal_id, sender_.broadcast("news")->signal_id};
  EXPECT_EQ(take(reader_), sent[0]);
  clock_.advance(-1h);
  sent.push_back(sender_.broadcast("news")->signal_id);
  EXPECT_EQ(take(reader_), sent[1]);
  EXPECT_EQ(take(reader_), sent[2]);
  EXPECT_EQ(take(reader_), "nothing");
}

TEST_F(ClockSetBack, still_ends_what_is_sent_after_it_in_its_time) {
  clock_.advance(-1h);
  const auto sent = sender_.signal("work", "reader", {}, 10s);
  ASSERT_TRUE(sent);
  clock_.advance(11s);
  EXPECT_EQ(take(reader_), "expired " + sent->signal_id);
  EXPECT_EQ(take(reader_), "nothing");
}

TEST_F(ClockSetBack, makes_nobody_suspect_whose_beats_go_on) {
  ASSERT_TRUE(worker_.start_heartbeat("worker", {.ttl = 60s}));
  beat_for(10);
  clock_.advance(-1h);
  EXPECT_EQ(status().state, AgentState::alive);
  for (int i = 0; i < 10; ++i) {
    beat_for(1);
    const AgentStatus now = status();
    EXPECT_EQ(now.state, AgentState::alive) << now.evidence;
    EXPECT_LT(now.suspicion.value_or(0), limits::kSuspicionThreshold);
  }
  EXPECT_EQ(status().beats, 20U);
}

TEST_F(ClockSetBack, leaves_a_rhythm_by_which_silence_is_noticed) {
  ASSERT_TRUE(worker_.start_heartbeat("worker", {.ttl = 1h}));
  beat_for(10);
  clock_.advance(-1h);
  beat_for(10);
  clock_.advance(30s);
  const AgentStatus silent = status();
  EXPECT_EQ(silent.state, AgentState::suspect) << silent.evidence;
}

}  // namespace
}  // namespace aldis::testing
