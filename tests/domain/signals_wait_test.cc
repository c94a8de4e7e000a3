// CoordinationSignals: waiting, and how a wait ends. Time moves only while somebody sleeps.

#include <gmock/gmock.h>

#include <algorithm>

#include "signals_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(SignalsWait, ends_at_once_when_something_is_there) {
  SignalsWorld world;
  const auto sent = world.as("alice").signal("go", "bob");
  auto bob = world.as("bob");
  const nanoseconds took = world.time_of([&] { EXPECT_EQ(delivered(bob.wait_for_signal({"go"}, "alice")), *sent); });
  EXPECT_EQ(took, 0ns);
}

TEST(SignalsWait, is_woken_by_a_signal) {
  SignalsWorld world;
  auto alice = world.as("alice");
  auto bob = world.as("bob");
  world.waker->steps.push_back([&] { ASSERT_TRUE(alice.signal("go", "bob")); });
  const nanoseconds took = world.time_of([&] { EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}))); });
  EXPECT_EQ(took, 0ns) << "the ring ended the sleep";
}

TEST(SignalsWait, is_woken_by_a_broadcast) {
  SignalsWorld world;
  auto alice = world.as("alice");
  auto bob = world.as("bob");
  world.waker->steps.push_back([&] { ASSERT_TRUE(alice.broadcast("go")); });
  const nanoseconds took = world.time_of([&] { EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}))); });
  EXPECT_EQ(took, 0ns);
}

TEST(SignalsWait, needs_no_ring_from_a_killed_sender) {
  SignalsWorld world;
  auto alice = world.as("alice");
  auto bob = world.as("bob");
  world.rings = false;
  world.waker->steps.push_back([&] { ASSERT_TRUE(alice.signal("go", "bob")); });
  const nanoseconds took = world.time_of([&] { EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}))); });
  EXPECT_LE(took, 1s) << "one recheck interval";
}

TEST(SignalsWait, sleeps_until_it_is_rung_or_its_time_is_over) {
  SignalsWorld world;
  auto bob = world.as("bob");
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({}, {}, 10min)));
  EXPECT_THAT(world.memory_waker->sleeps(), ElementsAre(nanoseconds{10min})) << "lost rings are the waker's business";
}

TEST(SignalsWait, that_lasts_for_months_looks_once_a_day_so_that_its_agent_is_not_forgotten) {
  SignalsWorld world;
  auto bob = world.as("bob");
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({}, {}, 24h * 90)));
  EXPECT_THAT(world.memory_waker->sleeps(), AllOf(SizeIs(90), Each(limits::kQuietMax)));
}

TEST(SignalsWait, looks_again_by_itself_while_a_process_holds_something) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob", {}, 1h));
  const ProcessIdentity taker = world.table->spawn(100);
  ASSERT_TRUE(is<Delivered>(world.as("bob", taker).check_signal({}, {}, reserving(1h))));
  auto bob = world.as("bob");
  for (int i = 0; i < 3; ++i) world.waker->steps.emplace_back([] {});
  world.waker->steps.push_back([&] { world.table->set(taker, ProcessEvidence::gone); });
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}))); }), 4s);
}

TEST(SignalsWait, goes_on_when_what_woke_it_was_for_another_filter) {
  SignalsWorld world;
  auto alice = world.as("alice");
  auto bob = world.as("bob");
  world.waker->steps.push_back([&] { ASSERT_TRUE(alice.signal("other", "bob")); });
  world.waker->steps.push_back([&] { ASSERT_TRUE(alice.signal("go", "bob")); });
  EXPECT_EQ(delivered(bob.wait_for_signal({"go"})).signal_type, "go");
}

TEST(SignalsWait, times_out_exactly_then) {
  SignalsWorld world;
  auto bob = world.as("bob");
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"go"}, {}, 2500ms))); }), 2500ms);
}

