// What heartbeats leave on a Redis server, and what a call does that is carried out twice. The rest of their behaviour
// is in tests/contract.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_heartbeats.h"
#include "engines/redis/scripts.h"
#include "engines/redis/store_url.h"
#include "redis/clock_file.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view kIncarnationBytes = "0123456789abcdef";

Id128 incarnation() {
  Id128 id;
  std::ranges::copy(kIncarnationBytes, id.bytes.begin());
  return id;
}

class RedisHeartbeatKeys : public ::testing::Test {
 protected:
  Result<void> start(const std::string& agent, std::chrono::nanoseconds ttl = 30s) {
    AgentStart start;
    start.agent_id = agent;
    start.incarnation = incarnation();
    start.ttl = ttl;
    return store_->start(start, std::nullopt);
  }
  Result<void> beat(const std::string& agent, int times = 1) {
    Result<void> done;
    for (int i = 0; i < times && done; ++i) done = store_->beat({agent, incarnation(), "running", {}, {}});
    return done;
  }
  HeartbeatRecord record(const std::string& agent) { return store_->read(agent).value()->record; }

  // `count` agents whose records are in one shard.
  std::vector<std::string> neighbours(std::size_t count) const {
    std::vector<std::string> agents;
    for (int number = 0; agents.size() < count; ++number) {
      std::string agent = "agent-" + std::to_string(number);
      if (groups_.heartbeats(agent) == groups_.heartbeats("agent-0")) agents.push_back(std::move(agent));
    }
    return agents;
  }

  std::string key(std::string_view suffix) const { return groups_.heartbeats("agent-0").append(suffix); }
  std::string command(const Words& words) const { return server_.command(words); }
  std::vector<std::string> sizes() const {
    return {command({"HLEN", key(":r")}), command({"HLEN", key(":s")}), command({"ZCARD", key(":x")})};
  }
  std::chrono::milliseconds time_to_live(std::string_view suffix) const {
    return std::chrono::milliseconds{std::stoll(command({"PTTL", key(suffix)}))};
  }
  // The script as the client runs it when it does not know whether it ran before.
  Reply run(const Script& script, std::initializer_list<std::string_view> arguments) {
    const std::vector<std::string_view> words(arguments);
    return client_->run(script, groups_.heartbeats(words.front()), words).value();
  }

  HeartbeatStore& store() { return *store_; }
  void advance(std::chrono::microseconds by) { clock_.advance(by); }

 private:
  ClockFile clock_;
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket, .clock = &clock_}};
  const Groups groups_{"keys"};
  const std::shared_ptr<RedisClient> client_ =
      RedisClient::open(parse_store_url(server_.url()).value(), 5s, std::make_shared<SystemClock>()).value();
  const std::shared_ptr<HeartbeatStore> store_ = make_redis_heartbeats(client_, groups_);
};

TEST_F(RedisHeartbeatKeys, an_abandoned_shard_disappears_by_itself) {
  ASSERT_TRUE(start("agent-0", 24h));
  for (const char* suffix : {":r", ":s", ":x", ":v"}) EXPECT_EQ(time_to_live(suffix), 50h) << suffix;
  advance(48h - 1us);
  EXPECT_TRUE(store().read("agent-0").value()) << "the time to live is the longer one";
  advance(2h + 2ms);
  EXPECT_EQ(command({"EXISTS", key(":r"), key(":s"), key(":x"), key(":v")}), "0");
}

TEST_F(RedisHeartbeatKeys, beats_and_renewals_prolong_the_life_of_the_keys_once_an_hour) {
  ASSERT_TRUE(start("agent-0"));
  advance(59min);
  ASSERT_TRUE(beat("agent-0"));
  EXPECT_EQ(time_to_live(":r"), 50h - 59min);
  advance(1min);
  ASSERT_TRUE(beat("agent-0"));
  for (const char* suffix : {":r", ":s", ":x", ":v"}) EXPECT_EQ(time_to_live(suffix), 50h) << suffix;
  advance(1h);
  ASSERT_TRUE(store().renew("agent-0", incarnation()));
  for (const char* suffix : {":r", ":s", ":x", ":v"}) EXPECT_EQ(time_to_live(suffix), 50h) << suffix;
}

TEST_F(RedisHeartbeatKeys, a_late_end_is_kept_as_long_as_any_other) {
  ASSERT_TRUE(start("agent-0", 24h));
  advance(47h);
  ASSERT_TRUE(store().finish("agent-0", incarnation(), "completed"));
  advance(24h - 1us);
  EXPECT_TRUE(store().read("agent-0").value());
}

TEST_F(RedisHeartbeatKeys, every_sixteenth_beat_clears_away_what_is_over) {
  const auto agents = neighbours(3);
  for (const std::string& agent : agents) ASSERT_TRUE(start(agent));
  ASSERT_TRUE(beat(agents[0]));
  advance(23h);
  ASSERT_TRUE(beat(agents[0]));
  advance(2h);
  ASSERT_TRUE(beat(agents[0], 13));
  EXPECT_THAT(sizes(), ::testing::Each("3"));
  ASSERT_TRUE(beat(agents[0]));
  ASSERT_TRUE(beat(agents[0], 16)) << "the two that were due first may have been the living one and another";
  EXPECT_THAT(sizes(), ::testing::Each("1"));
}

