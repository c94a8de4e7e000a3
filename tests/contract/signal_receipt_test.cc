// Receipts, expiry notices and tombstones: the sentences of ports/signal_store.h about them, on every engine.

#include <gmock/gmock.h>

#include "contract/signal_contract.h"

namespace aldis::testing {
namespace {

using SignalReceiptContract = SignalContract;

TEST_P(SignalReceiptContract, a_receipt_follows_its_signal) {
  const Id128 id = send("ann");
  EXPECT_EQ(state(id), ReceiptState::pending);
  EXPECT_EQ(receipt(id).signal_id, format_id(kSignalIdPrefix, id));
  reserved("ann");
  EXPECT_EQ(state(id), ReceiptState::reserved);
  EXPECT_EQ(receipt(id).delivered_to, "ann");
  EXPECT_EQ(receipt(id).delivered_at, std::nullopt);
  advance(10s);
  EXPECT_EQ(state(id), ReceiptState::pending);
  EXPECT_EQ(receipt(id).delivered_to, "");
  taken("ann");
  const Receipt last = receipt(id);
  EXPECT_EQ(last.state, ReceiptState::delivered);
  EXPECT_EQ(last.delivered_to, "ann");
  EXPECT_TRUE(last.delivered_at);
  EXPECT_EQ(last.expired_at, std::nullopt);
  EXPECT_FALSE(last.broadcast);
}

TEST_P(SignalReceiptContract, a_reserved_signal_is_delivered_when_it_is_acknowledged) {
  const Id128 reserved_later = send("ann");
  const Id128 taken_now = send("ann", "other");
  reserved("ann", {.types = {"task"}});
  taken("ann");
  advance(3s);
  acknowledge("ann", reserved_later);
  EXPECT_EQ(*receipt(reserved_later).delivered_at - *receipt(taken_now).delivered_at, 3s);
}

TEST_P(SignalReceiptContract, a_signal_expires_at_its_deadline_whoever_looks) {
  const Id128 id = send("ann", "task", {.ttl = 5s});
  advance(5s - 1ns);
  EXPECT_EQ(state(id), ReceiptState::pending);
  advance(1ns);
  EXPECT_EQ(state(id), ReceiptState::expired);
  EXPECT_EQ(receipt(id).expired_at, kSentAt + 5s);
  EXPECT_TRUE(pending("ann").empty());
  EXPECT_EQ(clear("ann"), 0U);
}

TEST_P(SignalReceiptContract, an_unknown_receipt_is_not_found) {
  EXPECT_EQ(outcome_of(store().receipt(next_id("ann"))), "not_found");
  EXPECT_EQ(outcome_of(store().receipt(next_id(std::nullopt))), "not_found");
}

TEST_P(SignalReceiptContract, an_id_that_no_store_could_have_made_is_not_found) {
  const Id128 sent = send("ann");
  const Id128 news = broadcast();
  for (Id128 id : {sent, news}) {
    id.bytes[15] ^= 1;  // another shard, and one for a broadcast
    EXPECT_EQ(outcome_of(store().receipt(id)), "not_found");
    EXPECT_EQ(acknowledge("ann", id), "not_found");
    id.bytes[15] ^= 1;
    id.bytes[14] ^= 1;  // the one for the other
    EXPECT_EQ(outcome_of(store().receipt(id)), "not_found");
    EXPECT_EQ(acknowledge("ann", id), "not_found");
  }
}

TEST_P(SignalReceiptContract, a_receipt_says_when_its_signal_expires_while_that_may_happen) {
  const Id128 id = send("ann", "task", {.ttl = 5s});
  const Id128 news = broadcast("news", {.ttl = 7s});
  const auto left = [this](const Id128& of) {
    const ReceiptReading reading = receipt_reading(of);
    return reading.due ? std::optional(*reading.due - reading.now) : std::nullopt;
  };
  advance(1s);
  EXPECT_EQ(left(id), 4s);
  EXPECT_EQ(left(news), 6s);
  reserved("ann");
  EXPECT_EQ(left(id), 4s);
  taken("ann");
  EXPECT_EQ(left(news), std::nullopt) << "somebody has read it";
  advance(4s);
  EXPECT_EQ(left(id), std::nullopt) << "it has expired";
}

TEST_P(SignalReceiptContract, an_expiry_is_told_once) {
  const Id128 id = send("ann", "task", {.source = "bob", .ttl = 5s});
  advance(1h);
  const Expired told = told_expiry("ann");
  EXPECT_EQ(told.signal_id, format_id(kSignalIdPrefix, id));
  EXPECT_EQ(told.signal_type, "task");
  EXPECT_EQ(told.source_agent, "bob");
  EXPECT_EQ(told.sent_at, kSentAt);
  EXPECT_EQ(told.expired_at, kSentAt + 5s);
  EXPECT_EQ(told.count, 1U);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_EQ(state(id), ReceiptState::expired) << "the receipt stays";
}

TEST_P(SignalReceiptContract, looking_without_consuming_leaves_an_expiry_untold) {
  const Id128 id = send("ann", "task", {.ttl = 5s});
  advance(5s);
  EXPECT_EQ(expired("ann", {.consume = false}), id);
  EXPECT_EQ(expired("ann", {.consume = false}), id);
  EXPECT_EQ(expired("ann"), id);
}

TEST_P(SignalReceiptContract, an_expiry_is_told_to_a_take_whose_filter_matches) {
  const Id128 id = send("ann", "task", {.source = "bob", .ttl = 5s});
  advance(5s);
  EXPECT_TRUE(nothing("ann", {.types = {"stop"}}));
  EXPECT_TRUE(nothing("ann", {.source = "zoe"}));
  EXPECT_EQ(expired("ann", {.types = {"stop", "task"}, .source = "bob"}), id);
}

TEST_P(SignalReceiptContract, a_live_signal_comes_before_an_expiry) {
  const Id128 over = send("ann", "task", {.ttl = 5s});
  advance(5s);
  const Id128 live = send("ann");
  const Id128 news = broadcast();
  EXPECT_EQ(taken("ann"), live);
  EXPECT_EQ(taken("ann"), news);
  EXPECT_EQ(expired("ann"), over);
}

TEST_P(SignalReceiptContract, expiries_are_told_in_the_order_of_sending) {
  const Id128 first = send("ann", "zeta", {.ttl = 20s});
  const Id128 second = send("ann", "alpha", {.ttl = 10s});
  advance(20s);
  EXPECT_EQ(expired("ann"), first);
  EXPECT_EQ(expired("ann"), second);
}

TEST_P(SignalReceiptContract, a_delivered_signal_is_never_told_as_expired) {
  send("ann", "task", {.ttl = 5s});
  taken("ann");
  advance(6s);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalReceiptContract, a_receipt_is_kept_for_its_time_after_the_end) {
  const Id128 delivered = send("ann", "task", {.ttl = 168h});
  const Id128 over = send("ann", "other", {.ttl = 1h});
  taken("ann");
  advance(limits::kTombstoneRetention - 1ns);
  EXPECT_EQ(state(delivered), ReceiptState::delivered);
  advance(1ns);
  EXPECT_EQ(outcome_of(store().receipt(delivered)), "not_found");
  EXPECT_EQ(state(over), ReceiptState::expired);
  advance(1h);
  EXPECT_EQ(outcome_of(store().receipt(over)), "not_found");
}

TEST_P(SignalReceiptContract, the_id_of_a_forgotten_signal_can_be_sent_again) {
  const Id128 id = send("ann");
  taken("ann");
  advance(limits::kTombstoneRetention);
  EXPECT_TRUE(try_send(id, "ann"));
  EXPECT_EQ(taken("ann"), id);
}

TEST_P(SignalReceiptContract, untold_expiries_older_than_kept_fold_into_one_with_a_count) {
  send("ann", "task", {.ttl = 5s});
  const Id128 newest = send("ann", "task", {.ttl = 5s});
  const Id128 other = send("ann", "zeta", {.ttl = 5s});
  advance(limits::kTombstoneRetention + 5s);
  const Expired folded = told_expiry("ann", {.types = {"task"}});
  EXPECT_EQ(folded.count, 2U);
  EXPECT_EQ(folded.signal_id, format_id(kSignalIdPrefix, newest));
  EXPECT_EQ(expired("ann"), other);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalReceiptContract, folded_expiries_are_told_first) {
  const Id128 older = send("ann", "task", {.ttl = 10h});
  const Id128 folded = send("ann", "zeta", {.ttl = 5s});
  advance(limits::kTombstoneRetention + 5s);
  EXPECT_EQ(expired("ann"), folded);
  EXPECT_EQ(expired("ann"), older);
}

TEST_P(SignalReceiptContract, expiries_of_targeted_signals_are_told_before_those_of_broadcasts) {
  EXPECT_TRUE(nothing("ann")) << "ann appears";
  const Id128 news = broadcast("alpha", {.ttl = 5s});
  const Id128 targeted = send("ann", "task", {.ttl = 10s});
  advance(10s);
  EXPECT_EQ(expired("ann"), targeted);
  EXPECT_EQ(expired("ann"), news);
}

TEST_P(SignalReceiptContract, a_folded_expiry_is_kept_for_its_time) {
  send("ann", "task", {.ttl = 5s});
  advance(limits::kPositionRetention + 5s - 1ns);
  EXPECT_EQ(told_expiry("ann", {.consume = false}).count, 1U);
  advance(1ns);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalReceiptContract, beyond_the_newest_ten_thousand_the_oldest_tombstones_go) {
  const Id128 delivered = send("ann");
  taken("ann");
  const Id128 expired_first = send("ann", "task", {.ttl = 1s});
  advance(1s);
  std::vector<Id128> later;
  for (std::size_t i = 0; i < limits::kTombstonesMax; ++i) {
    later.push_back(send("ann", "task", {.ttl = 1s}));
  }
  advance(1s);
  EXPECT_EQ(outcome_of(store().receipt(delivered)), "not_found") << "two more than are kept";
  EXPECT_EQ(outcome_of(store().receipt(expired_first)), "not_found");
  EXPECT_EQ(state(later.front()), ReceiptState::expired);
  const Expired folded = told_expiry("ann");
  EXPECT_EQ(folded.count, 1U) << "what was delivered does not count";
  EXPECT_EQ(folded.signal_id, format_id(kSignalIdPrefix, expired_first));
  EXPECT_EQ(expired("ann"), later.front());
}

TEST_P(SignalReceiptContract, however_many_expire_at_once_none_is_seen_again) {
  std::vector<Id128> over;
  for (int i = 0; i < 1000; ++i) over.push_back(send("ann", "task", {.ttl = 1s}));
  const Id128 live = send("ann");
  advance(1s);
  EXPECT_THAT(pending("ann"), ::testing::ElementsAre(live));
  advance(1s);
  EXPECT_EQ(state(over.back()), ReceiptState::expired);
  EXPECT_EQ(acknowledge("ann", over.back()), "failed_precondition");
  EXPECT_EQ(taken("ann"), live);
  for (const Id128& id : over) ASSERT_EQ(expired("ann"), id);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalReceiptContract, however_many_expire_at_once_none_is_delivered_or_cleared) {
  for (int i = 0; i < 1000; ++i) send("ann", "task", {.ttl = 1s});
  for (int i = 0; i < 500; ++i) broadcast("news", {.ttl = 1s});
  const Id128 live = send("ann", "other");
  advance(1s);
  EXPECT_EQ(taken("ann"), live);
  for (int i = 0; i < 1000; ++i) send("ann", "task", {.ttl = 1s});
  const Id128 kept = send("ann", "other");
  advance(1s);
  EXPECT_EQ(clear("ann"), 1U);
  EXPECT_EQ(state(kept), ReceiptState::cleared);
}

TEST_P(SignalReceiptContract, each_mailbox_keeps_its_own_tombstones) {
  const Id128 of_bob = send("bob");
  taken("bob");
  for (std::size_t i = 0; i <= limits::kTombstonesMax; ++i) {
    send("ann");
    taken("ann");
  }
  EXPECT_EQ(state(of_bob), ReceiptState::delivered);
}

INSTANTIATE_TEST_SUITE_P(Engines, SignalReceiptContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
