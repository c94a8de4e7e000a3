// Sending, taking, looking and clearing: the sentences of ports/signal_store.h about targeted signals, on every engine.

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "contract/signal_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using SignalStoreContract = SignalContract;

TEST_P(SignalStoreContract, a_signal_arrives_as_it_was_sent) {
  const Id128 id = send("ann", "task", {.source = "boss", .payload = R"({"file":"a.cc"})", .ttl = 90s});
  const CoordinationSignal signal = taken_signal("ann");
  EXPECT_EQ(signal.signal_id, format_id(kSignalIdPrefix, id));
  EXPECT_EQ(signal.signal_type, "task");
  EXPECT_EQ(signal.source_agent, "boss");
  EXPECT_EQ(signal.target_agent, "ann");
  EXPECT_EQ(signal.payload.text(), R"({"file":"a.cc"})");
  EXPECT_EQ(signal.timestamp, kSentAt);
  EXPECT_EQ(signal.ttl, 90s);
  EXPECT_EQ(signal.expires_at, kSentAt + 90s);
  EXPECT_EQ(signal.attempt, 1U);
}

TEST_P(SignalStoreContract, the_largest_payload_arrives_whole) {
  const std::string payload = R"({"text":")" + std::string(limits::kPayloadBytesMax - 11, 'x') + R"("})";
  ASSERT_EQ(payload.size(), limits::kPayloadBytesMax);
  send("ann", "task", {.payload = payload});
  EXPECT_EQ(taken_signal("ann").payload.text(), payload);
}

TEST_P(SignalStoreContract, signals_come_in_the_order_they_were_sent) {
  const Id128 first = send("ann");
  const Id128 second = send("ann");
  const Id128 third = send("ann");
  EXPECT_EQ(taken("ann"), first);
  EXPECT_EQ(taken("ann"), second);
  EXPECT_EQ(taken("ann"), third);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalStoreContract, over_several_types_the_oldest_comes_first) {
  const Id128 first = send("ann", "zeta");
  const Id128 second = send("ann", "alpha");
  const Id128 third = send("ann", "zeta");
  EXPECT_EQ(taken("ann", {.types = {"alpha", "zeta"}}), first);
  EXPECT_EQ(taken("ann"), second);
  EXPECT_EQ(taken("ann"), third);
}

TEST_P(SignalStoreContract, over_several_sources_the_oldest_comes_first) {
  const Id128 first = send("ann", "task", {.source = "zoe"});
  const Id128 second = send("ann", "task", {.source = "bob"});
  EXPECT_EQ(taken("ann"), first);
  EXPECT_EQ(taken("ann"), second);
}

TEST_P(SignalStoreContract, what_a_filter_skips_keeps_its_place) {
  const Id128 first = send("ann", "task", {.source = "bob"});
  const Id128 second = send("ann", "stop", {.source = "zoe"});
  const Id128 third = send("ann", "task", {.source = "zoe"});
  EXPECT_EQ(taken("ann", {.types = {"task"}, .source = "zoe"}), third);
  EXPECT_TRUE(nothing("ann", {.types = {"task"}, .source = "zoe"}));
  EXPECT_EQ(taken("ann"), first);
  EXPECT_EQ(taken("ann", {.source = "zoe"}), second);
}

TEST_P(SignalStoreContract, a_filter_that_found_nothing_sees_what_comes_later) {
  EXPECT_TRUE(nothing("ann", {.types = {"stop"}}));
  send("ann", "task");
  EXPECT_TRUE(nothing("ann", {.types = {"stop"}}));
  EXPECT_TRUE(nothing("ann", {.types = {"stop"}}));
  const Id128 stop = send("ann", "stop");
  EXPECT_EQ(taken("ann", {.types = {"stop"}}), stop);
}

TEST_P(SignalStoreContract, a_name_that_begins_like_another_is_another) {
  send("ann", "task");
  EXPECT_TRUE(nothing("an", {.types = {"task"}}));
  EXPECT_TRUE(nothing("ann", {.types = {"tas"}}));
  EXPECT_TRUE(nothing("annt", {.types = {"ask"}}));
  EXPECT_THAT(pending("ann", "tas"), IsEmpty());
}

