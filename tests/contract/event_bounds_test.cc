// What a stream keeps: length, age and trim, exact in what a reader sees at every moment, on every engine.

#include <gmock/gmock.h>

#include "contract/event_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using EventBoundsContract = EventContract;

TEST_P(EventBoundsContract, a_stream_keeps_its_newest_events) {
  configure({.max_length = 3});
  publish_many(5);
  EXPECT_EQ(seen(), "3-5");
  EXPECT_EQ(read(), from_to(3, 5));
  EXPECT_THAT(recent(), ElementsAre(5, 4, 3));
}

TEST_P(EventBoundsContract, the_length_is_exact_after_every_event) {
  configure({.max_length = 10});
  for (std::uint64_t last = 1; last <= 3 * limits::kRemovalsPerPublish + 5; ++last) {
    publish();
    const std::uint64_t first = last > 10 ? last - 9 : 1;
    ASSERT_EQ(seen(), std::to_string(first) + "-" + std::to_string(last));
    ASSERT_EQ(read(), from_to(first, last));
    ASSERT_EQ(recent().back(), first);
  }
}

TEST_P(EventBoundsContract, a_stream_that_nobody_configured_keeps_the_default) {
  publish_many(limits::kStreamLengthDefault);
  EXPECT_EQ(seen(), "1-" + std::to_string(limits::kStreamLengthDefault));
  publish_many(2);
  EXPECT_EQ(seen(), "3-" + std::to_string(limits::kStreamLengthDefault + 2));
}

TEST_P(EventBoundsContract, a_stream_may_keep_one_event) {
  configure({.max_length = 1});
  publish_many(70);
  EXPECT_EQ(read(), from_to(70, 70));
}

TEST_P(EventBoundsContract, a_smaller_length_hides_at_once) {
  publish_many(5);
  configure({.max_length = 2});
  EXPECT_EQ(seen(), "4-5");
  EXPECT_EQ(read(), from_to(4, 5));
}

TEST_P(EventBoundsContract, a_greater_length_brings_nothing_back) {
  configure({.max_length = 2});
  publish_many(5);
  configure({.max_length = 100});
  EXPECT_EQ(seen(), "4-5");
  publish();
  EXPECT_EQ(read(), from_to(4, 6));
}

TEST_P(EventBoundsContract, each_stream_has_its_own_bounds) {
  configure({.max_length = 2, .max_age = 5s}, "deploy");
  configure({.max_length = 3}, "build");
  EXPECT_EQ(head("deploy").bounds, (StreamBounds{.max_length = 2, .max_age = 5s}));
  EXPECT_EQ(head("build").bounds, (StreamBounds{.max_length = 3}));
  publish_many(4, "deploy");
  publish_many(4, "build");
  EXPECT_EQ(seen("deploy"), "3-4");
  EXPECT_EQ(seen("build"), "2-4");
}

TEST_P(EventBoundsContract, the_newest_bounds_count) {
  configure({.max_length = 2, .max_age = 5s});
  configure({.max_length = 7});
  EXPECT_EQ(head().bounds, (StreamBounds{.max_length = 7}));
}

TEST_P(EventBoundsContract, an_event_is_seen_until_it_is_older_than_the_greatest_age) {
  configure({.max_age = 10s});
  publish();
  advance(10s);
  EXPECT_EQ(read(), from_to(1, 1));
  advance(1ms);
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_THAT(recent(), IsEmpty());
  EXPECT_EQ(seen(), "2-1");
}

TEST_P(EventBoundsContract, events_leave_one_by_one_as_they_get_too_old) {
  configure({.max_age = 10s});
  for (int i = 0; i < 5; ++i) {
    publish();
    advance(2s);
  }
  EXPECT_EQ(seen(), "1-5");
  advance(1s);
  EXPECT_EQ(seen(), "2-5");
  advance(2s);
  EXPECT_EQ(read(), from_to(3, 5));
  advance(4s);
  EXPECT_EQ(seen(), "5-5");
  advance(2s);
  EXPECT_EQ(seen(), "6-5");
  EXPECT_EQ(publish().ordinal, 6U);
  EXPECT_EQ(read(), from_to(6, 6));
}

TEST_P(EventBoundsContract, the_age_is_exact_however_many_are_too_old) {
  configure({.max_age = 10s});
  publish_many(3 * limits::kRemovalsPerPublish);
  advance(11s);
  EXPECT_THAT(read(), IsEmpty());
  for (std::uint64_t i = 1; i <= 2 * limits::kRemovalsPerPublish; ++i) {
    const std::uint64_t ordinal = publish().ordinal;
    ASSERT_EQ(ordinal, 3 * limits::kRemovalsPerPublish + i);
    ASSERT_EQ(head().first, 3 * limits::kRemovalsPerPublish + 1);
  }
  EXPECT_EQ(read("deploy", 0, 2).front(), 3 * limits::kRemovalsPerPublish + 1);
}

TEST_P(EventBoundsContract, an_age_counts_for_events_of_before) {
  publish();
  advance(10s);
  publish();
  configure({.max_age = 5s});
  EXPECT_EQ(seen(), "2-2");
}

TEST_P(EventBoundsContract, a_greater_age_brings_nothing_back) {
  configure({.max_age = 5s});
  publish();
  advance(6s);
  publish();
  configure({.max_age = 60s});
  EXPECT_EQ(seen(), "2-2");
  configure({});
  EXPECT_EQ(seen(), "2-2");
}

TEST_P(EventBoundsContract, length_and_age_both_count) {
  configure({.max_length = 2, .max_age = 10s});
  publish_many(3);
  EXPECT_EQ(seen(), "2-3");
  advance(6s);
  publish();
  EXPECT_EQ(seen(), "3-4");
  advance(6s);
  EXPECT_EQ(seen(), "4-4");
}

