// CoordinationSignals: sending, checking, and what it refuses.

#include <gmock/gmock.h>

#include "signals_world.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Json json(std::string_view text) { return *Json::parse(text); }

std::vector<std::string> types_of(const Result<std::vector<CoordinationSignal>>& signals) {
  std::vector<std::string> types;
  for (const CoordinationSignal& signal : *signals) types.push_back(signal.signal_type);
  return types;
}

TEST(Signals, a_signal_reaches_its_target_as_it_was_sent) {
  SignalsWorld world;
  auto alice = world.as("alice");
  const auto sent = alice.signal("review", "bob", json(R"({"file":  "a.cc"})"), 90s);
  ASSERT_TRUE(sent);
  EXPECT_THAT(sent->signal_id, StartsWith("sig_"));
  EXPECT_EQ(sent->signal_type, "review");
  EXPECT_EQ(sent->source_agent, "alice");
  EXPECT_EQ(sent->target_agent, "bob");
  EXPECT_EQ(sent->payload.text(), R"({"file":  "a.cc"})");
  EXPECT_EQ(sent->timestamp, world.clock->wall_now());
  EXPECT_EQ(sent->ttl, 90s);
  EXPECT_EQ(sent->expires_at, sent->timestamp + 90s);
  EXPECT_EQ(sent->attempt, 1u);
  EXPECT_EQ(delivered(world.as("bob").check_signal({"review"})), *sent);
}

TEST(Signals, a_broadcast_has_no_target_and_reaches_everybody_but_its_sender) {
  SignalsWorld world;
  auto alice = world.as("alice");
  const auto sent = alice.broadcast("deploy", json(R"({"version":7})"), 90s);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->target_agent, std::nullopt);
  EXPECT_EQ(delivered(world.as("bob").check_signal({})), *sent);
  EXPECT_EQ(delivered(world.as("carol").check_signal({})), *sent);
  EXPECT_TRUE(is<NothingYet>(world.as("bob").check_signal({})));
  EXPECT_TRUE(is<NothingYet>(alice.check_signal({})));
}

TEST(Signals, payload_and_ttl_may_be_left_out) {
  SignalsWorld world;
  const auto sent = world.as("alice").signal("go", "bob");
  EXPECT_EQ(sent->payload.text(), "{}");
  EXPECT_EQ(sent->ttl, 60s);
}

TEST(Signals, an_agent_may_signal_itself) {
  SignalsWorld world;
  auto alice = world.as("alice");
  const auto sent = alice.signal("later", "alice");
  EXPECT_EQ(delivered(alice.check_signal({})), *sent);
}

TEST(Signals, nobody_needs_to_read_for_sending_to_work) {
  SignalsWorld world;
  auto alice = world.as("alice");
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(alice.signal("note", "nobody"));
  EXPECT_EQ(world.as("nobody").get_pending_signals()->size(), 100u);
}

TEST(Signals, a_check_says_nothing_yet_delivered_or_expired) {
  SignalsWorld world;
  auto bob = world.as("bob");
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({})));
  const auto sent = world.as("alice").signal("go", "bob", {}, 10s);
  world.clock->advance(10s);
  const auto outcome = bob.check_signal({});
  ASSERT_TRUE(is<Expired>(outcome));
  const auto& expired = std::get<Expired>(*outcome);
  EXPECT_EQ(expired.signal_id, sent->signal_id);
  EXPECT_EQ(expired.signal_type, "go");
  EXPECT_EQ(expired.source_agent, "alice");
  EXPECT_EQ(expired.sent_at, sent->timestamp);
  EXPECT_EQ(expired.expired_at, sent->expires_at);
  EXPECT_EQ(expired.count, 1u);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({}))) << "an expiry is told once";
}

TEST(Signals, stepping_the_wall_clock_expires_nothing) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob", {}, 10s));
  world.clock->step_wall(24h);
  EXPECT_TRUE(is<Delivered>(world.as("bob").check_signal({})));
}

TEST(Signals, a_delivered_signal_comes_before_an_expiry_notice) {
  SignalsWorld world;
  auto alice = world.as("alice");
  auto bob = world.as("bob");
  ASSERT_TRUE(alice.signal("first", "bob", {}, 1s));
  ASSERT_TRUE(alice.signal("second", "bob", {}, 1h));
  world.clock->advance(1s);
  EXPECT_EQ(delivered(bob.check_signal({})).signal_type, "second");
  EXPECT_TRUE(is<Expired>(bob.check_signal({})));
}

TEST(Signals, looking_without_consuming_leaves_signals_and_expiries_as_they_are) {
  SignalsWorld world;
  auto bob = world.as("bob");
  const auto sent = world.as("alice").signal("go", "bob", {}, 10s);
  EXPECT_EQ(delivered(bob.check_signal({}, {}, looking())), *sent);
  EXPECT_EQ(delivered(bob.check_signal({}, {}, looking())), *sent);
  world.clock->advance(10s);
  EXPECT_TRUE(is<Expired>(bob.check_signal({}, {}, looking())));
  EXPECT_TRUE(is<Expired>(bob.check_signal({}))) << "it was shown, but not told";
}

