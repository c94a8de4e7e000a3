// The sentences of ports/heartbeat_store.h, on every engine. Those about how long a record is kept are in
// heartbeat_retention_test.cc.

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "contract/heartbeat_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Topic kHeartbeats{Topic::Kind::heartbeats, {}};
constexpr Topic kWorker{Topic::Kind::agent, "worker"};

TEST_P(HeartbeatStoreContract, an_empty_store_has_no_record) {
  EXPECT_FALSE(reading("worker"));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(HeartbeatStoreContract, a_start_keeps_what_the_incarnation_says_of_itself) {
  start("worker", kFirst);
  const HeartbeatRecord kept = record("worker");
  EXPECT_EQ(kept.start.agent_id, "worker");
  EXPECT_EQ(kept.start.incarnation, kFirst);
  EXPECT_EQ(kept.start.display_name, "The Worker");
  EXPECT_EQ(kept.start.metadata.text(), R"({"team":"red"})");
  EXPECT_EQ(kept.start.host, "castor");
  EXPECT_EQ(kept.start.process, (ProcessIdentity{4242, 77, "boot-id", 4026531836}));
  EXPECT_EQ(kept.start.ttl, 30s);
}

TEST_P(HeartbeatStoreContract, a_started_record_has_no_beats_and_a_fresh_lease) {
  start("worker", kFirst);
  const HeartbeatReading read = *reading("worker");
  EXPECT_EQ(read.record.status, "started");
  EXPECT_EQ(read.record.beats, 0U);
  EXPECT_EQ(read.record.last_beat_at, std::nullopt);
  EXPECT_EQ(read.record.progress, std::nullopt);
  EXPECT_EQ(read.record.current_task, "");
  EXPECT_EQ(read.record.rhythm, BeatRhythm{});
  EXPECT_FALSE(read.record.finished);
  EXPECT_EQ(read.record.published, AgentState::alive);
  EXPECT_EQ(read.record.started, read.now);
  EXPECT_EQ(read.record.renewed, read.now);
  EXPECT_EQ(read.record.lease_deadline(), read.now + 30s);
  EXPECT_EQ(read.record.started_at, read.record.renewed_at);
}

TEST_P(HeartbeatStoreContract, an_agent_may_have_no_process) {
  AgentStart start = start_of("worker", kFirst);
  start.process.reset();
  ASSERT_TRUE(store().start(start, std::nullopt));
  EXPECT_EQ(record("worker").start.process, std::nullopt);
}

TEST_P(HeartbeatStoreContract, a_start_replaces_whatever_is_there) {
  start("worker", kFirst);
  ASSERT_TRUE(beat("worker", kFirst, "busy", 0.5, "digging"));
  ASSERT_TRUE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::stale).value());
  start("worker", kSecond, 5s);
  const HeartbeatRecord kept = record("worker");
  EXPECT_EQ(kept.start.incarnation, kSecond);
  EXPECT_EQ(kept.start.ttl, 5s);
  EXPECT_EQ(kept.beats, 0U);
  EXPECT_EQ(kept.status, "started");
  EXPECT_EQ(kept.progress, std::nullopt);
  EXPECT_EQ(kept.current_task, "");
  EXPECT_EQ(kept.published, AgentState::alive);
  EXPECT_THAT(listed(), ElementsAre("worker"));
}

TEST_P(HeartbeatStoreContract, a_start_that_replaces_nobody_needs_the_id_to_be_free) {
  EXPECT_TRUE(store().start(start_of("worker", kFirst), kNil));
  EXPECT_EQ(code_of(store().start(start_of("worker", kSecond), kNil)), ErrorCode::conflict);
  EXPECT_EQ(record("worker").start.incarnation, kFirst);
}

TEST_P(HeartbeatStoreContract, a_start_that_replaces_one_incarnation_needs_it_to_be_the_newest) {
  EXPECT_EQ(code_of(store().start(start_of("worker", kSecond), kFirst)), ErrorCode::conflict);
  EXPECT_FALSE(reading("worker"));
  start("worker", kFirst);
  EXPECT_EQ(code_of(store().start(start_of("worker", kSecond), incarnation(9))), ErrorCode::conflict);
  EXPECT_EQ(record("worker").start.incarnation, kFirst);
  EXPECT_TRUE(store().start(start_of("worker", kSecond), kFirst));
  EXPECT_EQ(record("worker").start.incarnation, kSecond);
}