TEST_P(SignalStoreContract, only_the_target_takes_sees_or_clears_a_signal) {
  const Id128 id = send("ann");
  EXPECT_TRUE(nothing("bob"));
  EXPECT_TRUE(nothing("boss"));
  EXPECT_THAT(pending("bob"), IsEmpty());
  EXPECT_EQ(clear("bob"), 0U);
  EXPECT_EQ(taken("ann"), id);
}

TEST_P(SignalStoreContract, an_agent_may_write_to_itself) {
  const Id128 id = send("ann", "note", {.source = "ann"});
  EXPECT_EQ(taken("ann"), id);
}

TEST_P(SignalStoreContract, looking_without_consuming_changes_nothing) {
  const Id128 id = send("ann");
  EXPECT_EQ(taken("ann", {.consume = false}), id);
  EXPECT_EQ(taken("ann", {.consume = false, .acknowledge_within = 10s}), id);
  EXPECT_EQ(state(id), ReceiptState::pending);
  EXPECT_EQ(taken_signal("ann").attempt, 1U);
}

TEST_P(SignalStoreContract, pending_shows_what_takes_would_deliver_in_their_order) {
  const Id128 news = broadcast();
  const Id128 first = send("ann", "zeta");
  const Id128 second = send("ann", "alpha");
  EXPECT_THAT(pending("ann"), ElementsAre(first, second, news));
  EXPECT_THAT(pending("ann", "alpha"), ElementsAre(second));
  EXPECT_THAT(pending("ann", "none"), IsEmpty());
  EXPECT_EQ(taken("ann"), first);
  EXPECT_EQ(taken("ann"), second);
  EXPECT_EQ(taken("ann"), news);
  EXPECT_THAT(pending("ann"), IsEmpty());
}

TEST_P(SignalStoreContract, clear_removes_what_pending_shows_and_counts_it) {
  const Id128 task = send("ann", "task");
  const Id128 stop = send("ann", "stop");
  broadcast("news");
  EXPECT_EQ(clear("ann", "stop"), 1U);
  EXPECT_EQ(state(stop), ReceiptState::cleared);
  EXPECT_THAT(pending("ann", "task"), ElementsAre(task));
  EXPECT_EQ(clear("ann"), 2U);
  EXPECT_EQ(state(task), ReceiptState::cleared);
  EXPECT_TRUE(nothing("ann"));
  EXPECT_EQ(clear("ann"), 0U);
}

TEST_P(SignalStoreContract, a_cleared_signal_never_expires) {
  send("ann", "task", {.ttl = 1s});
  clear("ann");
  advance(2s);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalStoreContract, sending_the_same_id_again_is_a_success_that_changes_nothing) {
  const Id128 id = send("ann");
  EXPECT_TRUE(try_send(id, "ann"));
  EXPECT_EQ(taken("ann"), id);
  EXPECT_TRUE(try_send(id, "ann"));
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalStoreContract, a_mailbox_refuses_a_signal_beyond_its_count_and_drops_nothing) {
  for (std::size_t i = 0; i < limits::kMailboxSignalsMax; ++i) send("ann", "task", {.ttl = i == 0 ? 30s : 60s});
  const auto refused = try_send(next_id("ann"), "ann");
  EXPECT_EQ(outcome_of(refused), "resource_exhausted");
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_EQ(pending("ann").size(), limits::kMailboxSignalsMax);
  send("bob");
  taken("ann");
  send("ann");
  EXPECT_EQ(outcome_of(try_send(next_id("ann"), "ann")), "resource_exhausted");
}

TEST_P(SignalStoreContract, a_full_mailbox_has_room_again_when_signals_expire_though_nobody_reads) {
  for (std::size_t i = 0; i < limits::kMailboxSignalsMax; ++i) send("ann", "task", {.ttl = i < 2 ? 30s : 60s});
  advance(30s);
  send("ann");
  send("ann");
  EXPECT_EQ(outcome_of(try_send(next_id("ann"), "ann")), "resource_exhausted");
}

TEST_P(SignalStoreContract, a_mailbox_refuses_a_payload_beyond_its_bytes) {
  const std::string payload = R"({"text":")" + std::string(limits::kPayloadBytesMax - 11, 'x') + R"("})";
  const std::size_t fitting = limits::kMailboxBytesMax / limits::kPayloadBytesMax;
  for (std::size_t i = 0; i < fitting; ++i) send("ann", "task", {.payload = payload});
  EXPECT_EQ(outcome_of(try_send(next_id("ann"), "ann", "task", {.payload = "{}"})), "resource_exhausted");
  reserved("ann");
  EXPECT_EQ(outcome_of(try_send(next_id("ann"), "ann", "task", {.payload = "{}"})), "resource_exhausted");
  taken("ann");
  send("ann", "task", {.payload = payload});
}

