// What streams of events leave on a Redis server, how a reader finds its place there, what a call costs, and what a
// call does that is carried out twice. The rest of their behaviour is in tests/contract.

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "redis/event_world.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using RedisEventKeys = EventWorld;

TEST_F(RedisEventKeys, everything_has_a_time_to_live) {
  publish_many(3);
  configure({.max_length = 5, .max_age = 1h}, "configured");
  give("workers", "ann", 2);
  EXPECT_EQ(acknowledge("workers", {1}), 1U);
  EXPECT_EQ(events().trim("deploy", 1).value(), 2U);
  events().count_dropped(2);
  publish();
  EXPECT_EQ(events().dropped().value(), 2U);
  EXPECT_GT(keys().size(), 10U);
  EXPECT_THAT(immortal_keys(), IsEmpty());
}

TEST_F(RedisEventKeys, an_abandoned_namespace_disappears_by_itself) {
  publish_many(3);
  give("workers", "ann", 2);
  events().count_dropped(2);
  publish("build");
  advance(89 * 24h);
  EXPECT_EQ(head().last.ordinal, 3U);
  EXPECT_EQ(groups().groups("deploy").value().front().pending, 2U);
  advance(4 * 24h);
  EXPECT_THAT(keys(), IsEmpty());
  EXPECT_EQ(publish().ordinal, 1U);
}

TEST_F(RedisEventKeys, a_publication_a_read_of_a_group_and_bounds_prolong_the_life_of_a_stream_with_its_groups) {
  publish_many(2);
  give("workers", "ann", 1);
  const std::vector<std::string> kept{key(":h"),         key(":s"),         key(":g"),
                                      key(":o:workers"), key(":t:workers"), key(":p:workers")};
  const auto prolong = [&](auto call) {
    advance(80 * 24h);
    call();
    for (const std::string& one : kept) EXPECT_GT(time_to_live(one), 90 * 24h) << one;
  };
  prolong([&] { publish(); });
  prolong([&] { give("workers", "bob", 1); });
  prolong([&] { configure({}); });
  EXPECT_THAT(known_types(), ElementsAre("deploy"));
}

TEST_F(RedisEventKeys, a_group_that_had_nothing_pending_has_a_time_to_live_again) {
  publish_many(2);
  give("workers", "ann", 1);
  EXPECT_EQ(acknowledge("workers", {1}), 1U);
  EXPECT_EQ(command({"EXISTS", key(":o:workers"), key(":t:workers"), key(":p:workers")}), "0");
  give("workers", "ann", 1);
  EXPECT_EQ(command({"EXISTS", key(":o:workers"), key(":t:workers"), key(":p:workers")}), "3");
  EXPECT_THAT(immortal_keys(), IsEmpty());
}

TEST_F(RedisEventKeys, members_that_hold_nothing_leave_nothing) {
  publish();
  for (int i = 0; i < 50; ++i) give("workers", "member-" + std::to_string(i), 1);
  const std::size_t before = keys().size();
  EXPECT_EQ(acknowledge("workers", {1}), 1U);
  EXPECT_THAT(keys(), SizeIs(before - 3 + 1)) << "its three keys went, what it answered is remembered";
}