TEST_P(HeartbeatStoreContract, a_beat_counts_and_renews_the_lease) {
  start("worker", kFirst);
  advance(7s);
  ASSERT_TRUE(beat("worker", kFirst, "busy", 0.25, "file 3"));
  const HeartbeatReading read = *reading("worker");
  EXPECT_EQ(read.record.beats, 1U);
  EXPECT_EQ(read.record.status, "busy");
  EXPECT_EQ(read.record.progress, 0.25);
  EXPECT_EQ(read.record.current_task, "file 3");
  EXPECT_EQ(read.record.last_beat, read.now);
  EXPECT_EQ(read.record.last_beat_at, read.record.started_at + 7s);
  EXPECT_EQ(read.record.renewed, read.now);
  EXPECT_EQ(read.record.renewed_at, read.record.started_at + 7s);
  EXPECT_EQ(read.record.started, read.now - 7s);
}

TEST_P(HeartbeatStoreContract, a_beat_leaves_what_it_does_not_say) {
  start("worker", kFirst);
  ASSERT_TRUE(beat("worker", kFirst, "busy", 0.25, "file 3"));
  ASSERT_TRUE(beat("worker", kFirst, "still busy"));
  const HeartbeatRecord kept = record("worker");
  EXPECT_EQ(kept.status, "still busy");
  EXPECT_EQ(kept.progress, 0.25);
  EXPECT_EQ(kept.current_task, "file 3");
  EXPECT_EQ(kept.start.metadata.text(), R"({"team":"red"})");
  EXPECT_EQ(kept.start.display_name, "The Worker");
}

TEST_P(HeartbeatStoreContract, a_beat_may_empty_the_task) {
  start("worker", kFirst);
  ASSERT_TRUE(beat("worker", kFirst, "busy", {}, "file 3"));
  ASSERT_TRUE(beat("worker", kFirst, "", {}, ""));
  EXPECT_EQ(record("worker").current_task, "");
  EXPECT_EQ(record("worker").status, "");
}

TEST_P(HeartbeatStoreContract, beats_add_their_intervals_to_the_rhythm) {
  start("worker", kFirst);
  advance(50s);  // before the first beat there is no interval
  ASSERT_TRUE(beat("worker", kFirst));
  EXPECT_EQ(record("worker").rhythm.intervals, 0U);
  for (const auto interval : {1s, 2s, 6s}) {
    advance(interval);
    ASSERT_TRUE(beat("worker", kFirst));
  }
  const BeatRhythm rhythm = record("worker").rhythm;
  EXPECT_EQ(rhythm.intervals, 3U);
  EXPECT_NEAR(rhythm.mean_seconds, 3.0, 1e-9);
  EXPECT_NEAR(rhythm.squares, 14.0, 1e-9);
}

TEST_P(HeartbeatStoreContract, a_renewal_moves_the_lease_and_nothing_else) {
  start("worker", kFirst);
  ASSERT_TRUE(beat("worker", kFirst, "busy", 0.5, "file 3"));
  HeartbeatRecord before = record("worker");
  advance(9s);
  ASSERT_TRUE(store().renew("worker", kFirst));
  const HeartbeatReading after = *reading("worker");
  EXPECT_EQ(after.record.renewed, after.now);
  EXPECT_EQ(after.record.renewed_at, before.renewed_at + 9s);
  EXPECT_EQ(after.record.beats, 1U);
  EXPECT_EQ(after.record.last_beat, before.last_beat);
  EXPECT_EQ(after.record.last_beat_at, before.last_beat_at);
  EXPECT_EQ(after.record.rhythm, before.rhythm);
  EXPECT_EQ(after.record.status, "busy");
  EXPECT_EQ(after.record.progress, 0.5);
}

TEST_P(HeartbeatStoreContract, the_end_keeps_the_final_status_and_the_last_beat) {
  start("worker", kFirst);
  ASSERT_TRUE(beat("worker", kFirst, "busy", 0.5));
  advance(1s);
  ASSERT_TRUE(store().finish("worker", kFirst, "completed"));
  const HeartbeatReading read = *reading("worker");
  EXPECT_TRUE(read.record.finished);
  EXPECT_EQ(read.record.status, "completed");
  EXPECT_EQ(read.record.progress, 0.5);
  EXPECT_EQ(read.record.last_beat, read.now - 1s);
}