TEST(SignalsWait, of_no_time_checks_once) {
  SignalsWorld world;
  auto bob = world.as("bob");
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"go"}, {}, 0s))); }), 0ns);
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}, {}, 0s)));
}

TEST(SignalsWait, of_all_time_does_not_overflow) {
  SignalsWorld world;
  auto bob = world.as("bob");
  world.waker->steps.push_back([&] { ASSERT_TRUE(world.as("alice").signal("go", "bob")); });
  EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}, {}, nanoseconds::max())));
}

TEST(SignalsWait, tells_of_an_expiry_once) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob", {}, 1s));
  world.clock->advance(2s);
  auto bob = world.as("bob");
  EXPECT_TRUE(is<Expired>(bob.wait_for_signal({"go"}, {}, 10s)));
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"go"}, {}, 10s)));
}

TEST(SignalsWait, tells_of_an_expiry_only_where_its_filter_matches) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob", {}, 1s));
  world.clock->advance(2s);
  auto bob = world.as("bob");
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"stop"}, {}, 10s)));
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"go"}, "carol", 10s)));
  EXPECT_TRUE(is<Expired>(bob.wait_for_signal({"go"}, "alice", 10s)));
}

TEST(SignalsWait, wakes_for_the_lapse_of_a_reservation) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  ASSERT_TRUE(is<Delivered>(world.as("bob", world.table->spawn(100)).check_signal({}, {}, reserving(2500ms))));
  auto bob = world.as("bob");
  CoordinationSignal signal;
  EXPECT_EQ(world.time_of([&] { signal = delivered(bob.wait_for_signal({"go"})); }), 2500ms);
  EXPECT_EQ(signal.attempt, 2u);
}

TEST(SignalsWait, wakes_for_the_expiry_of_what_another_process_reserved) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob", {}, 2500ms));
  ASSERT_TRUE(is<Delivered>(world.as("bob", world.table->spawn(100)).check_signal({}, {}, reserving(1h))));
  auto bob = world.as("bob");
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<Expired>(bob.wait_for_signal({"go"}))); }), 2500ms);
}

TEST(SignalsWait, that_was_cancelled_before_takes_nothing) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  auto bob = world.as("bob");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(is<Cancelled>(bob.wait_for_signal({"go"}, {}, 10s, {}, stop.get_token())));
  EXPECT_TRUE(is<Delivered>(bob.check_signal({})));
}

TEST(SignalsWait, is_cancelled_in_its_sleep) {
  SignalsWorld world;
  auto bob = world.as("bob");
  std::stop_source stop;
  world.waker->steps.push_back([&] { stop.request_stop(); });
  const nanoseconds took =
      world.time_of([&] { EXPECT_TRUE(is<Cancelled>(bob.wait_for_signal({"go"}, {}, 10s, {}, stop.get_token()))); });
  EXPECT_EQ(took, 0ns);
}

TEST(SignalsWait, that_only_looks_takes_nothing) {
  SignalsWorld world;
  auto bob = world.as("bob");
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}, {}, 10s, looking())));
  EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}, {}, 10s)));
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"go"}, {}, 10s)));
}

TEST(SignalsWait, under_one_name_is_answered_with_the_same_signal_again) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  auto bob = world.as("bob");
  TakeOptions named;
  named.take_id = "take-1";
  const CoordinationSignal first = delivered(bob.wait_for_signal({"go"}, {}, 10s, named));
  EXPECT_EQ(delivered(bob.wait_for_signal({"go"}, {}, 10s, named)), first);
  EXPECT_NE(delivered(bob.wait_for_signal({"go"}, {}, 10s)).signal_id, first.signal_id);
}

// --- SourceGone ---

class SourceGoneTest : public ::testing::Test {
 protected:
  Result<WaitOutcome> wait(nanoseconds timeout = 10s) { return bob.wait_for_signal({"go"}, "alice", timeout); }
  std::string evidence(const Result<WaitOutcome>& outcome) {
    if (!is<SourceGone>(outcome)) return "not gone";
    EXPECT_EQ(std::get<SourceGone>(*outcome).source_agent, "alice");
    return std::get<SourceGone>(*outcome).evidence;
  }

