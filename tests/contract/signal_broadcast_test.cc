// Broadcasts: the sentences of ports/signal_store.h about them, on every engine.

#include <gmock/gmock.h>

#include "contract/signal_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SignalBroadcastContract : public SignalContract {
 protected:
  void appear(std::string_view agent) { ASSERT_TRUE(store().appear(agent)); }
  std::vector<std::string> readers(const Id128& id) {
    std::vector<std::string> agents;
    for (const SignalReader& reader : receipt(id).readers) agents.push_back(reader.agent_id);
    return agents;
  }
};

TEST_P(SignalBroadcastContract, every_agent_but_the_sender_sees_it_once) {
  const Id128 id = broadcast();
  EXPECT_EQ(taken("ann"), id);
  EXPECT_EQ(taken("bob"), id);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_TRUE(nothing("bob"));
  EXPECT_TRUE(nothing("boss"));
  EXPECT_EQ(taken_signal("cat").target_agent, std::nullopt);
}

TEST_P(SignalBroadcastContract, targeted_signals_come_before_broadcasts) {
  const Id128 news = broadcast("news");
  const Id128 task = send("ann", "task");
  EXPECT_EQ(taken("ann"), task);
  EXPECT_EQ(taken("ann"), news);
}

TEST_P(SignalBroadcastContract, broadcasts_come_in_the_order_they_were_sent) {
  const Id128 first = broadcast("zeta");
  const Id128 second = broadcast("alpha");
  const Id128 third = broadcast("zeta");
  EXPECT_EQ(taken("ann"), first);
  EXPECT_EQ(taken("ann"), second);
  EXPECT_EQ(taken("ann"), third);
}

TEST_P(SignalBroadcastContract, what_a_filter_skips_is_not_lost) {
  const Id128 first = broadcast("news", {.source = "bob"});
  const Id128 second = broadcast("news", {.source = "zoe"});
  const Id128 third = broadcast("news", {.source = "bob"});
  const Id128 fourth = broadcast("other", {.source = "zoe"});
  EXPECT_EQ(taken("ann", {.source = "zoe"}), second);
  EXPECT_EQ(taken("ann", {.types = {"news"}, .source = "bob"}), first);
  EXPECT_EQ(taken("ann", {.types = {"other"}}), fourth);
  EXPECT_EQ(taken("ann"), third);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalBroadcastContract, a_filter_that_found_nothing_sees_what_comes_later) {
  EXPECT_TRUE(nothing("ann", {.types = {"news"}}));
  broadcast("other");
  EXPECT_TRUE(nothing("ann", {.types = {"news"}}));
  const Id128 news = broadcast("news");
  EXPECT_EQ(taken("ann", {.types = {"news"}}), news);
}

TEST_P(SignalBroadcastContract, clearing_it_affects_nobody_else_and_lists_no_reader) {
  const Id128 id = broadcast();
  EXPECT_EQ(clear("ann"), 1U);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_THAT(readers(id), IsEmpty());
  EXPECT_THAT(pending("bob"), ElementsAre(id));
  EXPECT_EQ(taken("bob"), id);
}

TEST_P(SignalBroadcastContract, looking_without_consuming_changes_nothing) {
  const Id128 id = broadcast();
  EXPECT_EQ(taken("ann", {.consume = false}), id);
  EXPECT_THAT(readers(id), IsEmpty());
  EXPECT_EQ(taken("ann"), id);
}

TEST_P(SignalBroadcastContract, an_agent_that_appears_later_sees_what_still_lives) {
  broadcast("news", {.ttl = 5s});
  const Id128 live = broadcast("news", {.ttl = 1h});
  advance(5s);
  EXPECT_EQ(taken("late"), live);
  EXPECT_TRUE(nothing("late")) << "it is told of no expiry from before";
}

TEST_P(SignalBroadcastContract, an_agent_that_had_appeared_is_told_of_an_expiry_once) {
  appear("ann");
  const Id128 id = broadcast("news", {.source = "zoe", .ttl = 5s});
  advance(5s);
  EXPECT_EQ(expired("ann", {.consume = false}), id);
  const Expired told = told_expiry("ann");
  EXPECT_EQ(told.signal_type, "news");
  EXPECT_EQ(told.source_agent, "zoe");
  EXPECT_EQ(told.expired_at, kSentAt + 5s);
  EXPECT_EQ(told.count, 1U);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_TRUE(nothing("zoe")) << "the sender is told nothing";
}