TEST_P(HeartbeatStoreContract, ending_twice_alike_is_a_success_and_otherwise_not) {
  start("worker", kFirst);
  ASSERT_TRUE(store().finish("worker", kFirst, "completed"));
  EXPECT_TRUE(store().finish("worker", kFirst, "completed"));
  EXPECT_EQ(code_of(store().finish("worker", kFirst, "failed")), ErrorCode::failed_precondition);
  EXPECT_EQ(record("worker").status, "completed");
}

TEST_P(HeartbeatStoreContract, a_finished_incarnation_neither_beats_nor_renews) {
  start("worker", kFirst);
  ASSERT_TRUE(store().finish("worker", kFirst, "completed"));
  advance(1s);
  EXPECT_EQ(code_of(beat("worker", kFirst)), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(store().renew("worker", kFirst)), ErrorCode::failed_precondition);
  const HeartbeatReading read = *reading("worker");
  EXPECT_EQ(read.record.status, "completed");
  EXPECT_EQ(read.record.beats, 0U);
  EXPECT_EQ(read.record.renewed, read.now - 1s);
}

TEST_P(HeartbeatStoreContract, a_finished_agent_can_be_started_again) {
  start("worker", kFirst);
  ASSERT_TRUE(store().finish("worker", kFirst, "completed"));
  start("worker", kSecond);
  EXPECT_FALSE(record("worker").finished);
  EXPECT_TRUE(beat("worker", kSecond));
}

TEST_P(HeartbeatStoreContract, an_older_incarnation_is_in_conflict_and_changes_nothing) {
  start("worker", kFirst);
  start("worker", kSecond);
  advance(1s);
  EXPECT_EQ(code_of(beat("worker", kFirst, "mine", 0.9, "mine")), ErrorCode::conflict);
  EXPECT_EQ(code_of(store().renew("worker", kFirst)), ErrorCode::conflict);
  EXPECT_EQ(code_of(store().finish("worker", kFirst, "mine")), ErrorCode::conflict);
  EXPECT_FALSE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::dead).value());
  const HeartbeatReading read = *reading("worker");
  EXPECT_EQ(read.record.start.incarnation, kSecond);
  EXPECT_EQ(read.record.status, "started");
  EXPECT_EQ(read.record.beats, 0U);
  EXPECT_EQ(read.record.renewed, read.now - 1s);
  EXPECT_EQ(read.record.published, AgentState::alive);
  EXPECT_FALSE(read.record.finished);
}

TEST_P(HeartbeatStoreContract, without_a_record_every_change_is_not_found) {
  EXPECT_EQ(code_of(beat("worker", kFirst)), ErrorCode::not_found);
  EXPECT_EQ(code_of(store().renew("worker", kFirst)), ErrorCode::not_found);
  EXPECT_EQ(code_of(store().finish("worker", kFirst, "completed")), ErrorCode::not_found);
  EXPECT_FALSE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::dead).value());
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(HeartbeatStoreContract, a_listing_is_in_the_byte_order_of_the_ids) {
  const std::string longest(limits::kNameBytesMax, 'm');
  for (const char* id : {"b", "a-long-name", "Z", "a", "a.b", "ab"}) start(id, kFirst);
  start(longest, kFirst);
  EXPECT_THAT(listed(), ElementsAre("Z", "a", "a-long-name", "a.b", "ab", "b", longest));
}

TEST_P(HeartbeatStoreContract, a_listing_holds_what_a_reading_holds) {
  start("one", kFirst);
  start("two", kSecond, 5s);
  ASSERT_TRUE(beat("two", kSecond, "busy", 0.5, "file 3"));
  const HeartbeatListing listing = *store().list();
  ASSERT_EQ(listing.records.size(), 2U);
  const HeartbeatRecord& kept = listing.records[1];
  EXPECT_EQ(kept.start.incarnation, kSecond);
  EXPECT_EQ(kept.start.ttl, 5s);
  EXPECT_EQ(kept.start.process, (ProcessIdentity{4242, 77, "boot-id", 4026531836}));
  EXPECT_EQ(kept.start.metadata.text(), R"({"team":"red"})");
  EXPECT_EQ(kept.status, "busy");
  EXPECT_EQ(kept.progress, 0.5);
  EXPECT_EQ(kept.current_task, "file 3");
  EXPECT_EQ(kept.last_beat, listing.now);
  EXPECT_EQ(listing.records[0].start.incarnation, kFirst);
  EXPECT_EQ(listing.records[0].beats, 0U);
}