TEST_F(RedisEventKeys, a_stream_holds_little_more_than_a_reader_sees) {
  configure({.max_length = 10});
  publish_many(1'000);
  EXPECT_LE(std::stoul(command({"XLEN", key(":s")})), 10U + 100U);
  configure({.max_length = 1'000, .max_age = 10s});
  publish_many(500);
  advance(11s);
  publish();
  EXPECT_LE(std::stoul(command({"XLEN", key(":s")})), 1U + 100U);
}

TEST_F(RedisEventKeys, every_place_of_a_stream_is_found) {
  constexpr std::uint64_t kEvents = 3'000;
  std::mt19937 random(5);
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    publish();
    // In bursts of the same millisecond, at an even pace, and after long pauses.
    if (i % 1'000 > 500) advance(1ms * (random() % 5));
    if (random() % 200 == 0) advance(1h * (random() % 50));
  }
  events().trim("deploy", kEvents - 100).value();
  for (std::uint64_t after = 0; after <= kEvents + 1; ++after) {
    const std::uint64_t first = std::max<std::uint64_t>(after + 1, 101);
    const auto found = read(after, 2);
    ASSERT_EQ(found.size(), first > kEvents ? 0U : std::min<std::uint64_t>(2, kEvents - first + 1)) << after;
    ASSERT_EQ(found.empty() ? first : found.front().place.ordinal, first);
    const auto recent = events().recent("deploy", 1, after, 1).value();
    ASSERT_EQ(recent.empty() ? 0 : recent.front().place.ordinal, after <= 100 ? 0 : std::min(after, kEvents));
  }
  EXPECT_THAT(read(0, kEvents), SizeIs(kEvents - 100));
}

TEST_F(RedisEventKeys, a_place_is_found_by_few_looks) {
  for (int i = 0; i < 10'000; ++i) {
    publish();
    advance(1ms);
  }
  const std::uint64_t before = calls_of("xrange");
  EXPECT_THAT(read(5'000, 1), SizeIs(1));
  EXPECT_LE(calls_of("xrange") - before, 20U);
}

TEST_F(RedisEventKeys, more_data_than_an_answer_holds_comes_in_parts) {
  const std::string data = R"({"text":")" + std::string(200 * 1024, 'x') + R"("})";
  constexpr std::uint64_t kEvents = 50;
  for (std::uint64_t i = 0; i < kEvents; ++i) publish("deploy", data);
  std::uint64_t after = 0;
  int parts = 0;
  for (; after < kEvents; ++parts) {
    const auto part = read(after, kEvents);
    ASSERT_FALSE(part.empty());
    EXPECT_EQ(part.front().place.ordinal, after + 1);
    after = part.back().place.ordinal;
  }
  EXPECT_GT(parts, 1);
  EXPECT_THAT(events().recent("deploy", 1, kEvents, kEvents).value(), SizeIs(kEvents));
  EXPECT_LT(give("workers", "ann", kEvents).events.size(), kEvents);
}

TEST_F(RedisEventKeys, more_pending_events_than_a_script_may_remove_are_told_as_one_gap) {
  constexpr std::uint64_t kEvents = 2 * limits::kRedisSettledPerScript + 10;
  publish_many(kEvents);
  while (!give("workers", "ann", limits::kConsumeCountMax).events.empty()) {
  }
  events().trim("deploy", 5).value();
  const GroupSlice slice = give("workers", "bob", 1);
  ASSERT_TRUE(slice.gap);
  EXPECT_EQ(*slice.gap, (Gap{.event_type = "deploy", .from = 1, .to = kEvents - 5, .lost = kEvents - 5}));
  EXPECT_FALSE(give("workers", "bob", 1).gap);
}

TEST_F(RedisEventKeys, a_repeated_publication_is_recognised_whatever_came_after) {
  const OutgoingEvent event{.id = next_id(), .type = "deploy", .data = "{}", .source = "ann"};
  const EventPlace place = events().publish(event).value();
  for (int i = 0; i < 6; ++i) {
    publish_many(20);
    advance(5s);
    EXPECT_EQ(events().publish(event).value(), place) << i;
  }
  EXPECT_EQ(head().last.ordinal, 121U);
}

TEST_F(RedisEventKeys, what_is_remembered_of_publications_goes) {
  publish();
  advance(31s);
  publish();
  EXPECT_THAT(remembered(), SizeIs(2));
  advance(31s);
  publish();
  EXPECT_THAT(remembered(), SizeIs(2));
  advance(63s);
  EXPECT_THAT(remembered(), IsEmpty());
  publish();
  EXPECT_THAT(remembered(), SizeIs(1));
}

TEST_F(RedisEventKeys, a_read_of_a_group_that_is_carried_out_twice_gives_the_same) {
  publish_many(10);
  give("workers", "ann", 2);
  events().trim("deploy", 6).value();
  const Reply first = read_group_twice_as("01J00000000000000000000000");
  EXPECT_THAT(first.elements, SizeIs(5 + 3 * 3)) << "gap and three events";
  EXPECT_EQ(read_group_twice_as("01J00000000000000000000000"), first);
  EXPECT_NE(read_group_twice_as("01J00000000000000000000001"), first);
}

TEST_F(RedisEventKeys, a_read_of_a_group_that_is_carried_out_again_does_not_give_what_another_has_now) {
  publish_many(3);
  const Reply first = read_group_twice_as("01J00000000000000000000000");
  EXPECT_THAT(first.elements, SizeIs(5 + 3 * 3));
  acknowledge("workers", {1});
  advance(60s);
  ASSERT_THAT(give("workers", "ann", 1).events, SizeIs(1));
  const Reply again = read_group_twice_as("01J00000000000000000000000");
  ASSERT_THAT(again.elements, SizeIs(5 + 3)) << "one is acknowledged, one is ann's";
  EXPECT_TRUE(again.elements[5].text.ends_with("-3")) << again.elements[5].text;
}

TEST_F(RedisEventKeys, an_acknowledgement_or_a_trim_that_is_carried_out_twice_counts_the_same) {
  publish_many(5);
  give("workers", "ann", 5);
  const std::string ms = std::to_string(now_ms());
  const auto acknowledge_as = [&](std::string_view call) {
    return run(kEventGroupAcknowledge, {"workers", call, "6000", "1", ms, "2", ms}).elements.back().text;
  };
  EXPECT_EQ(acknowledge_as("01J00000000000000000000000"), "2");
  EXPECT_EQ(acknowledge_as("01J00000000000000000000000"), "2");
  EXPECT_EQ(acknowledge_as("01J00000000000000000000001"), "0");
  const auto trim_as = [&](std::string_view call) { return run(kEventTrim, {"1", call, "6000"}).elements.back().text; };
  EXPECT_EQ(trim_as("01J00000000000000000000002"), "4");
  EXPECT_EQ(trim_as("01J00000000000000000000002"), "4");
  EXPECT_EQ(trim_as("01J00000000000000000000003"), "0");
}

TEST_F(RedisEventKeys, a_registry_that_was_lost_is_made_again_within_a_minute) {
  publish();
  command({"DEL", registry(":t"), registry(":v")});
  EXPECT_THAT(known_types(), IsEmpty());
  publish();
  EXPECT_THAT(known_types(), IsEmpty()) << "the process said so lately";
  advance(1min);
  publish();
  EXPECT_THAT(known_types(), ElementsAre("deploy"));
}

TEST_F(RedisEventKeys, streams_of_a_server_that_lost_everything_are_listed_as_soon_as_they_are_used) {
  publish();
  configure({}, "configured");
  give("workers", "ann", 1);
  command({"FLUSHALL"});
  publish();
  EXPECT_THAT(known_types(), ElementsAre("deploy"));
  configure({}, "configured");
  EXPECT_THAT(known_types(), ElementsAre("configured", "deploy"));
  command({"FLUSHALL"});
  give("workers", "ann", 1);
  EXPECT_THAT(known_types(), ElementsAre("deploy"));
}

TEST_F(RedisEventKeys, a_registry_that_cannot_be_told_keeps_nobody_from_streams_that_are_there) {
  const auto publish_to = [this](EventStore& store, std::string_view type) {
    return store.publish({.id = next_id(), .type = type, .data = "{}", .source = {}}).has_value();
  };
  const std::vector<std::string> types{"a", "b", "c", "d"};
  for (const std::string& type : types) publish(type);
  command({"SET", registry(":t"), "no list of types"});
  const auto fresh = another_store();
  const std::uint64_t scripts = calls_of("evalsha");
  for (const std::string& type : types) EXPECT_TRUE(publish_to(*fresh, type)) << type;
  EXPECT_EQ(calls_of("evalsha") - scripts, types.size() + 1) << "after one failure no other type is tried";
  EXPECT_TRUE(fresh->configure("a", {}));
  EXPECT_FALSE(publish_to(*fresh, "new"));
  EXPECT_THAT(keys("*/new}*"), IsEmpty()) << "whoever waits for all streams would not hear of it";
  command({"DEL", registry(":t")});
  EXPECT_TRUE(publish_to(*fresh, "b"));
  EXPECT_THAT(known_types(), IsEmpty());
  advance(1min);
  EXPECT_TRUE(publish_to(*fresh, "b"));
  EXPECT_THAT(known_types(), ElementsAre("b"));
}

TEST_F(RedisEventKeys, a_stream_is_known_before_its_first_event) {
  command({"ZADD", registry(":t"), std::to_string(now_ms()), "deploy"});
  const std::vector<StreamHead> heads = events().heads().value();
  ASSERT_THAT(heads, SizeIs(1));
  EXPECT_EQ(heads.front().type, "deploy");
  EXPECT_EQ(heads.front().last, EventPlace{});
  EXPECT_TRUE(heads.front().is_only_announced) << "whoever waits listens to it, and nobody is shown it";
  EXPECT_THAT(events().heads("deploy").value(), IsEmpty());
}

TEST_F(RedisEventKeys, dead_types_make_room_for_new_ones) {
  for (std::size_t i = 0; i < limits::kStreamsMax; ++i) {
    command({"ZADD", registry(":t"), std::to_string(now_ms()), "type" + std::to_string(i)});
  }
  EXPECT_FALSE(events().publish({.id = next_id(), .type = "deploy", .data = "{}", .source = {}}));
  advance(92 * 24h);
  publish();
  EXPECT_THAT(known_types(), ElementsAre("deploy"));
}

TEST_F(RedisEventKeys, dropped_events_are_handed_on) {
  const auto elsewhere = another_store();
  events().count_dropped(3);
  EXPECT_EQ(elsewhere->dropped().value(), 0U);
  EXPECT_EQ(events().dropped().value(), 3U);
  events().hand_on_dropped(20s);
  EXPECT_EQ(elsewhere->dropped().value(), 3U);
  elsewhere->count_dropped(2);
  EXPECT_EQ(elsewhere->dropped().value(), 5U);
  EXPECT_EQ(events().dropped().value(), 3U);
}

TEST_F(RedisEventKeys, a_stream_that_the_server_evicted_is_a_gap) {
  publish_many(5);
  give("workers", "ann", 2);
  command({"DEL", key(":s")});
  EXPECT_EQ(head().first, 6U);
  EXPECT_THAT(read(0, 10), IsEmpty());
  EXPECT_EQ(publish().ordinal, 6U);
  EXPECT_EQ(read(0, 10).front().place.ordinal, 6U);
  const GroupSlice slice = give("workers", "bob", 10);
  ASSERT_TRUE(slice.gap);
  EXPECT_EQ(slice.gap->lost, 5U);
  EXPECT_THAT(slice.events, SizeIs(1));
}

TEST_F(RedisEventKeys, a_stream_whose_head_the_server_evicted_begins_anew) {
  publish_many(5);
  give("workers", "ann", 2);
  command({"DEL", key(":h")});
  EXPECT_EQ(publish().ordinal, 1U);
  EXPECT_THAT(read(0, 10), SizeIs(1));
  EXPECT_THAT(groups().groups("deploy").value(), IsEmpty());
  EXPECT_THAT(give("workers", "bob", 10).events, SizeIs(1));
  EXPECT_THAT(groups().pending("deploy", "workers", 10).value(), SizeIs(1));
}

TEST_F(RedisEventKeys, a_full_server_refuses_publications_and_new_streams_and_nothing_else) {
  publish_many(3);
  give("workers", "ann", 1);
  EXPECT_EQ(command({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  const auto refused = events().publish({.id = next_id(), .type = "deploy", .data = "{}", .source = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_THAT(read(0, 10), SizeIs(3));
  EXPECT_THAT(events().recent("deploy", 1, 10, 10).value(), SizeIs(3));
  EXPECT_THAT(events().heads().value(), SizeIs(1));
  EXPECT_THAT(give("workers", "ann", 1).events, SizeIs(1));
  EXPECT_EQ(acknowledge("workers", {1, 2}), 2U);
  EXPECT_EQ(events().trim("deploy", 1).value(), 2U);
  EXPECT_TRUE(groups().groups("deploy"));
  EXPECT_TRUE(groups().pending("deploy", "workers", 10));
  EXPECT_TRUE(another_store()->configure("deploy", {.max_length = 1}));
  EXPECT_TRUE(other_groups()->read({.type = "deploy", .group = "new", .consumer = "ann", .start_after = 0}));
  EXPECT_EQ(events().configure("new", {}).error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(groups().read({.type = "new", .group = "new", .consumer = "ann", .start_after = 0}).error().code,
            ErrorCode::resource_exhausted);
  EXPECT_EQ(command({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  EXPECT_EQ(publish().ordinal, 4U);
}

TEST_F(RedisEventKeys, of_a_thousand_streams_only_those_with_news_cost_a_script) {
  std::vector<std::string> types;
  std::vector<StreamCursor> cursors;
  for (std::size_t i = 0; i < limits::kStreamsMax; ++i) types.push_back("type" + std::to_string(i));
  for (const std::string& type : types) {
    publish(type);
    cursors.push_back({type, 1});
  }
  publish(types[7]);
  const std::uint64_t scripts = calls_of("evalsha");
  const auto slices = events().read(cursors, 10).value();
  EXPECT_EQ(calls_of("evalsha") - scripts, 1U);
  ASSERT_THAT(slices, SizeIs(types.size()));
  EXPECT_EQ(slices[7].events.front().place.ordinal, 2U);
  EXPECT_THAT(slices[8].events, IsEmpty());
  EXPECT_THAT(events().heads().value(), SizeIs(types.size()));
  EXPECT_EQ(calls_of("evalsha") - scripts, 1U);
}

TEST_F(RedisEventKeys, many_streams_that_a_server_without_scripts_has_are_read) {
  std::vector<std::string> types;
  std::vector<StreamCursor> cursors;
  for (int i = 0; i < 300; ++i) types.push_back("type" + std::to_string(i));
  for (const std::string& type : types) {
    publish(type);
    cursors.push_back({type, 0});
  }
  EXPECT_EQ(command({"SCRIPT", "FLUSH"}), "OK");
  const auto slices = events().read(cursors, 10).value();
  for (const StreamSlice& slice : slices) EXPECT_THAT(slice.events, SizeIs(1));
}

TEST_F(RedisEventKeys, however_many_events_are_acknowledged_it_is_one_script_that_reads_no_event) {
  publish_many(limits::kConsumeCountMax);
  std::vector<EventPlace> events;
  for (const StoredEvent& event : give("workers", "ann", limits::kConsumeCountMax).events) {
    events.push_back(event.place);
  }
  const std::uint64_t scripts = calls_of("evalsha");
  const std::uint64_t looks = calls_of("xrange") + calls_of("xrevrange");
  EXPECT_EQ(groups().acknowledge("deploy", "workers", events).value(), limits::kConsumeCountMax);
  EXPECT_EQ(calls_of("evalsha") - scripts, 1U);
  EXPECT_EQ(calls_of("xrange") + calls_of("xrevrange"), looks);
}

TEST_F(RedisEventKeys, what_others_left_there_does_not_make_a_publication_dearer) {
  publish();
  const std::uint64_t commands = calls_of_all();
  publish();
  const std::uint64_t alone = calls_of_all() - commands;
  for (int i = 0; i < 50; ++i) {
    publish("type" + std::to_string(i));
    give("group-" + std::to_string(i), "ann", 1);
  }
  publish_many(2'000);
  const std::uint64_t later = calls_of_all();
  publish();
  EXPECT_EQ(calls_of_all() - later, alone);
}

}  // namespace
}  // namespace aldis::testing