TEST_P(SignalBroadcastContract, a_take_a_look_at_what_is_pending_and_a_clear_make_an_agent_appear) {
  nothing("taker");
  pending("looker");
  clear("clearer");
  broadcast("news", {.ttl = 5s});
  advance(5s);
  for (const std::string_view agent : {"taker", "looker", "clearer"}) {
    EXPECT_TRUE(std::holds_alternative<Expired>(take(agent))) << agent;
  }
  EXPECT_TRUE(nothing("stranger"));
}

TEST_P(SignalBroadcastContract, what_was_read_or_cleared_is_not_told_as_expired) {
  broadcast("news", {.ttl = 5s});
  taken("ann");
  clear("bob");
  advance(5s);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_TRUE(nothing("bob"));
}

TEST_P(SignalBroadcastContract, an_expiry_is_told_to_a_take_whose_filter_matches) {
  appear("ann");
  const Id128 news = broadcast("news", {.source = "zoe", .ttl = 5s});
  const Id128 other = broadcast("other", {.source = "bob", .ttl = 5s});
  advance(5s);
  EXPECT_TRUE(nothing("ann", {.types = {"news"}, .source = "bob"}));
  EXPECT_EQ(expired("ann", {.types = {"other"}}), other);
  EXPECT_EQ(expired("ann", {.source = "zoe"}), news);
}

TEST_P(SignalBroadcastContract, its_expiry_is_told_for_as_long_as_its_receipt_is_kept) {
  appear("ann");
  appear("bob");
  const Id128 id = broadcast("news", {.ttl = 5s});
  advance(5s + limits::kTombstoneRetention - 1ns);
  EXPECT_EQ(expired("ann"), id);
  EXPECT_EQ(state(id), ReceiptState::expired);
  advance(1ns);
  EXPECT_TRUE(nothing("bob"));
  EXPECT_EQ(outcome_of(store().receipt(id)), "not_found");
}

TEST_P(SignalBroadcastContract, the_longest_lived_one_is_not_seen_twice) {
  const Id128 id = broadcast("news", {.ttl = limits::kSignalTtlMax});
  EXPECT_EQ(taken("ann"), id);
  advance(limits::kSignalTtlMax - 1ns);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_EQ(taken("bob"), id);
}

TEST_P(SignalBroadcastContract, an_agent_unused_for_the_retention_of_positions_appears_anew) {
  appear("kept");
  appear("gone");
  advance(limits::kPositionRetention - 4s);
  nothing("kept");
  broadcast("news", {.ttl = 3s});
  advance(4s);
  EXPECT_TRUE(std::holds_alternative<Expired>(take("kept")));
  EXPECT_TRUE(nothing("gone"));
}

TEST_P(SignalBroadcastContract, appearing_again_is_a_use) {
  appear("kept");
  for (int week = 0; week < 3; ++week) {
    advance(168h);
    appear("kept");
  }
  broadcast("news", {.ttl = 3s});
  advance(3s);
  EXPECT_TRUE(std::holds_alternative<Expired>(take("kept")));
}

TEST_P(SignalBroadcastContract, a_type_refuses_more_live_ones_than_its_limit) {
  for (std::size_t i = 0; i < limits::kBroadcastsMax; ++i) broadcast("news", {.ttl = i == 0 ? 5s : 60s});
  EXPECT_EQ(outcome_of(try_send(next_id(std::nullopt), std::nullopt, "news")), "resource_exhausted");
  broadcast("other");
  taken("ann");
  EXPECT_EQ(outcome_of(try_send(next_id(std::nullopt), std::nullopt, "news")), "resource_exhausted")
      << "reading makes no room";
  advance(5s);
  broadcast("news");
  EXPECT_EQ(outcome_of(try_send(next_id(std::nullopt), std::nullopt, "news")), "resource_exhausted");
}