  SignalsWorld world;
  const ProcessIdentity process = world.table->spawn(100);
  CoordinationSignals alice = world.as("alice", process);
  CoordinationSignals bob = world.as("bob");
};

TEST_F(SourceGoneTest, a_source_that_never_sent_a_heartbeat_is_simply_waited_for) {
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<TimedOut>(wait()));
}

TEST_F(SourceGoneTest, a_living_source_is_waited_for) {
  world.start_heartbeat("alice", process);
  EXPECT_TRUE(is<TimedOut>(wait(2min))) << "its process is there, however old its lease";
}

TEST_F(SourceGoneTest, a_source_whose_process_is_gone_is_gone) {
  world.start_heartbeat("alice", process);
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_THAT(evidence(wait()), HasSubstr("100"));
}

TEST_F(SourceGoneTest, so_is_one_that_is_a_zombie) {
  world.start_heartbeat("alice", process);
  world.table->set(process, ProcessEvidence::zombie);
  EXPECT_TRUE(is<SourceGone>(wait()));
}

TEST_F(SourceGoneTest, so_is_one_that_finished) {
  const Id128 incarnation = world.start_heartbeat("alice", process);
  ASSERT_TRUE(world.heartbeats->finish("alice", incarnation, "completed"));
  EXPECT_THAT(evidence(wait()), HasSubstr("completed"));
}

TEST_F(SourceGoneTest, a_source_without_a_process_is_gone_when_its_lease_lapses_and_not_later) {
  world.start_heartbeat("alice", std::nullopt, 2500ms);
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<SourceGone>(wait())); }), 2500ms);
}

TEST_F(SourceGoneTest, so_is_one_whose_process_is_hidden) {
  world.table->set(process, ProcessEvidence::unknown);
  world.start_heartbeat("alice", process, 2500ms);
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<SourceGone>(wait())); }), 2500ms);
}

TEST_F(SourceGoneTest, a_death_during_the_wait_shows_within_a_recheck_interval) {
  world.start_heartbeat("alice", process);
  world.waker->steps.push_back([&] { world.table->set(process, ProcessEvidence::gone); });
  EXPECT_LE(world.time_of([&] { EXPECT_TRUE(is<SourceGone>(wait())); }), 1s);
}

TEST_F(SourceGoneTest, a_source_that_begins_during_the_wait_is_followed_from_then_on) {
  world.waker->steps.push_back([&] { world.start_heartbeat("alice", std::nullopt, 2500ms); });
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<SourceGone>(wait())); }), 2500ms);
}

TEST_F(SourceGoneTest, an_end_during_the_wait_shows_at_once) {
  const Id128 incarnation = world.start_heartbeat("alice", process);
  world.waker->steps.push_back([&] { ASSERT_TRUE(world.heartbeats->finish("alice", incarnation, "completed")); });
  EXPECT_EQ(world.time_of([&] { EXPECT_TRUE(is<SourceGone>(wait())); }), 0ns);
}

TEST_F(SourceGoneTest, it_shows_even_when_there_is_no_time_to_wait) {
  world.start_heartbeat("alice", process);
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<SourceGone>(wait(0s)));
}

TEST_F(SourceGoneTest, only_the_newest_incarnation_counts) {
  world.start_heartbeat("alice", process);
  world.table->set(process, ProcessEvidence::gone);
  world.start_heartbeat("alice", world.table->spawn(101));
  EXPECT_TRUE(is<TimedOut>(wait()));
}

TEST_F(SourceGoneTest, a_wait_for_anybody_does_not_end_with_one_of_them) {
  world.start_heartbeat("alice", process);
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<TimedOut>(bob.wait_for_signal({"go"})));
}