TEST(Signals, a_filter_of_types_or_source_skips_the_rest_in_its_place) {
  SignalsWorld world;
  auto bob = world.as("bob");
  ASSERT_TRUE(world.as("alice").signal("a", "bob"));
  ASSERT_TRUE(world.as("carol").signal("b", "bob"));
  ASSERT_TRUE(world.as("alice").signal("c", "bob"));
  ASSERT_TRUE(world.as("alice").signal("d", "bob"));
  EXPECT_EQ(delivered(bob.check_signal({"d", "c"})).signal_type, "c") << "over several types: the oldest";
  EXPECT_EQ(delivered(bob.check_signal({}, "carol")).signal_type, "b");
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({"b"}, "alice")));
  EXPECT_THAT(types_of(bob.get_pending_signals()), ElementsAre("a", "d"));
}

TEST(Signals, changing_filters_are_each_obeyed) {
  SignalsWorld world;
  auto bob = world.as("bob");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(is<NothingYet>(bob.check_signal({"t" + std::to_string(i)}, "alice")));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(world.as("alice").signal("t" + std::to_string(i), "bob"));
  for (int i = 19; i >= 0; --i) {
    const std::string type = "t" + std::to_string(i);
    EXPECT_EQ(delivered(bob.check_signal({type}, "alice")).signal_type, type);
  }
}

TEST(Signals, targeted_ones_come_before_broadcasts) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").broadcast("all"));
  ASSERT_TRUE(world.as("alice").signal("one", "bob"));
  auto bob = world.as("bob");
  EXPECT_EQ(delivered(bob.check_signal({})).signal_type, "one");
  EXPECT_EQ(delivered(bob.check_signal({})).signal_type, "all");
}

TEST(Signals, only_the_target_takes_sees_or_clears) {
  SignalsWorld world;
  ASSERT_TRUE(world.as("alice").signal("go", "bob"));
  for (const char* other : {"alice", "carol"}) {
    EXPECT_TRUE(is<NothingYet>(world.as(other).check_signal({})));
    EXPECT_THAT(*world.as(other).get_pending_signals(), IsEmpty());
    EXPECT_EQ(world.as(other).clear_signals(), 0u);
  }
  EXPECT_TRUE(is<Delivered>(world.as("bob").check_signal({})));
}

TEST(Signals, pending_shows_and_clear_removes_one_type_or_all) {
  SignalsWorld world;
  auto alice = world.as("alice");
  auto bob = world.as("bob");
  for (const char* type : {"a", "b", "a", "c"}) ASSERT_TRUE(alice.signal(type, "bob"));
  EXPECT_THAT(types_of(bob.get_pending_signals("a")), ElementsAre("a", "a"));
  EXPECT_EQ(bob.clear_signals("a"), 2u);
  EXPECT_THAT(types_of(bob.get_pending_signals()), ElementsAre("b", "c"));
  EXPECT_EQ(bob.clear_signals(), 2u);
  EXPECT_TRUE(is<NothingYet>(bob.check_signal({})));
}

TEST(Signals, a_full_mailbox_is_the_senders_error_and_drops_nothing) {
  SignalsWorld world;
  auto alice = world.as("alice");
  for (std::size_t i = 0; i < limits::kMailboxSignalsMax; ++i) ASSERT_TRUE(alice.signal("n", "bob"));
  EXPECT_EQ(code_of(alice.signal("n", "bob")), ErrorCode::resource_exhausted);
  EXPECT_TRUE(alice.signal("n", "carol"));
  EXPECT_EQ(world.as("bob").get_pending_signals()->size(), limits::kMailboxSignalsMax);
}

