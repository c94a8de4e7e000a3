// CoordinationSignals: reserving and acknowledging, what dead takers held, receipts.

#include <gmock/gmock.h>

#include "signals_world.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SignalsReserve : public ::testing::Test {
 protected:
  SignalsWorld world;
  const ProcessIdentity process = world.table->spawn(100);
  CoordinationSignals alice = world.as("alice");
  CoordinationSignals bob = world.as("bob");
  CoordinationSignals other_bob = world.as("bob", process);  // the same agent in another process
};

TEST_F(SignalsReserve, without_it_a_take_is_at_most_once) {
  ASSERT_TRUE(alice.signal("go", "bob"));
  EXPECT_TRUE(is<Delivered>(other_bob.check_signal({})));
  world.table->set(process, ProcessEvidence::gone);
  world.clock->advance(10s);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({}))) << "a reader killed after taking has it";
}

TEST_F(SignalsReserve, an_acknowledged_signal_is_done) {
  const auto sent = alice.signal("go", "bob");
  EXPECT_EQ(delivered(bob.check_signal({}, {}, reserving(5s))).attempt, 1u);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({}))) << "nobody else holds it meanwhile";
  ASSERT_TRUE(bob.acknowledge(sent->signal_id));
  EXPECT_TRUE(bob.acknowledge(sent->signal_id)) << "twice is a success";
  world.clock->advance(5s);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({})));
}

TEST_F(SignalsReserve, what_is_not_acknowledged_in_time_goes_back_to_its_place) {
  const auto first = alice.signal("go", "bob");
  const auto second = alice.signal("go", "bob");
  EXPECT_EQ(delivered(bob.check_signal({}, {}, reserving(5s))).signal_id, first->signal_id);
  world.clock->advance(5s);
  const CoordinationSignal again = delivered(bob.check_signal({}, {}, reserving(5s)));
  EXPECT_EQ(again.signal_id, first->signal_id);
  EXPECT_EQ(again.attempt, 2u);
  EXPECT_EQ(delivered(bob.check_signal({})).signal_id, second->signal_id);
}

TEST_F(SignalsReserve, its_ttl_still_runs) {
  const auto sent = alice.signal("go", "bob", {}, 3s);
  ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(1h))));
  world.clock->advance(3s);
  EXPECT_EQ(code_of(bob.acknowledge(sent->signal_id)), ErrorCode::failed_precondition);
  EXPECT_TRUE(is<Expired>(bob.check_signal({})));
}

TEST_F(SignalsReserve, a_late_acknowledgement_counts_if_nobody_retook_it) {
  const auto sent = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(5s))));
  world.clock->advance(10s);
  EXPECT_TRUE(bob.acknowledge(sent->signal_id));
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({})));
}

TEST_F(SignalsReserve, a_late_acknowledgement_is_a_conflict_when_another_process_retook_it) {
  const auto sent = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(5s))));
  world.clock->advance(5s);
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(5s))));
  EXPECT_EQ(code_of(bob.acknowledge(sent->signal_id)), ErrorCode::conflict);
  EXPECT_EQ(code_of(bob.acknowledge(sent->signal_id)), ErrorCode::conflict) << "asking again does not make it true";
  EXPECT_TRUE(other_bob.acknowledge(sent->signal_id));
}

TEST_F(SignalsReserve, whoever_retook_it_itself_may_acknowledge_it) {
  const auto sent = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(bob.wait_for_signal({}, {}, 0s, reserving(5s))));
  world.clock->advance(5s);
  ASSERT_TRUE(is<Delivered>(bob.wait_for_signal({}, {}, 0s, reserving(5s))));
  EXPECT_TRUE(bob.acknowledge(sent->signal_id));
}

TEST_F(SignalsReserve, a_process_that_was_not_there_at_the_take_acknowledges_for_its_agent) {
  const auto sent = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(5s))));
  EXPECT_TRUE(bob.acknowledge(sent->signal_id));
  EXPECT_EQ(alice.receipt(sent->signal_id)->state, ReceiptState::delivered);
}

TEST_F(SignalsReserve, only_who_holds_it_can_acknowledge_it) {
  const auto sent = alice.signal("go", "bob");
  EXPECT_EQ(code_of(bob.acknowledge(sent->signal_id)), ErrorCode::failed_precondition) << "it was never reserved";
  ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(5s))));
  EXPECT_EQ(code_of(alice.acknowledge(sent->signal_id)), ErrorCode::failed_precondition);
}

// --- what dead takers held ---

TEST_F(SignalsReserve, the_next_caller_has_what_a_dead_process_held) {
  const auto sent = alice.signal("go", "bob", {}, 1h);
  for (const auto evidence : {ProcessEvidence::gone, ProcessEvidence::zombie}) {
    const ProcessIdentity taker = world.table->spawn(200);
    ASSERT_TRUE(is<Delivered>(world.as("bob", taker).check_signal({}, {}, reserving(1h))));
    EXPECT_TRUE(is<NothingYet>(bob.check_signal({}))) << "it lives";
    world.table->set(taker, evidence);
    EXPECT_EQ(delivered(bob.check_signal({}, {}, looking())).signal_id, sent->signal_id);
  }
  EXPECT_EQ(delivered(bob.check_signal({})).attempt, 3u);
}