TEST_P(EventBoundsContract, a_step_of_the_wall_clock_changes_no_age) {
  configure({.max_age = 10s});
  publish();
  advance(6s);
  step_wall(1h);
  EXPECT_EQ(seen(), "1-1");
  step_wall(-2h);
  advance(5s);
  EXPECT_EQ(seen(), "2-1");
}

TEST_P(EventBoundsContract, a_trim_keeps_the_newest_and_says_how_many_went) {
  publish_many(5);
  EXPECT_EQ(trim(2), 3U);
  EXPECT_EQ(seen(), "4-5");
  EXPECT_EQ(read(), from_to(4, 5));
  EXPECT_THAT(recent(), ElementsAre(5, 4));
  EXPECT_EQ(trim(2), 0U);
  EXPECT_EQ(trim(100), 0U);
  EXPECT_EQ(seen(), "4-5");
}

TEST_P(EventBoundsContract, a_trim_counts_only_what_a_reader_saw) {
  configure({.max_length = 3, .max_age = 10s});
  publish_many(5);
  EXPECT_EQ(trim(2), 1U);
  advance(11s);
  EXPECT_EQ(trim(0), 0U);
}

TEST_P(EventBoundsContract, a_trim_to_nothing_hides_all_and_keeps_the_stream) {
  configure({.max_length = 7});
  publish_many(5);
  const EventPlace last = head().last;
  EXPECT_EQ(trim(0), 5U);
  EXPECT_EQ(seen(), "6-5");
  EXPECT_EQ(head().last, last);
  EXPECT_EQ(head().bounds, (StreamBounds{.max_length = 7}));
  EXPECT_THAT(read(), IsEmpty());
  EXPECT_THAT(recent(), IsEmpty());
}

TEST_P(EventBoundsContract, a_trim_of_many_hides_them_all) {
  publish_many(5 * limits::kRemovalsPerPublish);
  EXPECT_EQ(trim(1), 5 * limits::kRemovalsPerPublish - 1);
  EXPECT_EQ(read(), from_to(5 * limits::kRemovalsPerPublish, 5 * limits::kRemovalsPerPublish));
}

TEST_P(EventBoundsContract, a_trim_touches_no_other_stream) {
  publish_many(3, "deploy");
  publish_many(3, "build");
  trim(1, "deploy");
  EXPECT_EQ(seen("build"), "1-3");
}

TEST_P(EventBoundsContract, nothing_trimmed_comes_back) {
  publish_many(3);
  trim(1);
  configure({.max_length = 100});
  publish();
  EXPECT_EQ(read(), from_to(3, 4));
}

TEST_P(EventBoundsContract, a_stream_that_is_not_known_has_nothing_to_trim) {
  EXPECT_EQ(trim(0), 0U);
  EXPECT_FALSE(is_known("deploy"));
}

// What may go besides limits::kStreamIdle before a stream makes room: uses are noted now and then.
constexpr auto kIdle = limits::kStreamIdle + 50h;

class StreamSlotsContract : public EventContract {
 protected:
  void fill_slots() {
    for (std::size_t i = 0; i < limits::kStreamsMax; ++i) publish("type" + std::to_string(i));
  }
  Result<EventPlace> try_publish(std::string_view type) {
    return store().publish({.id = next_id(), .type = type, .data = "{}", .source = {}});
  }
};

TEST_P(StreamSlotsContract, a_stream_that_nobody_uses_makes_room_for_another) {
  fill_slots();
  const auto refused = try_publish("another");
  ASSERT_EQ(outcome_of(refused), "resource_exhausted");
  EXPECT_FALSE(refused.error().retryable);
  advance(kIdle / 2);
  publish("type7");
  configure({}, "type8");
  ASSERT_TRUE(try_group_read("ann", {.type = "type9"}));
  EXPECT_EQ(outcome_of(try_publish("another")), "resource_exhausted");
  advance(kIdle / 2 + 1h);
  EXPECT_EQ(publish("another").ordinal, 1U);
  EXPECT_LE(known_streams().size(), limits::kStreamsMax);
  for (const std::string used : {"type7", "type8", "type9", "another"}) EXPECT_TRUE(is_known(used)) << used;
}

TEST_P(StreamSlotsContract, what_made_room_begins_anew) {
  fill_slots();
  advance(kIdle);
  for (std::size_t i = 0; i < limits::kStreamsMax; ++i) publish("new" + std::to_string(i));
  EXPECT_EQ(outcome_of(try_publish("type7")), "resource_exhausted");
  EXPECT_FALSE(is_known("type7"));
  advance(kIdle);
  EXPECT_EQ(publish("type7").ordinal, 1U);
  EXPECT_EQ(read("type7"), from_to(1, 1));
}

TEST_P(StreamSlotsContract, what_aldis_publishes_about_itself_needs_no_room_and_takes_none) {
  publish(kOwnEventTypes[0]);
  fill_slots();
  for (const std::string_view own : kOwnEventTypes) publish(own);
  EXPECT_EQ(known_streams().size(), limits::kStreamsMax + kOwnEventTypes.size());
  EXPECT_EQ(outcome_of(try_publish("another")), "resource_exhausted");
}

INSTANTIATE_TEST_SUITE_P(Engines, StreamSlotsContract, ::testing::ValuesIn(all_engines()), event_engine_name);
INSTANTIATE_TEST_SUITE_P(Engines, EventBoundsContract, ::testing::ValuesIn(all_engines()), event_engine_name);

}  // namespace
}  // namespace aldis::testing
