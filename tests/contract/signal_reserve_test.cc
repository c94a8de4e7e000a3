// Reserving, acknowledging and handing back: the sentences of ports/signal_store.h about them, on every engine.

#include <gmock/gmock.h>

#include "contract/signal_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SignalReserveContract : public SignalContract {
 protected:
  static Reservation reservation_of(const Id128& id, std::uint32_t attempt = 1,
                                    const ProcessIdentity& holder = kProcess) {
    return {id, attempt, holder};
  }
  std::uint64_t hand_back(const Reservation& reservation) { return store().hand_back("ann", {reservation}).value(); }
};

TEST_P(SignalReserveContract, a_reserved_signal_is_nobody_elses_until_it_lapses) {
  const Id128 id = send("ann");
  EXPECT_EQ(reserved("ann"), id);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_THAT(pending("ann"), IsEmpty());
  EXPECT_EQ(clear("ann"), 0U);
  advance(10s - 1ns);
  EXPECT_TRUE(nothing("ann"));
  advance(1ns);
  EXPECT_EQ(taken("ann"), id);
}

TEST_P(SignalReserveContract, a_lapsed_reservation_returns_to_its_original_place) {
  const Id128 first = send("ann");
  const Id128 second = send("ann");
  const Id128 third = send("ann", "other");
  EXPECT_EQ(reserved("ann"), first);
  EXPECT_THAT(pending("ann"), ElementsAre(second, third));
  advance(10s);
  EXPECT_THAT(pending("ann"), ElementsAre(first, second, third));
  EXPECT_EQ(taken("ann"), first);
}

TEST_P(SignalReserveContract, attempt_counts_how_often_it_was_taken) {
  send("ann");
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 1s}).attempt, 1U);
  advance(1s);
  EXPECT_EQ(taken_signal("ann", {.consume = false}).attempt, 2U);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 1s}).attempt, 2U);
  advance(1s);
  EXPECT_EQ(taken_signal("ann").attempt, 3U);
}

TEST_P(SignalReserveContract, an_acknowledged_signal_is_delivered_for_good) {
  const Id128 id = send("ann");
  reserved("ann");
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_EQ(state(id), ReceiptState::delivered);
  advance(1h);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalReserveContract, acknowledging_twice_is_a_success) {
  const Id128 id = send("ann");
  reserved("ann");
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  advance(1h);
  EXPECT_EQ(acknowledge("ann", id), "ok");
}

TEST_P(SignalReserveContract, acknowledging_an_unknown_signal_is_not_found) {
  EXPECT_EQ(acknowledge("ann", next_id("ann")), "not_found");
}

TEST_P(SignalReserveContract, acknowledging_what_was_never_reserved_is_a_failed_precondition) {
  const Id128 waiting = send("ann");
  EXPECT_EQ(acknowledge("ann", waiting), "failed_precondition");
  EXPECT_EQ(state(waiting), ReceiptState::pending);
  const Id128 taken_for_good = taken("ann");
  EXPECT_EQ(acknowledge("ann", taken_for_good), "failed_precondition");
}

TEST_P(SignalReserveContract, acknowledging_what_another_agent_reserved_is_a_failed_precondition) {
  const Id128 id = send("ann");
  reserved("ann");
  EXPECT_EQ(acknowledge("bob", id), "failed_precondition");
  EXPECT_EQ(state(id), ReceiptState::reserved);
}

TEST_P(SignalReserveContract, acknowledging_what_was_cleared_is_a_failed_precondition) {
  const Id128 id = send("ann");
  reserved("ann");
  advance(10s);
  EXPECT_EQ(clear("ann"), 1U);
  EXPECT_EQ(acknowledge("ann", id, 1), "failed_precondition");
}

TEST_P(SignalReserveContract, acknowledging_after_the_lapse_succeeds_if_nobody_retook_it) {
  const Id128 id = send("ann");
  reserved("ann");
  advance(20s);
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_EQ(state(id), ReceiptState::delivered);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalReserveContract, acknowledging_after_somebody_retook_it_is_a_conflict) {
  const Id128 id = send("ann");
  reserved("ann");
  advance(10s);
  EXPECT_EQ(reserved("ann"), id);
  EXPECT_EQ(acknowledge("ann", id, 1), "conflict");
  EXPECT_EQ(state(id), ReceiptState::reserved);
  EXPECT_EQ(acknowledge("ann", id, 2), "ok");
  EXPECT_EQ(acknowledge("ann", id, 1), "conflict");
}

TEST_P(SignalReserveContract, acknowledging_after_somebody_took_it_for_good_is_a_conflict) {
  const Id128 id = send("ann");
  reserved("ann");
  advance(10s);
  EXPECT_EQ(taken("ann"), id);
  EXPECT_EQ(acknowledge("ann", id, 1), "conflict");
  EXPECT_EQ(acknowledge("ann", id), "conflict");
}