TEST_P(SignalBroadcastContract, sending_the_same_id_again_changes_nothing) {
  const Id128 id = broadcast();
  EXPECT_TRUE(try_send(id, std::nullopt, "news"));
  EXPECT_EQ(taken("ann"), id);
  EXPECT_TRUE(try_send(id, std::nullopt, "news"));
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalBroadcastContract, its_receipt_says_who_read_it_and_when) {
  const Id128 id = broadcast("news", {.ttl = 5s});
  EXPECT_EQ(state(id), ReceiptState::pending);
  EXPECT_TRUE(receipt(id).broadcast);
  taken("ann");
  advance(2s);
  taken("bob");
  const Receipt read = receipt(id);
  EXPECT_EQ(read.state, ReceiptState::delivered);
  EXPECT_EQ(read.delivered_to, "");
  ASSERT_EQ(read.readers.size(), 2U);
  EXPECT_EQ(read.readers_total, 2U);
  EXPECT_THAT(readers(id), ElementsAre("ann", "bob"));
  EXPECT_EQ(read.readers[1].read_at - read.readers[0].read_at, 2s);
  EXPECT_EQ(read.delivered_at, read.readers[0].read_at);
  advance(3s);
  EXPECT_EQ(state(id), ReceiptState::delivered);
}

TEST_P(SignalBroadcastContract, its_receipt_says_expired_if_nobody_read_it) {
  const Id128 id = broadcast("news", {.ttl = 5s});
  advance(5s);
  EXPECT_EQ(state(id), ReceiptState::expired);
  EXPECT_EQ(receipt(id).expired_at, kSentAt + 5s);
}

TEST_P(SignalBroadcastContract, its_receipt_names_the_first_thousand_readers_and_counts_all) {
  const Id128 id = broadcast();
  for (std::size_t i = 0; i < limits::kReceiptReadersMax + 5; ++i) EXPECT_EQ(taken("reader-" + std::to_string(i)), id);
  const Receipt read = receipt(id);
  EXPECT_EQ(read.readers.size(), limits::kReceiptReadersMax);
  EXPECT_EQ(read.readers.back().agent_id, "reader-999");
  EXPECT_EQ(read.readers_total, limits::kReceiptReadersMax + 5);
}

TEST_P(SignalBroadcastContract, a_reservation_of_it_concerns_one_agent_alone) {
  const Id128 id = broadcast();
  EXPECT_EQ(reserved("ann", {.holder = kProcess}), id);
  EXPECT_THAT(readers(id), IsEmpty()) << "not before it is acknowledged";
  EXPECT_THAT(pending("ann"), IsEmpty());
  EXPECT_THAT(nothing_taken("ann").reserved, ElementsAre(Reservation{id, 1, kProcess}));
  EXPECT_EQ(taken("bob"), id);
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_THAT(readers(id), ElementsAre("bob", "ann"));
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalBroadcastContract, a_lapsed_reservation_returns_to_its_original_place) {
  const Id128 first = broadcast();
  const Id128 second = broadcast();
  EXPECT_EQ(reserved("ann"), first);
  EXPECT_EQ(taken("ann"), second);
  const NothingTaken nothing = nothing_taken("ann");
  EXPECT_EQ(nothing.next_due, nothing.now + 10s);
  advance(10s);
  EXPECT_EQ(taken_signal("ann").attempt, 2U);
  EXPECT_EQ(acknowledge("ann", first, 1), "conflict");
}

TEST_P(SignalBroadcastContract, a_late_acknowledgement_succeeds_if_nobody_retook_it) {
  const Id128 id = broadcast();
  reserved("ann");
  advance(20s);
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_THAT(readers(id), ElementsAre("ann"));
}

TEST_P(SignalBroadcastContract, acknowledging_it_without_a_reservation_is_a_failed_precondition) {
  const Id128 id = broadcast();
  EXPECT_EQ(acknowledge("ann", id), "failed_precondition");
  taken("ann");
  EXPECT_EQ(acknowledge("ann", id), "failed_precondition");
  EXPECT_EQ(acknowledge("boss", id), "failed_precondition");
  clear("bob");
  EXPECT_EQ(acknowledge("bob", id), "failed_precondition");
}

