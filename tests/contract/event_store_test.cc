// Publishing and reading: the sentences of ports/event_store.h but for the bounds (event_bounds_test.cc), on every
// engine.

#include <gmock/gmock.h>

#include <array>
#include <set>
#include <thread>

#include "contract/event_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using EventStoreContract = EventContract;

TEST_P(EventStoreContract, a_stream_is_known_from_its_first_event) {
  EXPECT_THAT(known_streams(), IsEmpty());
  publish("deploy");
  EXPECT_THAT(known_streams(), ElementsAre("deploy"));
}

TEST_P(EventStoreContract, a_stream_is_known_from_its_configuration) {
  configure({.max_length = 5});
  EXPECT_THAT(known_streams(), ElementsAre("deploy"));
  EXPECT_EQ(head().last, EventPlace{});
  EXPECT_EQ(head().first, 1U);
  EXPECT_EQ(publish().ordinal, 1U);
}

TEST_P(EventStoreContract, ordinals_begin_with_1_and_are_dense) {
  EXPECT_EQ(publish().ordinal, 1U);
  EXPECT_EQ(publish().ordinal, 2U);
  EXPECT_EQ(publish().ordinal, 3U);
  EXPECT_EQ(read(), from_to(1, 3));
}

TEST_P(EventStoreContract, each_stream_counts_for_itself) {
  publish_many(2, "deploy");
  EXPECT_EQ(publish("build").ordinal, 1U);
  EXPECT_EQ(publish("deploy").ordinal, 3U);
  EXPECT_EQ(read("build"), from_to(1, 1));
  EXPECT_EQ(read("deploy"), from_to(1, 3));
}

TEST_P(EventStoreContract, ordinals_go_on_after_a_trim) {
  publish_many(3);
  trim(1);
  EXPECT_EQ(publish().ordinal, 4U);
}

TEST_P(EventStoreContract, ordinals_go_on_after_all_events_are_removed) {
  publish_many(3);
  trim(0);
  EXPECT_EQ(publish().ordinal, 4U);
  trim(0);
  trim(0);
  EXPECT_EQ(publish().ordinal, 5U);
  EXPECT_EQ(seen(), "5-5");
}

TEST_P(EventStoreContract, an_event_comes_back_as_it_was_published) {
  const EventPlace place = publish("deploy", R"({"to":"prod","n":1.50})", "ann's \"laptop\" \xC3\xBC");
  const std::vector<StoredEvent> events = slice().events;
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].place, place);
  EXPECT_EQ(events[0].data, R"({"to":"prod","n":1.50})");
  EXPECT_EQ(events[0].source, "ann's \"laptop\" \xC3\xBC");
  EXPECT_EQ(must(store().recent("deploy", 1, 1, 1)), events);
}

TEST_P(EventStoreContract, the_largest_data_comes_back_whole) {
  const std::string data = R"({"text":")" + std::string(limits::kPayloadBytesMax - 11, 'x') + R"("})";
  ASSERT_EQ(data.size(), limits::kPayloadBytesMax);
  publish("deploy", data);
  ASSERT_EQ(slice().events.size(), 1U);
  EXPECT_EQ(slice().events[0].data, data);
}

TEST_P(EventStoreContract, publishing_again_right_away_changes_nothing_and_answers_the_same) {
  publish();
  const Id128 id = next_id();
  const auto publish_it = [&](std::string_view data) {
    return must(store().publish({.id = id, .type = "deploy", .data = data, .source = "ann"}));
  };
  const EventPlace place = publish_it("{}");
  advance(20s);
  EXPECT_EQ(publish_it(R"({"again":1})"), place);
  EXPECT_EQ(seen(), "1-2");
  EXPECT_EQ(slice().events[1].data, "{}");
  EXPECT_EQ(publish().ordinal, 3U);
}

TEST_P(EventStoreContract, publishing_again_brings_a_trimmed_event_not_back) {
  const Id128 id = next_id();
  const auto publish_it = [&] {
    return must(store().publish({.id = id, .type = "deploy", .data = "{}", .source = {}}));
  };
  const EventPlace place = publish_it();
  trim(0);
  EXPECT_EQ(publish_it(), place);
  EXPECT_THAT(read(), IsEmpty());
}