TEST_P(SignalReserveContract, without_an_attempt_the_newest_reservation_is_meant) {
  const Id128 id = send("ann");
  reserved("ann");
  advance(10s);
  reserved("ann");
  EXPECT_EQ(acknowledge("ann", id), "ok");
}

TEST_P(SignalReserveContract, the_time_to_live_runs_on_while_a_signal_is_held) {
  const Id128 id = send("ann", "task", {.ttl = 5s});
  reserved("ann");
  advance(5s);
  EXPECT_EQ(state(id), ReceiptState::expired);
  EXPECT_EQ(acknowledge("ann", id, 1), "failed_precondition");
  EXPECT_EQ(expired("ann"), id);
}

TEST_P(SignalReserveContract, nothing_taken_names_the_reservations_that_match_oldest_first) {
  const Id128 first = send("ann");
  const Id128 second = send("ann", "other");
  const Id128 unnamed = send("ann");
  reserved("ann", {.types = {"other"}, .holder = kProcess});
  reserved("ann", {.holder = kProcess});
  EXPECT_EQ(reserved("ann"), unnamed);
  EXPECT_THAT(nothing_taken("ann").reserved, ElementsAre(reservation_of(first), reservation_of(second)));
  EXPECT_THAT(nothing_taken("ann", {.types = {"task"}}).reserved, ElementsAre(reservation_of(first)));
  EXPECT_THAT(nothing_taken("ann", {.source = "nobody"}).reserved, IsEmpty());
}

TEST_P(SignalReserveContract, nothing_taken_says_when_a_reservation_lapses_or_its_signal_expires) {
  send("ann", "task", {.ttl = 60s});
  reserved("ann", {.acknowledge_within = 10s});
  const NothingTaken lapse = nothing_taken("ann");
  EXPECT_EQ(lapse.next_due, lapse.now + 10s);
  send("ann", "soon", {.ttl = 5s});
  reserved("ann", {.acknowledge_within = 20s});
  const NothingTaken expiry = nothing_taken("ann");
  EXPECT_EQ(expiry.next_due, expiry.now + 5s);
  EXPECT_EQ(nothing_taken("ann", {.types = {"task"}}).next_due, expiry.now + 10s);
  EXPECT_EQ(nothing_taken("ann", {.types = {"none"}}).next_due, std::nullopt);
}

TEST_P(SignalReserveContract, a_reservation_that_is_handed_back_returns_to_its_original_place) {
  const Id128 first = send("ann");
  const Id128 second = send("ann");
  reserved("ann", {.holder = kProcess});
  EXPECT_EQ(hand_back(reservation_of(first)), 1U);
  EXPECT_EQ(state(first), ReceiptState::pending);
  EXPECT_THAT(pending("ann"), ElementsAre(first, second));
  EXPECT_EQ(taken_signal("ann").attempt, 2U);
}

TEST_P(SignalReserveContract, a_hand_back_that_is_not_as_given_does_nothing) {
  const Id128 id = send("ann");
  reserved("ann", {.holder = kProcess});
  ProcessIdentity other = kProcess;
  other.start_time_ticks += 1;
  EXPECT_EQ(hand_back(reservation_of(id, 2)), 0U);
  EXPECT_EQ(hand_back(reservation_of(id, 1, other)), 0U);
  EXPECT_EQ(hand_back(reservation_of(next_id("ann"))), 0U);
  EXPECT_EQ(store().hand_back("bob", {reservation_of(id)}).value(), 0U);
  EXPECT_EQ(state(id), ReceiptState::reserved);
}

TEST_P(SignalReserveContract, a_lapsed_or_final_reservation_cannot_be_handed_back) {
  const Id128 lapsed = send("ann");
  reserved("ann", {.holder = kProcess});
  advance(10s);
  EXPECT_EQ(hand_back(reservation_of(lapsed)), 0U);
  EXPECT_EQ(reserved("ann", {.holder = kProcess}), lapsed);
  EXPECT_EQ(acknowledge("ann", lapsed, 2), "ok");
  EXPECT_EQ(hand_back(reservation_of(lapsed, 2)), 0U);
}

TEST_P(SignalReserveContract, a_filter_that_found_nothing_sees_what_was_handed_back) {
  const Id128 id = send("ann");
  reserved("ann", {.holder = kProcess});
  EXPECT_TRUE(nothing("ann", {.types = {"task"}}));
  hand_back(reservation_of(id));
  EXPECT_EQ(taken("ann", {.types = {"task"}}), id);
}

TEST_P(SignalReserveContract, a_repeated_take_id_returns_the_same_reservation) {
  const Id128 id = send("ann");
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), id);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 10s, .take_id = "one"}).attempt, 1U);
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
}