TEST_F(SourceGoneTest, what_it_sent_before_comes_first) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(alice.broadcast("go"));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<Delivered>(wait()));
  EXPECT_TRUE(is<Delivered>(wait()));
  EXPECT_TRUE(is<SourceGone>(wait()));
}

TEST_F(SourceGoneTest, so_does_the_notice_of_what_expired) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1s));
  world.clock->advance(1s);
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<Expired>(wait()));
  EXPECT_TRUE(is<SourceGone>(wait()));
}

TEST_F(SourceGoneTest, what_it_sent_between_our_look_and_its_death_is_not_missed) {
  world.start_heartbeat("alice", process);
  world.self_table->on_examine = [&] {
    ASSERT_TRUE(alice.signal("go", "bob"));
    world.table->set(process, ProcessEvidence::gone);
  };
  EXPECT_TRUE(is<Delivered>(wait()));
  EXPECT_TRUE(is<SourceGone>(wait()));
}

TEST_F(SourceGoneTest, what_does_not_match_does_not_keep_it) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("other", "bob"));
  ASSERT_TRUE(world.as("carol").signal("go", "bob"));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<SourceGone>(wait()));
}

TEST_F(SourceGoneTest, what_a_living_process_reserved_is_waited_for_until_it_is_acknowledged) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("go", "bob"));
  auto twin = world.as("bob", world.table->spawn(200));
  const CoordinationSignal reserved = delivered(twin.check_signal({}, {}, reserving(1h)));
  world.table->set(process, ProcessEvidence::gone);
  world.waker->steps.push_back([] {});
  world.waker->steps.push_back([&] { ASSERT_TRUE(twin.acknowledge(reserved.signal_id)); });
  EXPECT_TRUE(is<SourceGone>(wait()));
  EXPECT_TRUE(world.waker->steps.empty()) << "it waited for the acknowledgement";
}

TEST_F(SourceGoneTest, so_is_what_somebody_reserved_whose_process_nobody_knows) {
  const Id128 incarnation = world.start_heartbeat("alice", std::nullopt);
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1h));
  TakeOptions options = reserving(1h);
  options.holder.kind = ProcessBinding::Kind::none;
  auto twin = world.as("bob");
  const CoordinationSignal reserved = delivered(twin.check_signal({}, {}, options));
  ASSERT_TRUE(world.heartbeats->finish("alice", incarnation, "completed"));
  world.waker->steps.push_back([&] { ASSERT_TRUE(twin.acknowledge(reserved.signal_id)); });
  EXPECT_LE(world.time_of([&] { EXPECT_TRUE(is<SourceGone>(wait())); }), 1s);
}

TEST_F(SourceGoneTest, what_a_living_process_reserved_may_come_back) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(is<Delivered>(world.as("bob", world.table->spawn(200)).check_signal({}, {}, reserving(5s))));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_EQ(delivered(wait()).attempt, 2u);
  EXPECT_TRUE(is<SourceGone>(wait()));
}

TEST_F(SourceGoneTest, what_is_reserved_for_good_long_is_waited_for_until_the_timeout) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1h));
  ASSERT_TRUE(is<Delivered>(world.as("bob", world.table->spawn(200)).check_signal({}, {}, reserving(1h))));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<TimedOut>(wait()));
}

TEST_F(SourceGoneTest, what_a_dead_process_reserved_comes_back_first) {
  world.start_heartbeat("alice", process);
  ASSERT_TRUE(alice.signal("go", "bob"));
  const ProcessIdentity taker = world.table->spawn(200);
  ASSERT_TRUE(is<Delivered>(world.as("bob", taker).check_signal({}, {}, reserving(1h))));
  world.table->set(process, ProcessEvidence::gone);
  world.table->set(taker, ProcessEvidence::gone);
  EXPECT_EQ(delivered(wait()).attempt, 2u);
  EXPECT_TRUE(is<SourceGone>(wait()));
}

}  // namespace
}  // namespace aldis::testing