TEST_F(RedisHeartbeatKeys, a_start_and_an_end_clear_away_two_records_at_most) {
  const auto agents = neighbours(8);
  for (std::size_t i = 0; i < 6; ++i) ASSERT_TRUE(start(agents[i]));
  advance(25h);
  ASSERT_TRUE(start(agents[6]));
  EXPECT_THAT(sizes(), ::testing::Each("5"));
  ASSERT_TRUE(store().finish(agents[6], incarnation(), "completed"));
  EXPECT_THAT(sizes(), ::testing::Each("3"));
  ASSERT_TRUE(start(agents[7]));
  EXPECT_THAT(sizes(), ::testing::Each("2"));
}

TEST_F(RedisHeartbeatKeys, what_cannot_be_read_is_cleared_from_the_index_and_kept_for_whoever_asks) {
  const auto agents = neighbours(2);
  ASSERT_TRUE(start(agents[0]));
  command({"HSET", key(":r"), agents[0], "junk"});
  advance(25h);
  ASSERT_TRUE(start(agents[1]));
  EXPECT_EQ(sizes(), (std::vector<std::string>{"2", "2", "1"}));
}

TEST_F(RedisHeartbeatKeys, a_damaged_record_is_data_loss_until_the_agent_is_started_again) {
  ASSERT_TRUE(start("agent-0"));
  for (const char* junk : {"", "junk"}) {
    command({"HSET", key(":r"), "agent-0", junk});
    for (const auto& answer : {beat("agent-0"), store().renew("agent-0", incarnation()),
                               store().finish("agent-0", incarnation(), "completed")}) {
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code, ErrorCode::data_loss);
      EXPECT_THAT(answer.error().message, HasSubstr("agent-0"));
    }
    EXPECT_FALSE(store().publish_state("agent-0", incarnation(), AgentState::alive, AgentState::dead));
    EXPECT_FALSE(store().read("agent-0"));
    EXPECT_FALSE(store().list());
  }
  ASSERT_TRUE(start("agent-0"));
  EXPECT_TRUE(beat("agent-0"));
}

TEST_F(RedisHeartbeatKeys, a_beat_that_is_carried_out_twice_counts_once) {
  ASSERT_TRUE(start("agent-0"));
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(run(kHeartbeatBeat, {"agent-0", kIncarnationBytes, "beat-one", "running", ""}).integer, 1);
    advance(1s);
  }
  EXPECT_EQ(record("agent-0").beats, 1U);
  EXPECT_TRUE(run(kHeartbeatBeat, {"agent-0", kIncarnationBytes, "beat-two", "running", ""}).is_integer());
  EXPECT_EQ(record("agent-0").beats, 2U);
  EXPECT_EQ(record("agent-0").rhythm.mean_seconds, 2);
}

TEST_F(RedisHeartbeatKeys, a_state_that_is_published_twice_by_one_call_is_published_both_times) {
  ASSERT_TRUE(start("agent-0"));
  EXPECT_EQ(run(kHeartbeatPublish, {"agent-0", kIncarnationBytes, "call-one", "0", "2"}).integer, 1);
  ASSERT_TRUE(beat("agent-0"));
  EXPECT_EQ(run(kHeartbeatPublish, {"agent-0", kIncarnationBytes, "call-one", "0", "2"}).integer, 1);
  EXPECT_EQ(run(kHeartbeatPublish, {"agent-0", kIncarnationBytes, "call-two", "0", "2"}).integer, 0);
}

TEST_F(RedisHeartbeatKeys, a_start_that_is_carried_out_twice_changes_nothing) {
  ASSERT_TRUE(start("agent-0"));
  const std::string version = command({"GET", key(":v")});
  advance(1s);
  for (const std::string_view replaces : {std::string_view(), std::string_view("another-one-....")})
    EXPECT_EQ(run(kHeartbeatStart, {"agent-0", kIncarnationBytes, "30000000000", "", replaces}).integer, 1);
  const HeartbeatReading reading = *store().read("agent-0").value();
  EXPECT_EQ(reading.record.started, reading.now - 1s);
  EXPECT_EQ(command({"GET", key(":v")}), version);
}

TEST_F(RedisHeartbeatKeys, a_lease_is_kept_to_the_nanosecond) {
  ASSERT_TRUE(start("agent-0", 1234567891ns));
  EXPECT_EQ(record("agent-0").start.ttl, 1234567891ns);
  ASSERT_TRUE(beat("agent-0"));
  EXPECT_EQ(record("agent-0").start.ttl, 1234567891ns);
}

}  // namespace
}  // namespace aldis::testing