TEST_F(SignalsReserve, where_nothing_is_known_of_the_holder_only_time_counts) {
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1h));
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(5min))));
  world.table->set(process, ProcessEvidence::unknown);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({})));
  world.clock->advance(5min);
  EXPECT_TRUE(is<Delivered>(bob.check_signal({})));
}

TEST_F(SignalsReserve, a_waiter_notices_a_death_within_a_recheck_interval) {
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1h));
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  world.waker->steps.push_back([&] { world.table->set(process, ProcessEvidence::gone); });
  EXPECT_LE(world.time_of([&] { EXPECT_TRUE(is<Delivered>(bob.wait_for_signal({"go"}))); }), 1s);
}

TEST_F(SignalsReserve, everything_a_dead_process_held_comes_back_in_order) {
  std::vector<std::string> sent;
  for (int i = 0; i < 5; ++i) sent.push_back(alice.signal("go", "bob")->signal_id);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  world.table->set(process, ProcessEvidence::gone);
  for (const std::string& id : sent) EXPECT_EQ(delivered(bob.check_signal({})).signal_id, id);
}

TEST_F(SignalsReserve, what_a_dead_process_held_comes_back_to_its_original_place) {
  const auto first = alice.signal("go", "bob");
  const auto second = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_EQ(bob.get_pending_signals()->size(), 2u);
  EXPECT_EQ(delivered(bob.check_signal({})).signal_id, first->signal_id) << "before the second, which was never taken";
  EXPECT_EQ(delivered(bob.check_signal({})).signal_id, second->signal_id);
}

TEST_F(SignalsReserve, what_a_living_process_holds_is_passed_over) {
  ASSERT_TRUE(alice.signal("go", "bob"));
  const auto second = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  EXPECT_EQ(delivered(bob.check_signal({})).signal_id, second->signal_id);
}

TEST_F(SignalsReserve, what_a_dead_process_held_comes_before_an_expiry_notice_and_before_broadcasts) {
  ASSERT_TRUE(alice.signal("go", "bob", {}, 1s));
  ASSERT_TRUE(alice.broadcast("go", {}, 1h));
  const auto held = alice.signal("go", "bob", {}, 1h);
  world.clock->advance(1s);
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  world.table->set(process, ProcessEvidence::zombie);
  EXPECT_EQ(delivered(bob.check_signal({})).signal_id, held->signal_id);
  EXPECT_TRUE(is<Delivered>(bob.check_signal({})));
  EXPECT_TRUE(is<Expired>(bob.check_signal({})));
}

TEST_F(SignalsReserve, what_a_dead_process_held_is_pending_and_can_be_cleared) {
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  EXPECT_THAT(*bob.get_pending_signals(), SizeIs(0));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_THAT(*bob.get_pending_signals("go"), SizeIs(1));
  EXPECT_EQ(bob.clear_signals(), 1u);
}

TEST_F(SignalsReserve, a_look_for_another_type_leaves_them_reserved) {
  const auto sent = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  world.table->set(process, ProcessEvidence::gone);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({"stop"})));
  EXPECT_EQ(alice.receipt(sent->signal_id)->state, ReceiptState::reserved);
}

TEST_F(SignalsReserve, a_check_examines_each_process_once_and_itself_never) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(alice.signal("go", "bob"));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(1h))));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(is<Delivered>(other_bob.check_signal({}, {}, reserving(1h))));
  const int before = world.table->examinations();
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({})));
  EXPECT_EQ(world.table->examinations() - before, 1);
}

// --- receipts ---

TEST_F(SignalsReserve, a_receipt_follows_a_signal_and_anyone_may_ask) {
  const auto sent = alice.signal("go", "bob");
  auto carol = world.as("carol");
  EXPECT_EQ(carol.receipt(sent->signal_id)->state, ReceiptState::pending);
  ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(5s))));
  EXPECT_EQ(carol.receipt(sent->signal_id)->state, ReceiptState::reserved);
  ASSERT_TRUE(bob.acknowledge(sent->signal_id));
  const auto receipt = carol.receipt(sent->signal_id);
  EXPECT_EQ(receipt->state, ReceiptState::delivered);
  EXPECT_EQ(receipt->delivered_to, "bob");
  EXPECT_EQ(receipt->delivered_at, world.clock->wall_now());
}