TEST_P(SignalBroadcastContract, a_held_one_expires_at_its_deadline) {
  const Id128 id = broadcast("news", {.ttl = 5s});
  reserved("ann");
  advance(5s);
  EXPECT_EQ(acknowledge("ann", id, 1), "failed_precondition");
  EXPECT_EQ(expired("ann"), id);
  EXPECT_EQ(acknowledge("ann", id, 1), "failed_precondition");
}

TEST_P(SignalBroadcastContract, a_reservation_that_is_handed_back_returns_to_its_place) {
  const Id128 first = broadcast();
  const Id128 second = broadcast();
  reserved("ann", {.holder = kProcess});
  EXPECT_EQ(taken("ann"), second);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_EQ(store().hand_back("bob", {{first, 1, kProcess}}).value(), 0U);
  EXPECT_EQ(store().hand_back("ann", {{first, 1, kProcess}}).value(), 1U);
  EXPECT_EQ(taken_signal("ann").attempt, 2U);
}

TEST_P(SignalBroadcastContract, a_repeated_take_id_renews_the_reservation_for_its_process) {
  appear("ann");
  appear("bob");
  const Id128 id = broadcast();
  EXPECT_EQ(reserved("ann", {.take_id = "one", .holder = kProcess}), id);
  EXPECT_EQ(reserved("ann", {.take_id = "one", .holder = kOtherProcess}), id);
  EXPECT_THAT(nothing_taken("ann").reserved, ElementsAre(Reservation{id, 1, kOtherProcess}));
  advance(10s);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 10s, .take_id = "one"}).attempt, 1U);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_EQ(acknowledge("ann", id, 1), "ok");
  EXPECT_EQ(taken("ann", {.acknowledge_within = 10s, .take_id = "one"}), id) << "the same answer for what is read";
  EXPECT_EQ(taken("bob"), id) << "it concerns one agent alone";
}

TEST_P(SignalBroadcastContract, a_repeated_take_id_takes_afresh_when_its_reservation_no_longer_stands) {
  appear("ann");
  const Id128 first = broadcast();
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), first);
  advance(10s);
  EXPECT_EQ(taken_signal("ann", {.acknowledge_within = 10s}).attempt, 2U);
  const Id128 second = broadcast();
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), second);
  advance(10s);
  EXPECT_EQ(clear("ann"), 2U);
  const Id128 third = broadcast("news", {.ttl = 5s});
  EXPECT_EQ(reserved("ann", {.take_id = "one"}), third);
  advance(5s);
  EXPECT_EQ(expired("ann", {.acknowledge_within = 10s, .take_id = "one"}), third);
}

TEST_P(SignalBroadcastContract, beyond_the_newest_ten_thousand_of_a_type_the_oldest_tombstones_go) {
  const Id128 read = broadcast("news", {.ttl = 1s});
  taken("reader");
  appear("stranger");
  const Id128 missed = broadcast("news", {.ttl = 1s});
  const Id128 other = broadcast("other", {.ttl = 1s});
  advance(1s);
  std::size_t more = limits::kTombstonesMax;
  while (more > 0) {
    for (std::size_t i = 0; i < limits::kBroadcastsMax && more > 0; ++i, --more) broadcast("news", {.ttl = 1s});
    advance(1s);
  }
  broadcast("news");
  EXPECT_EQ(outcome_of(store().receipt(read)), "not_found");
  EXPECT_EQ(outcome_of(store().receipt(missed)), "not_found");
  EXPECT_EQ(state(other), ReceiptState::expired);
  clear("reader");
  const Expired folded = told_expiry("reader", {.types = {"news"}});
  EXPECT_EQ(folded.signal_id, format_id(kSignalIdPrefix, missed));
  EXPECT_EQ(folded.count, 1U);
  clear("stranger");
  EXPECT_EQ(told_expiry("stranger", {.types = {"news"}}).count, 1U)
      << "one that is kept: it never read the type before";
  EXPECT_NE(expired("stranger", {.types = {"news"}}), missed);
}

TEST_P(SignalBroadcastContract, it_rings_every_mailbox_and_a_reader_its_receipt) {
  Id128 id;
  EXPECT_TRUE(rings("ann", [&] { id = broadcast(); }));
  EXPECT_TRUE(rings(id, [&] { taken("ann"); }));
}

INSTANTIATE_TEST_SUITE_P(Engines, SignalBroadcastContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