TEST_P(EventStoreContract, a_publication_may_have_a_patience_of_its_own) {
  const OutgoingEvent event{.id = next_id(), .type = "deploy", .data = "{}", .source = {}, .at_most = 20s};
  EXPECT_EQ(must(store().publish(event)).ordinal, 1U);
}

TEST_P(EventStoreContract, the_ms_is_the_time_of_the_store) {
  const EventPlace first = publish();
  advance(1500ms);
  EXPECT_EQ(publish().ms, first.ms + 1500);
}

TEST_P(EventStoreContract, the_ms_never_goes_back) {
  advance(1h);
  const EventPlace before = publish();
  step_wall(-1h);
  const EventPlace after = publish();
  EXPECT_EQ(after.ms, before.ms);
  EXPECT_EQ(after.ordinal, before.ordinal + 1);
  trim(0);
  EXPECT_EQ(publish().ms, before.ms);
  advance(1h + 1ms);
  EXPECT_GT(publish().ms, before.ms);
}

TEST_P(EventStoreContract, heads_come_in_the_byte_order_of_the_types) {
  for (const std::string_view type : {"b", "a.b", "a", "B", "a-b", "a/b", "ab"}) publish(type);
  EXPECT_THAT(known_streams(), ElementsAre("B", "a", "a-b", "a.b", "a/b", "ab", "b"));
}

TEST_P(EventStoreContract, the_head_of_one_type_is_of_that_alone) {
  publish("deploy");
  const EventPlace place = publish("deploy");
  publish("deploy.done");
  EXPECT_EQ(head("deploy").type, "deploy");
  EXPECT_EQ(head("deploy").last, place);
  EXPECT_EQ(head("deploy").first, 1U);
  EXPECT_EQ(head("deploy").bounds, StreamBounds{});
  EXPECT_FALSE(is_known("deplo"));
  EXPECT_FALSE(is_known("Deploy"));
}

TEST_P(EventStoreContract, a_read_begins_behind_its_cursor) {
  publish_many(5);
  EXPECT_EQ(read("deploy", 0), from_to(1, 5));
  EXPECT_EQ(read("deploy", 3), from_to(4, 5));
  EXPECT_THAT(read("deploy", 5), IsEmpty());
  EXPECT_THAT(read("deploy", 500), IsEmpty());
  EXPECT_THAT(read("deploy", kNoEnd), IsEmpty());
}

TEST_P(EventStoreContract, a_read_gives_at_most_so_many_of_each_stream) {
  publish_many(5, "deploy");
  publish_many(5, "build");
  const std::array cursors{StreamCursor{"deploy", 1}, StreamCursor{"build", 0}};
  const auto slices = must(store().read(cursors, 3));
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(ordinals_of(slices[0].events), from_to(2, 4));
  EXPECT_EQ(ordinals_of(slices[1].events), from_to(1, 3));
}

TEST_P(EventStoreContract, slices_come_in_the_order_of_the_cursors_with_their_heads) {
  const EventPlace zeta = publish("zeta");
  publish_many(3, "alpha");
  trim(1, "alpha");
  const std::array cursors{StreamCursor{"zeta", 0}, StreamCursor{"nobody", 7}, StreamCursor{"alpha", 0}};
  const auto slices = must(store().read(cursors, 10));
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0].head.type, "zeta");
  EXPECT_EQ(slices[0].head.last, zeta);
  EXPECT_EQ(slices[1].head.type, "nobody");
  EXPECT_EQ(slices[1].head.last, EventPlace{});
  EXPECT_EQ(slices[1].head.first, 1U);
  EXPECT_THAT(slices[1].events, IsEmpty());
  EXPECT_EQ(slices[2].head.type, "alpha");
  EXPECT_EQ(slices[2].head.first, 3U);
  EXPECT_EQ(ordinals_of(slices[2].events), from_to(3, 3));
}

TEST_P(EventStoreContract, a_read_makes_no_stream_known) {
  slice("nobody");
  EXPECT_THAT(must(store().recent("nobody", 1, 9, 9)), IsEmpty());
  EXPECT_THAT(known_streams(), IsEmpty());
}