TEST_F(SignalsReserve, a_receipt_tells_expired_from_cleared) {
  const auto expiring = alice.signal("go", "bob", {}, 1s);
  const auto cleared = alice.signal("go", "bob", {}, 1h);
  world.clock->advance(1s);
  EXPECT_EQ(bob.clear_signals(), 1u);
  EXPECT_EQ(alice.receipt(expiring->signal_id)->state, ReceiptState::expired);
  EXPECT_EQ(alice.receipt(cleared->signal_id)->state, ReceiptState::cleared);
}

TEST_F(SignalsReserve, the_receipt_of_a_broadcast_names_its_readers) {
  const auto sent = alice.broadcast("go");
  ASSERT_TRUE(is<Delivered>(bob.check_signal({})));
  ASSERT_TRUE(is<Delivered>(world.as("carol").check_signal({})));
  const auto receipt = alice.receipt(sent->signal_id);
  EXPECT_TRUE(receipt->broadcast);
  EXPECT_EQ(receipt->readers_total, 2u);
  ASSERT_THAT(receipt->readers, SizeIs(2));
  EXPECT_EQ(receipt->readers[0].agent_id, "bob");
  EXPECT_EQ(receipt->readers[1].agent_id, "carol");
}

TEST_F(SignalsReserve, a_receipt_is_kept_for_24_hours) {
  const auto sent = alice.signal("go", "bob");
  ASSERT_TRUE(is<Delivered>(bob.check_signal({})));
  world.clock->advance(24h - 1s);
  EXPECT_TRUE(alice.receipt(sent->signal_id));
  world.clock->advance(2s);
  EXPECT_EQ(code_of(alice.receipt(sent->signal_id)), ErrorCode::not_found);
}

TEST_F(SignalsReserve, waiting_for_a_receipt_ends_when_it_is_final) {
  const auto sent = alice.signal("go", "bob");
  world.waker->steps.push_back([&] { ASSERT_TRUE(is<Delivered>(bob.check_signal({}, {}, reserving(1h)))); });
  world.waker->steps.push_back([&] { ASSERT_TRUE(bob.acknowledge(sent->signal_id)); });
  EXPECT_EQ(alice.wait_for_receipt(sent->signal_id, 10s)->state, ReceiptState::delivered);
  EXPECT_TRUE(world.waker->steps.empty()) << "a reservation is not final";
}

TEST_F(SignalsReserve, waiting_for_a_receipt_ends_with_expiry_and_with_clearing) {
  const auto expiring = alice.signal("go", "bob", {}, 3s);
  EXPECT_EQ(alice.wait_for_receipt(expiring->signal_id, 10s)->state, ReceiptState::expired);
  EXPECT_THAT(world.memory_waker->sleeps(), ElementsAre(nanoseconds{3s})) << "nobody rings for an expiry";
  const auto sent = alice.signal("go", "bob", {}, 1h);
  world.waker->steps.push_back([&] { EXPECT_EQ(bob.clear_signals(), 1u); });
  EXPECT_EQ(alice.wait_for_receipt(sent->signal_id, 10s)->state, ReceiptState::cleared);
}

TEST_F(SignalsReserve, waiting_for_the_receipt_of_a_broadcast_ends_with_its_first_reader) {
  const auto sent = alice.broadcast("go");
  world.waker->steps.push_back([&] { ASSERT_TRUE(is<Delivered>(bob.check_signal({}))); });
  EXPECT_EQ(alice.wait_for_receipt(sent->signal_id, 10s)->readers_total, 1u);
}

TEST_F(SignalsReserve, waiting_for_a_receipt_in_vain_is_deadline_exceeded_and_says_how_it_stands) {
  const auto sent = alice.signal("go", "bob");
  Result<Receipt> receipt;
  EXPECT_EQ(world.time_of([&] { receipt = alice.wait_for_receipt(sent->signal_id, 2500ms); }), 2500ms);
  EXPECT_EQ(code_of(receipt), ErrorCode::deadline_exceeded);
  EXPECT_THAT(receipt.error().message, HasSubstr("pending"));
}

TEST_F(SignalsReserve, waiting_for_a_receipt_can_be_stopped) {
  const auto sent = alice.signal("go", "bob");
  std::stop_source stop;
  world.waker->steps.push_back([&] { stop.request_stop(); });
  Result<Receipt> receipt;
  const nanoseconds took =
      world.time_of([&] { receipt = alice.wait_for_receipt(sent->signal_id, 1h, stop.get_token()); });
  EXPECT_EQ(took, 0ns);
  EXPECT_EQ(code_of(receipt), ErrorCode::deadline_exceeded);
}

TEST(ReceiptState, is_spelled_as_in_the_contract) {
  EXPECT_EQ(to_string(ReceiptState::pending), "pending");
  EXPECT_EQ(to_string(ReceiptState::reserved), "reserved");
  EXPECT_EQ(to_string(ReceiptState::delivered), "delivered");
  EXPECT_EQ(to_string(ReceiptState::expired), "expired");
  EXPECT_EQ(to_string(ReceiptState::cleared), "cleared");
}

}  // namespace
}  // namespace aldis::testing