TEST(Signals, a_store_that_is_away_is_an_error_and_never_nothing_yet) {
  SignalsWorld world;
  auto bob = world.as("bob");
  world.signals->failing = true;
  EXPECT_EQ(code_of(bob.check_signal({})), ErrorCode::unavailable);
  EXPECT_EQ(code_of(bob.wait_for_signal({}, {}, 10s)), ErrorCode::unavailable);
  EXPECT_EQ(code_of(bob.get_pending_signals()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(bob.clear_signals()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(bob.signal("go", "alice")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(bob.on_signal({}, {}, [](const SignalNews&) {}, {})), ErrorCode::unavailable);
}

// --- bad input ---

std::vector<std::string> bad_names() {
  return {"",    std::string(129, 'a'),  "*",     "a*", "a?", "a b", "-a", "@a", ".", "..",
          "a\n", std::string("a\0b", 3), "a\x7f", "ä"};
}

TEST(SignalsRefuse, names_that_are_none) {
  SignalsWorld world;
  auto alice = world.as("alice");
  for (const std::string& name : bad_names()) {
    EXPECT_EQ(code_of(CoordinationSignals::open(world.workspace(), name)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.signal(name, "bob")), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.signal("go", name)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.broadcast(name)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.check_signal({"go", name})), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.wait_for_signal({name}, {}, 0s)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.on_signal({name}, {}, [](const SignalNews&) {}, {})), ErrorCode::invalid_argument) << name;
    if (name.empty()) continue;  // which means "any" here
    EXPECT_EQ(code_of(alice.check_signal({}, name)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.wait_for_signal({}, name, 0s)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.get_pending_signals(name)), ErrorCode::invalid_argument) << name;
    EXPECT_EQ(code_of(alice.clear_signals(name)), ErrorCode::invalid_argument) << name;
  }
}

TEST(SignalsRefuse, nothing_that_is_allowed) {
  SignalsWorld world;
  auto alice = world.as("alice");
  const std::string longest(128, 'a');
  EXPECT_TRUE(alice.signal(longest, longest));
  EXPECT_TRUE(alice.signal("a.b_c:d/e@f+g-h", "team/x:1"));
  EXPECT_TRUE(alice.signal("go", "bob", {}, 1ns));
  EXPECT_TRUE(alice.signal("go", "bob", {}, std::chrono::days{7}));
  EXPECT_TRUE(alice.check_signal(std::vector<std::string>(64, "t")));
}

TEST(SignalsRefuse, a_ttl_out_of_bounds_and_send_nothing) {
  SignalsWorld world;
  auto alice = world.as("alice");
  for (const nanoseconds ttl : {nanoseconds{0}, nanoseconds{-1}, nanoseconds{std::chrono::days{7}} + 1ns,
                                nanoseconds::max(), nanoseconds::min()}) {
    EXPECT_EQ(code_of(alice.signal("go", "bob", {}, ttl)), ErrorCode::invalid_argument) << ttl.count();
    EXPECT_EQ(code_of(alice.broadcast("go", {}, ttl)), ErrorCode::invalid_argument) << ttl.count();
  }
  EXPECT_THAT(alice.signal("go", "bob", {}, 0s).error().message, HasSubstr("longer than 0"));
  EXPECT_THAT(*world.as("bob").get_pending_signals(), IsEmpty());
}

TEST(SignalsRefuse, more_than_64_types) {
  SignalsWorld world;
  auto alice = world.as("alice");
  EXPECT_EQ(code_of(alice.check_signal(std::vector<std::string>(65, "t"))), ErrorCode::invalid_argument);
}

TEST(SignalsRefuse, take_options_that_make_no_sense) {
  SignalsWorld world;
  auto alice = world.as("alice");
  ASSERT_TRUE(world.as("bob").signal("go", "alice"));
  for (const nanoseconds within : {nanoseconds{0}, nanoseconds{-1s}, nanoseconds{std::chrono::days{7}} + 1ns}) {
    EXPECT_EQ(code_of(alice.check_signal({}, {}, reserving(within))), ErrorCode::invalid_argument);
  }
  TakeOptions both = reserving(1s);
  both.consume = false;
  EXPECT_EQ(code_of(alice.check_signal({}, {}, both)), ErrorCode::invalid_argument);
  TakeOptions named;
  named.take_id = "a take";
  EXPECT_EQ(code_of(alice.check_signal({}, {}, named)), ErrorCode::invalid_argument);
  EXPECT_TRUE(is<Delivered>(alice.check_signal({}))) << "it was not taken";
}

TEST(SignalsRefuse, a_negative_timeout) {
  SignalsWorld world;
  auto alice = world.as("alice");
  EXPECT_EQ(code_of(alice.wait_for_signal({}, {}, -1ns)), ErrorCode::invalid_argument);
  const auto sent = alice.signal("go", "bob");
  EXPECT_EQ(code_of(alice.wait_for_receipt(sent->signal_id, -1ns)), ErrorCode::invalid_argument);
}

TEST(SignalsRefuse, ids_that_nobody_made) {
  SignalsWorld world;
  auto alice = world.as("alice");
  for (const std::string& id : {std::string("sig_00000000000000000000000000"), std::string("sig_"), std::string(),
                                std::string("inc_00000000000000000000000000"), std::string(1000, 'x')}) {
    EXPECT_EQ(code_of(alice.acknowledge(id)), ErrorCode::not_found) << id;
    EXPECT_EQ(code_of(alice.receipt(id)), ErrorCode::not_found) << id;
    EXPECT_EQ(code_of(alice.wait_for_receipt(id, 1s)), ErrorCode::not_found) << id;
  }
}

}  // namespace
}  // namespace aldis::testing