TEST_P(HeartbeatStoreContract, publishing_compares_and_sets) {
  start("worker", kFirst);
  EXPECT_FALSE(store().publish_state("worker", kFirst, AgentState::stale, AgentState::dead).value());
  EXPECT_EQ(record("worker").published, AgentState::alive);
  EXPECT_TRUE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::stale).value());
  EXPECT_EQ(record("worker").published, AgentState::stale);
  EXPECT_FALSE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::stale).value());
}

TEST_P(HeartbeatStoreContract, publishing_changes_nothing_else) {
  start("worker", kFirst);
  ASSERT_TRUE(beat("worker", kFirst, "busy", 0.5, "file 3"));
  const HeartbeatRecord before = record("worker");
  advance(1s);
  ASSERT_TRUE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::finished).value());
  const HeartbeatRecord after = record("worker");
  EXPECT_EQ(after.renewed, before.renewed);
  EXPECT_EQ(after.beats, before.beats);
  EXPECT_EQ(after.status, before.status);
  EXPECT_FALSE(after.finished);
}

TEST_P(HeartbeatStoreContract, one_of_many_that_publish_the_same_change_wins) {
  start("worker", kFirst);
  std::atomic<int> winners{0};
  {
    std::vector<std::jthread> publishers;
    for (int i = 0; i < 16; ++i) {
      publishers.emplace_back([&] {
        if (store().publish_state("worker", kFirst, AgentState::alive, AgentState::dead).value()) ++winners;
      });
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_P(HeartbeatStoreContract, one_of_many_that_claim_a_free_id_wins) {
  std::atomic<int> winners{0};
  {
    std::vector<std::jthread> claimants;
    for (std::uint8_t i = 1; i <= 16; ++i) {
      claimants.emplace_back([&, i] {
        if (store().start(start_of("worker", incarnation(i)), kNil)) ++winners;
      });
    }
  }
  EXPECT_EQ(winners, 1);
}

TEST_P(HeartbeatStoreContract, beats_of_many_threads_are_all_counted) {
  start("worker", kFirst);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 100; ++j) ASSERT_TRUE(beat("worker", kFirst));
      });
    }
  }
  EXPECT_EQ(record("worker").beats, 400U);
}

TEST_P(HeartbeatStoreContract, a_start_rings_the_heartbeats_and_the_agent) {
  EXPECT_TRUE(rings(kHeartbeats, [&] { return store().start(start_of("worker", kFirst), std::nullopt); }));
  EXPECT_TRUE(rings(kWorker, [&] { return store().start(start_of("worker", kSecond), std::nullopt); }));
}

TEST_P(HeartbeatStoreContract, a_beat_rings_only_when_the_agent_was_published_as_other_than_alive) {
  start("worker", kFirst);
  for (const Topic& topic : {kHeartbeats, kWorker}) {
    EXPECT_TRUE(is_silent(topic, [&] { return beat("worker", kFirst); }));
  }
  ASSERT_TRUE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::suspect).value());
  EXPECT_TRUE(rings(kHeartbeats, [&] { return beat("worker", kFirst); }));
}

TEST_P(HeartbeatStoreContract, a_renewal_rings_only_when_the_agent_was_published_as_dead) {
  start("worker", kFirst);
  ASSERT_TRUE(store().publish_state("worker", kFirst, AgentState::alive, AgentState::stale).value());
  EXPECT_TRUE(is_silent(kHeartbeats, [&] { return store().renew("worker", kFirst); }));
  ASSERT_TRUE(store().publish_state("worker", kFirst, AgentState::stale, AgentState::dead).value());
  EXPECT_TRUE(rings(kHeartbeats, [&] { return store().renew("worker", kFirst); }));
}

TEST_P(HeartbeatStoreContract, an_end_rings_the_heartbeats_and_the_agent) {
  for (const auto& [topic, id] : {std::pair(kHeartbeats, kFirst), std::pair(kWorker, kSecond)}) {
    start("worker", id);
    EXPECT_TRUE(rings(topic, [&] { return store().finish("worker", id, "completed"); }));
  }
}

INSTANTIATE_TEST_SUITE_P(, HeartbeatStoreContract, ::testing::ValuesIn(all_engines()), name_of_engine);

}  // namespace
}  // namespace aldis::testing