TEST_P(SignalStoreContract, a_repeated_take_id_returns_the_same_signal_while_it_is_kept) {
  const Id128 first = send("ann");
  const Id128 second = send("ann");
  EXPECT_EQ(taken("ann", {.take_id = "one"}), first);
  EXPECT_EQ(taken("ann", {.take_id = "one"}), first);
  advance(limits::kTakeIdRetention - 1ns);
  EXPECT_EQ(taken("ann", {.take_id = "one"}), first);
  EXPECT_EQ(taken("ann", {.take_id = "two"}), second);
}

TEST_P(SignalStoreContract, a_take_id_is_forgotten_after_its_time) {
  const Id128 first = send("ann", "task", {.ttl = 1h});
  const Id128 second = send("ann", "task", {.ttl = 1h});
  EXPECT_EQ(taken("ann", {.take_id = "one"}), first);
  advance(limits::kTakeIdRetention);
  EXPECT_EQ(taken("ann", {.take_id = "one"}), second);
}

TEST_P(SignalStoreContract, a_take_id_belongs_to_one_agent) {
  const Id128 of_ann = send("ann");
  const Id128 of_bob = send("bob");
  EXPECT_EQ(taken("ann", {.take_id = "one"}), of_ann);
  EXPECT_EQ(taken("bob", {.take_id = "one"}), of_bob);
}

TEST_P(SignalStoreContract, a_take_id_that_found_nothing_is_not_kept) {
  EXPECT_TRUE(nothing("ann", {.take_id = "one"}));
  const Id128 id = send("ann");
  EXPECT_EQ(taken("ann", {.take_id = "one"}), id);
}

TEST_P(SignalStoreContract, a_repeated_take_id_tells_the_same_expiry) {
  const Id128 id = send("ann", "task", {.ttl = 1s});
  advance(1s);
  EXPECT_EQ(expired("ann", {.take_id = "one"}), id);
  EXPECT_EQ(expired("ann", {.take_id = "one"}), id);
  EXPECT_TRUE(nothing("ann"));
}

TEST_P(SignalStoreContract, a_send_rings_its_target_and_a_take_or_a_clearing_the_receipt) {
  Id128 id;
  EXPECT_TRUE(rings("ann", [&] { id = send("ann"); }));
  EXPECT_TRUE(rings(id, [&] { taken("ann"); }));
  id = send("ann");
  EXPECT_TRUE(rings(id, [&] { clear("ann"); }));
}

TEST_P(SignalStoreContract, what_changes_nothing_rings_nobody) {
  const Topic mailbox{Topic::Kind::mailbox, "ann"};
  EXPECT_TRUE(listening().is_silent(mailbox, [&] { nothing("ann"); }));
  EXPECT_TRUE(listening().is_silent(mailbox, [&] { pending("ann"); }));
  EXPECT_TRUE(listening().is_silent(mailbox, [&] { clear("ann"); }));
}

TEST_P(SignalStoreContract, a_signal_is_taken_by_exactly_one_of_many_readers) {
  constexpr int kSignals = 400;
  constexpr int kReaders = 4;
  for (int i = 0; i < kSignals; ++i) send("ann");
  std::atomic<int> total = 0;
  std::vector<std::vector<std::string>> got(kReaders);
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      for (;;) {
        const TakeOutcome outcome = take("ann");
        const auto* delivered = std::get_if<Delivered>(&outcome);
        if (delivered == nullptr) return;
        got[static_cast<std::size_t>(reader)].push_back(delivered->signal.signal_id);
        ++total;
      }
    });
  }
  readers.clear();
  std::vector<std::string> all;
  for (const auto& ids : got) {
    EXPECT_TRUE(std::ranges::is_sorted(ids)) << "each reader sees the order of sending";
    all.insert(all.end(), ids.begin(), ids.end());
  }
  std::ranges::sort(all);
  EXPECT_EQ(total, kSignals);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end()) << "none came twice";
}

INSTANTIATE_TEST_SUITE_P(Engines, SignalStoreContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