TEST_P(SignalReserveContract, a_repeated_take_id_makes_its_process_the_holder) {
  const Id128 id = send("ann");
  reserved("ann", {.take_id = "one", .holder = kProcess});
  advance(4s);
  EXPECT_EQ(reserved("ann", {.take_id = "one", .holder = kOtherProcess}), id);
  EXPECT_THAT(nothing_taken("ann").reserved, ElementsAre(reservation_of(id, 1, kOtherProcess)));
  advance(6s);
  EXPECT_EQ(state(id), ReceiptState::pending) << "it ends when it would have ended";
}

TEST_P(SignalReserveContract, a_repeated_take_id_renews_a_reservation_that_lapsed) {
  const Id128 id = send("ann");
  reserved("ann", {.take_id = "one", .holder = kProcess});
  advance(10s);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 10s, .take_id = "one"}).attempt, 1U);
  advance(10s - 1ns);
  EXPECT_EQ(state(id), ReceiptState::reserved);
  EXPECT_TRUE(nothing("ann"));
  advance(1ns);
  EXPECT_EQ(state(id), ReceiptState::pending);
}

TEST_P(SignalReserveContract, a_repeated_take_id_renews_a_reservation_that_was_handed_back) {
  const Id128 id = send("ann");
  reserved("ann", {.take_id = "one", .holder = kProcess});
  EXPECT_EQ(hand_back(reservation_of(id)), 1U);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 10s, .take_id = "one", .holder = kOtherProcess}).attempt, 1U);
  EXPECT_THAT(nothing_taken("ann").reserved, ElementsAre(reservation_of(id, 1, kOtherProcess)));
}

TEST_P(SignalReserveContract, a_repeated_take_id_takes_afresh_when_somebody_retook_its_signal) {
  const Id128 first = send("ann");
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), first);
  advance(10s);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 10s, .holder = kProcess}).attempt, 2U);
  EXPECT_TRUE(nothing("ann", {.acknowledge_within = 10s, .take_id = "one"}));
  EXPECT_THAT(nothing_taken("ann").reserved, ElementsAre(reservation_of(first, 2)));
  const Id128 second = send("ann");
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), second);
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), second);
}

TEST_P(SignalReserveContract, a_repeated_take_id_takes_afresh_when_its_signal_was_cleared) {
  const Id128 first = send("ann");
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), first);
  advance(10s);
  EXPECT_EQ(clear("ann"), 1U);
  const Id128 second = send("ann");
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), second);
}

TEST_P(SignalReserveContract, a_repeated_take_id_takes_afresh_when_its_signal_expired) {
  const Id128 id = send("ann", "task", {.ttl = 5s});
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), id);
  advance(5s);
  EXPECT_EQ(expired("ann", {.acknowledge_within = 10s, .take_id = "one"}), id);
}

TEST_P(SignalReserveContract, a_repeated_take_id_returns_what_was_acknowledged) {
  const Id128 id = send("ann", "task", {.payload = R"({"n":1})"});
  reserved("ann", {.take_id = "one"});
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  const CoordinationSignal again = taken_signal("ann", {.acknowledge_within = 10s, .take_id = "one"});
  EXPECT_EQ(again.payload.text(), R"({"n":1})");
  EXPECT_EQ(again.attempt, 1U);
  EXPECT_EQ(state(id), ReceiptState::delivered);
}

TEST_P(SignalReserveContract, a_repeated_take_id_without_a_time_takes_a_lapsed_reservation_for_good) {
  const Id128 id = send("ann");
  reserved("ann", {.take_id = "one"});
  EXPECT_EQ(taken("ann", {.take_id = "one"}), id);
  EXPECT_EQ(state(id), ReceiptState::reserved) << "while it stands it stays what it is";
  advance(10s);
  EXPECT_EQ(taken_signal("ann", {.take_id = "one"}).attempt, 2U);
  EXPECT_EQ(state(id), ReceiptState::delivered);
}

TEST_P(SignalReserveContract, a_reservation_its_hand_back_and_its_acknowledgement_ring_the_receipt) {
  const Id128 id = send("ann");
  EXPECT_TRUE(rings(id, [&] { reserved("ann", {.holder = kProcess}); }));
  EXPECT_TRUE(rings(id, [&] { hand_back(reservation_of(id)); }));
  reserved("ann");
  EXPECT_TRUE(rings(id, [&] { acknowledge("ann", id, 2); }));
}

TEST_P(SignalReserveContract, a_hand_back_rings_the_mailbox) {
  const Id128 id = send("ann");
  reserved("ann", {.holder = kProcess});
  EXPECT_TRUE(rings("ann", [&] { hand_back(reservation_of(id)); }));
}

INSTANTIATE_TEST_SUITE_P(Engines, SignalReserveContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