TEST_P(EventStoreContract, recent_events_come_newest_first) {
  publish_many(5);
  EXPECT_THAT(recent(), ElementsAre(5, 4, 3, 2, 1));
  EXPECT_THAT(recent(1, kNoEnd, 2), ElementsAre(5, 4));
}

TEST_P(EventStoreContract, recent_events_lie_within_both_ordinals) {
  publish_many(5);
  EXPECT_THAT(recent(2, 4), ElementsAre(4, 3, 2));
  EXPECT_THAT(recent(2, 4, 1), ElementsAre(4));
  EXPECT_THAT(recent(0, 1), ElementsAre(1));
  EXPECT_THAT(recent(6, 9), IsEmpty());
  EXPECT_THAT(recent(4, 2), IsEmpty());
  EXPECT_THAT(recent(kNoEnd, kNoEnd), IsEmpty());
}

TEST_P(EventStoreContract, publishing_rings_for_the_stream) {
  EXPECT_TRUE(rings_stream("deploy", [&] { publish("deploy"); }));
  EXPECT_TRUE(rings_stream("deploy", [&] { publish("deploy"); }));
}

TEST_P(EventStoreContract, publishing_is_silent_for_other_streams) {
  publish("deploy");
  EXPECT_TRUE(listening().is_silent({Topic::Kind::stream, "build"}, [&] { publish("deploy"); }));
  EXPECT_TRUE(listening().is_silent({Topic::Kind::streams, {}}, [&] { publish("deploy"); }));
}

TEST_P(EventStoreContract, a_stream_that_became_known_rings_for_all_streams) {
  EXPECT_TRUE(rings_streams([&] { publish("deploy"); }));
  EXPECT_TRUE(rings_streams([&] { configure({}, "build"); }));
  EXPECT_TRUE(listening().is_silent({Topic::Kind::streams, {}}, [&] { configure({}, "deploy"); }));
}

TEST_P(EventStoreContract, streams_beyond_the_limit_are_refused_and_change_nothing) {
  for (std::size_t i = 0; i < limits::kStreamsMax; ++i) publish("type" + std::to_string(i));
  const OutgoingEvent event{.id = next_id(), .type = "another", .data = "{}", .source = {}};
  EXPECT_EQ(outcome_of(store().publish(event)), "resource_exhausted");
  EXPECT_EQ(outcome_of(store().configure("another", {})), "resource_exhausted");
  EXPECT_EQ(outcome_of(try_group_read("ann", {.type = "another"})), "resource_exhausted");
  EXPECT_EQ(known_streams().size(), limits::kStreamsMax);
  EXPECT_FALSE(is_known("another"));
  EXPECT_EQ(publish("type7").ordinal, 2U);
  configure({.max_length = 1}, "type7");
  EXPECT_EQ(seen("type7"), "2-2");
}

TEST_P(EventStoreContract, dropped_events_are_counted) {
  EXPECT_EQ(must(store().dropped()), 0U);
  store().count_dropped(2);
  store().count_dropped(3);
  EXPECT_EQ(must(store().dropped()), 5U);
}

TEST_P(EventStoreContract, publishers_at_the_same_time_leave_no_hole_and_share_no_place) {
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kEach = 50;
  std::array<std::vector<std::uint64_t>, kThreads> published;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this, thread, &mine = published[thread]] {
        for (std::uint64_t i = 0; i < kEach; ++i) {
          Id128 id;
          id.bytes = {0xFF, static_cast<std::uint8_t>(thread), static_cast<std::uint8_t>(i)};
          mine.push_back(must(store().publish({.id = id, .type = "deploy", .data = "{}", .source = {}})).ordinal);
        }
      });
    }
  }
  std::set<std::uint64_t> all;
  for (const auto& mine : published) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(Ordinals(all.begin(), all.end()), from_to(1, kThreads * kEach));
  EXPECT_EQ(read("deploy", 0, 1000), from_to(1, kThreads * kEach));
}

INSTANTIATE_TEST_SUITE_P(Engines, EventStoreContract, ::testing::ValuesIn(all_engines()), event_engine_name);

}  // namespace
}  // namespace aldis::testing
