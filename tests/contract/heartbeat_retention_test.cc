// How long a store keeps heartbeat records: the sentences of ports/heartbeat_store.h about it, on every engine.

#include <gmock/gmock.h>

#include "contract/heartbeat_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using HeartbeatRetention = HeartbeatStoreContract;
class HeartbeatRetentionByProcess : public HeartbeatStoreContract {};
class HeartbeatRetentionByTimeAlone : public HeartbeatStoreContract {};

TEST_P(HeartbeatRetention, a_record_is_removed_24_hours_after_its_lease_lapsed) {
  start("worker", kFirst, 30s);
  advance(10s);
  ASSERT_TRUE(store().renew("worker", kFirst));
  advance(30s + limits::kAgentRetention - 1ns);
  EXPECT_TRUE(reading("worker"));
  EXPECT_THAT(listed(), ElementsAre("worker"));
  advance(1ns);
  EXPECT_FALSE(reading("worker"));
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_EQ(code_of(beat("worker", kFirst)), ErrorCode::not_found);
  EXPECT_EQ(code_of(store().start(start_of("worker", kSecond), kFirst)), ErrorCode::conflict);
  EXPECT_TRUE(store().start(start_of("worker", kSecond), kNil));
}

TEST_P(HeartbeatRetention, a_record_is_removed_24_hours_after_it_finished) {
  start("worker", kFirst, 24h);
  advance(1h);
  ASSERT_TRUE(store().finish("worker", kFirst, "completed"));
  advance(1h);
  ASSERT_TRUE(store().finish("worker", kFirst, "completed"));  // once more moves nothing
  advance(limits::kAgentRetention - 1h - 1ns);
  EXPECT_TRUE(reading("worker"));
  advance(1ns);
  EXPECT_FALSE(reading("worker"));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(HeartbeatRetentionByTimeAlone, time_alone_decides_how_long_a_record_is_kept) {
  AgentStart stopped = start_of("stopped", kFirst);
  stopped.process = processes().spawn(1);
  ASSERT_TRUE(store().start(stopped, std::nullopt));
  advance(limits::kAgentRetention + 30s);
  EXPECT_FALSE(reading("stopped"));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(HeartbeatRetentionByProcess, a_record_is_kept_while_its_process_exists) {
  AgentStart stopped = start_of("stopped", kFirst);
  stopped.process = processes().spawn(1);
  ASSERT_TRUE(store().start(stopped, std::nullopt));
  AgentStart hidden = start_of("hidden", kFirst);
  hidden.process = processes().spawn(2);
  processes().set(*hidden.process, ProcessEvidence::unknown);
  ASSERT_TRUE(store().start(hidden, std::nullopt));
  for (int day = 0; day < 5; ++day) {
    advance(limits::kAgentRetention + 30s);
    start("other", incarnation(static_cast<std::uint8_t>(day + 1)));
    EXPECT_THAT(listed(), ElementsAre("other", "stopped")) << "day " << day;
    EXPECT_TRUE(reading("stopped")) << "day " << day;
  }
  EXPECT_EQ(code_of(store().start(start_of("stopped", kSecond), kNil)), ErrorCode::conflict);
  EXPECT_TRUE(beat("stopped", kFirst)) << "it was only stopped";
  processes().set(*stopped.process, ProcessEvidence::gone);
  EXPECT_TRUE(reading("stopped"));
  advance(limits::kAgentRetention + 30s);
  EXPECT_FALSE(reading("stopped"));
}

TEST_P(HeartbeatRetention, a_finished_record_is_not_kept_by_its_process) {
  AgentStart idle = start_of("idle", kFirst);
  idle.process = processes().spawn(1);
  ASSERT_TRUE(store().start(idle, std::nullopt));
  ASSERT_TRUE(store().finish("idle", kFirst, "completed"));
  advance(limits::kAgentRetention);
  EXPECT_FALSE(reading("idle"));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(HeartbeatRetention, a_record_lives_as_long_as_its_lease_is_renewed) {
  start("worker", kFirst, 1h);
  for (int hour = 0; hour < 24 * 7; ++hour) {
    advance(59min);
    ASSERT_TRUE(store().renew("worker", kFirst)) << "hour " << hour;
  }
  EXPECT_THAT(listed(), ElementsAre("worker"));
}

TEST_P(HeartbeatRetention, an_agent_started_again_for_weeks_leaves_nothing_behind) {
  for (int day = 0; day < 30; ++day) {
    start("worker", incarnation(static_cast<std::uint8_t>(day + 1)), day % 2 == 0 ? 24h : std::chrono::nanoseconds{1s});
    advance(20h);
    ASSERT_TRUE(reading("worker")) << "day " << day;
  }
  advance(limits::kAgentRetention + 24h);
  EXPECT_FALSE(reading("worker"));
  EXPECT_THAT(listed(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(, HeartbeatRetention, ::testing::ValuesIn(all_engines()), name_of_engine);
INSTANTIATE_TEST_SUITE_P(, HeartbeatRetentionByProcess, ::testing::ValuesIn(engines_that_examine_processes()),
                         name_of_engine);
INSTANTIATE_TEST_SUITE_P(, HeartbeatRetentionByTimeAlone, ::testing::ValuesIn(engines_that_cannot_examine_processes()),
                         name_of_engine);

}  // namespace
}  // namespace aldis::testing
