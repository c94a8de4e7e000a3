// EventStreamer: publishing, reading without waiting, positions, gaps, and what it refuses.

#include <gmock/gmock.h>

#include <limits>

#include "events_world.h"
#include "fakes/forked_child.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ordinal_of(const std::string& event_id) { return event_id.substr(event_id.find('-') + 1); }

std::vector<std::string> ordinals_of(const Result<std::vector<StreamEvent>>& events) {
  EXPECT_TRUE(events) << events.error().message;
  std::vector<std::string> ordinals;
  for (const StreamEvent& event : *events) ordinals.push_back(ordinal_of(event.event_id));
  return ordinals;
}

// Everything from `start` on, read `count` at a time from position to position.
std::vector<std::string> read_through(EventStreamer& streamer, const std::vector<std::string>& types, std::string start,
                                      std::size_t count) {
  std::vector<std::string> all;
  for (;;) {
    const auto batch = streamer.consume_events(types, from(start, count));
    const std::vector<std::string> items = items_of(batch);
    if (items.empty()) return all;
    all.insert(all.end(), items.begin(), items.end());
    start = batch->position;
  }
}

TEST(Events, an_event_is_read_as_it_was_published) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto published = streamer.publish_event("deploy", *Json::parse(R"({"version":  7})"), "ci/build");
  ASSERT_TRUE(published);
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(world.clock->wall_now());
  EXPECT_EQ(published->event_id, fmt::format("{}-1", ms.time_since_epoch().count()));
  EXPECT_EQ(published->event_type, "deploy");
  EXPECT_EQ(published->timestamp, ms);
  EXPECT_EQ(published->data.text(), R"({"version":  7})");
  EXPECT_EQ(published->source, "ci/build");
  const auto batch = streamer.consume_events({"deploy"}, from("0"));
  ASSERT_THAT(batch->items, SizeIs(1));
  EXPECT_EQ(std::get<StreamEvent>(batch->items[0]), *published);
}

TEST(Events, data_and_source_may_be_left_out) {
  EventsWorld world;
  const auto published = world.streamer().publish_event("deploy");
  EXPECT_EQ(published->data.text(), "{}");
  EXPECT_EQ(published->source, "");
}

TEST(Events, time_never_goes_back_in_a_stream) {
  EventsWorld world;
  const auto first = world.streamer().publish_event("deploy");
  world.clock->step_wall(-1h);
  const auto second = world.streamer().publish_event("deploy");
  EXPECT_EQ(second->timestamp, first->timestamp);
  EXPECT_EQ(ordinal_of(second->event_id), "2");
}

TEST(Events, a_read_without_block_ms_returns_what_is_there_and_never_waits) {
  EventsWorld world;
  EXPECT_THAT(items_of(world.streamer().consume_events({"deploy"}, from("0"))), IsEmpty());
  world.publish("deploy", 2);
  EXPECT_THAT(items_of(world.streamer().consume_events({"deploy"}, from("0"))), ElementsAre("deploy 1", "deploy 2"));
  EXPECT_EQ(world.waker->sleeps, 0);
}

TEST(Events, a_read_begins_with_new_ones_unless_it_says_otherwise) {
  EventsWorld world;
  world.publish("deploy", 2);
  auto streamer = world.streamer();
  const auto batch = streamer.consume_events({"deploy"});
  EXPECT_THAT(items_of(batch), IsEmpty());
  world.publish("deploy", 1);
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from(batch->position))), ElementsAre("deploy 3"));
}

TEST(Events, a_stream_that_was_unknown_is_read_from_its_first_event) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto named = streamer.consume_events({"deploy"});
  const auto all = streamer.consume_events({});
  world.publish("deploy", 2);
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from(named->position))),
              ElementsAre("deploy 1", "deploy 2"));
  EXPECT_THAT(items_of(streamer.consume_events({}, from(all->position))), ElementsAre("deploy 1", "deploy 2"));
}

TEST(Events, what_is_published_while_a_read_begins_is_not_lost) {
  EventsWorld world;
  world.publish("deploy", 1);
  world.events->after_heads = [&] { world.publish("deploy", 1); };
  auto streamer = world.streamer();
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"})), ElementsAre("deploy 2"));
}

TEST(Events, a_read_goes_on_after_an_event_id) {
  EventsWorld world;
  const auto ids = world.publish("deploy", 3);
  EXPECT_THAT(items_of(world.streamer().consume_events({"deploy"}, from(ids[0]))), ElementsAre("deploy 2", "deploy 3"));
  EXPECT_THAT(items_of(world.streamer().consume_events({"deploy"}, from(ids[2]))), IsEmpty());
}

TEST(Events, a_read_gives_at_most_count_events) {
  EventsWorld world;
  world.publish("deploy", 5);
  EXPECT_THAT(items_of(world.streamer().consume_events({"deploy"}, from("0", 2))), ElementsAre("deploy 1", "deploy 2"));
}

TEST(Events, several_types_are_merged_by_time) {
  EventsWorld world;
  world.publish_in_turn({"b", "a", "b", "b", "c", "a"});
  EXPECT_THAT(items_of(world.streamer().consume_events({"b", "a", "b"}, from("0"))),
              ElementsAre("b 1", "a 1", "b 2", "b 3", "a 2"));
  EXPECT_THAT(items_of(world.streamer().consume_events({}, from("0"))),
              ElementsAre("b 1", "a 1", "b 2", "b 3", "c 1", "a 2"));
}

TEST(Events, a_count_is_used_up_although_one_stream_has_nearly_everything) {
  EventsWorld world;
  world.publish_in_turn({"a", "a", "a", "a", "b", "a", "a", "a"});
  EXPECT_THAT(items_of(world.streamer().consume_events({"a", "b", "unknown"}, from("0", 7))),
              ElementsAre("a 1", "a 2", "a 3", "a 4", "b 1", "a 5", "a 6"));
}

TEST(Events, positions_of_several_types_neither_repeat_nor_skip_however_a_read_is_cut) {
  EventsWorld world;
  world.publish_in_turn({"a", "b", "b", "c", "a", "c", "c", "c", "b", "a", "c", "a"});
  const std::vector<std::string> everything = {"a 1", "b 1", "b 2", "c 1", "a 2", "c 2",
                                               "c 3", "c 4", "b 3", "a 3", "c 5", "a 4"};
  auto streamer = world.streamer();
  for (std::size_t count = 1; count <= everything.size() + 1; ++count) {
    EXPECT_EQ(read_through(streamer, {"a", "b", "c"}, "0", count), everything) << count;
    EXPECT_EQ(read_through(streamer, {}, "0", count), everything) << count;
  }
}

TEST(Events, a_position_goes_on_with_streams_that_became_known_since) {
  EventsWorld world;
  world.publish_in_turn({"a"});
  auto streamer = world.streamer();
  const auto batch = streamer.consume_events({}, from("0"));
  world.publish_in_turn({"b", "a"});
  EXPECT_THAT(items_of(streamer.consume_events({}, from(batch->position))), ElementsAre("b 1", "a 2"));
}

TEST(Events, an_empty_answer_has_a_position_too) {
  EventsWorld world;
  const auto batch = world.streamer().consume_events({}, from("0"));
  EXPECT_THAT(batch->items, IsEmpty());
  EXPECT_EQ(batch->position, "p1;*");
  EXPECT_EQ(world.streamer().consume_events({"b", "a"}, from("0"))->position, "p1;a=0;b=0");
}

TEST(Events, a_reader_behind_the_oldest_kept_is_told_of_one_gap_and_goes_on) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto start = streamer.consume_events({"deploy"});
  world.publish("deploy", 5);
  ASSERT_TRUE(streamer.trim_stream("deploy", 2));
  const auto batch = streamer.consume_events({"deploy"}, from(start->position));
  EXPECT_THAT(items_of(batch), ElementsAre("gap of deploy 1-3 (3)", "deploy 4", "deploy 5"));
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from(batch->position))), IsEmpty());
}

TEST(Events, a_gap_is_not_counted_as_an_event) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto start = streamer.consume_events({"deploy"});
  world.publish("deploy", 5);
  ASSERT_TRUE(streamer.trim_stream("deploy", 2));
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from(start->position, 1))),
              ElementsAre("gap of deploy 1-3 (3)", "deploy 4"));
}

TEST(Events, who_asks_for_the_oldest_kept_misses_nothing) {
  EventsWorld world;
  world.publish("deploy", 5);
  ASSERT_TRUE(world.streamer().trim_stream("deploy", 2));
  EXPECT_THAT(items_of(world.streamer().consume_events({"deploy"}, from("0"))), ElementsAre("deploy 4", "deploy 5"));
  EXPECT_THAT(items_of(world.streamer().consume_events({}, from("0"))), ElementsAre("deploy 4", "deploy 5"));
}

TEST(Events, a_gap_comes_before_what_follows_it_and_after_what_is_older) {
  EventsWorld world;
  world.publish_in_turn({"a", "b"});
  auto streamer = world.streamer();
  const auto start = streamer.consume_events({});
  world.publish_in_turn({"b", "a", "a", "b", "a"});
  ASSERT_TRUE(streamer.trim_stream("a", 1));
  const std::vector<std::string> expected = {"b 2", "b 3", "gap of a 2-3 (2)", "a 4"};
  EXPECT_EQ(items_of(streamer.consume_events({}, from(start->position))), expected);
  for (std::size_t count = 1; count <= 4; ++count) {
    EXPECT_EQ(read_through(streamer, {}, start->position, count), expected) << count;
  }
}

TEST(Events, a_gap_that_nothing_follows_is_told_once) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto start = streamer.consume_events({"deploy"});
  world.publish("deploy", 3);
  EXPECT_EQ(streamer.delete_stream("deploy"), 3u);
  const auto batch = streamer.consume_events({"deploy"}, from(start->position));
  EXPECT_THAT(items_of(batch), ElementsAre("gap of deploy 1-3 (3)"));
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from(batch->position))), IsEmpty());
  world.publish("deploy", 1);
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from(batch->position))), ElementsAre("deploy 4"));
}

TEST(Events, bounds_of_count_and_age_are_enforced_at_every_read) {
  EventsWorld world;
  auto streamer = world.streamer();
  ASSERT_TRUE(streamer.configure_stream("deploy", {.max_length = 3, .max_age = 10s}));
  world.publish("deploy", 4);
  world.clock->advance(6s);
  world.publish("deploy", 1);
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from("0"))),
              ElementsAre("deploy 3", "deploy 4", "deploy 5"));
  world.clock->advance(5s);
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from("0"))), ElementsAre("deploy 5"));
  EXPECT_THAT(items_of(streamer.consume_events({"deploy"}, from("p1;deploy=0"))),
              ElementsAre("gap of deploy 1-4 (4)", "deploy 5"));
}

TEST(Events, a_position_ahead_of_its_stream_is_of_another_store) {
  EventsWorld world;
  const auto ids = world.publish("deploy", 3);
  EventsWorld other;
  const auto other_ids = other.publish("deploy", 2);
  for (const std::string& start : {ids[2], "p1;deploy=" + ids[2]}) {
    const auto batch = other.streamer().consume_events({"deploy"}, from(start));
    EXPECT_EQ(code_of(batch), ErrorCode::failed_precondition);
    EXPECT_THAT(batch.error().message, HasSubstr("ahead of stream deploy, whose newest event is 2"));
  }
  EXPECT_EQ(code_of(other.streamer().consume_events({}, from("p1;*;deploy=" + ids[2]))),
            ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(other.streamer().consume_events({"unknown"}, from("p1;unknown=5-1"))),
            ErrorCode::failed_precondition);
  EXPECT_TRUE(other.streamer().consume_events({"deploy"}, from("p1;deploy=" + other_ids[1])));
}

// A store that lost its newest events gives their ordinals anew.
TEST(Events, a_position_whose_event_is_another_one_by_now_is_refused) {
  EventsWorld world;
  const auto ids = world.publish("deploy", 3);
  EventsWorld restored;
  restored.publish("deploy", 2);
  restored.clock->advance(1min);
  for (int published = 3; published <= 6; ++published) {
    restored.publish("deploy", 1);
    for (const std::string& start : {ids[2], "p1;deploy=" + ids[2], "p1;*;deploy=" + ids[2]}) {
      const std::vector<std::string> types =
          start.starts_with("p1;*") ? std::vector<std::string>{} : std::vector<std::string>{"deploy"};
      const auto batch = restored.streamer().consume_events(types, from(start));
      EXPECT_EQ(code_of(batch), ErrorCode::failed_precondition) << start << " of " << published;
      EXPECT_THAT(batch.error().message, AllOf(HasSubstr("has another event 3"), HasSubstr("start anew with")));
    }
    EXPECT_EQ(code_of(restored.streamer().consume_events({"deploy"}, as_member("g", "w", ids[2]))),
              ErrorCode::failed_precondition);
  }
  EXPECT_THAT(items_of(restored.streamer().consume_events({"deploy"}, from(ids[1]))),
              ElementsAre("deploy 3", "deploy 4", "deploy 5", "deploy 6"))
      << "what is the same is gone on from";
}

TEST(Events, a_position_that_is_kept_no_more_is_refused_if_time_went_back_since) {
  EventsWorld world;
  world.clock->advance(1h);
  const auto ids = world.publish("deploy", 3);
  EventsWorld restored;
  restored.publish("deploy", 6);
  ASSERT_TRUE(restored.streamer().trim_stream("deploy", 2));
  EXPECT_EQ(code_of(restored.streamer().consume_events({"deploy"}, from(ids[2]))), ErrorCode::failed_precondition);
}

TEST(Events, a_stream_that_is_gone_begins_anew_among_all_types) {
  EventsWorld world;
  const auto ids = world.publish("a", 2);
  auto streamer = world.streamer();
  const std::string start = "p1;*;a=" + ids[0] + ";gone=" + ids[1];
  const auto batch = streamer.consume_events({}, from(start));
  EXPECT_THAT(items_of(batch), ElementsAre("a 2"));
  EXPECT_EQ(batch->position, "p1;*;a=" + ids[1]);
  world.publish("gone", 3);
  EXPECT_THAT(items_of(streamer.consume_events({}, from(batch->position))), ElementsAre("gone 1", "gone 2", "gone 3"));
  EXPECT_THAT(items_of(streamer.consume_events({}, as_member("g", "w", "p1;*;a=" + ids[1] + ";away=" + ids[1]))),
              ElementsAre("gone 1", "gone 2", "gone 3"));
}

TEST(Events, new_ones_of_given_types_begin_without_a_list_of_all_streams) {
  EventsWorld world;
  world.publish_in_turn({"a", "b", "c"});
  EXPECT_THAT(items_of(world.streamer().consume_events({"a", "b"})), IsEmpty());
  EXPECT_THAT(items_of(world.streamer().consume_events({"a", "b"}, as_member("g", "w", "$"))), IsEmpty());
  EXPECT_EQ(world.events->lists, 0);
}

TEST(Events, of_all_types_only_streams_with_news_are_read) {
  EventsWorld world;
  world.publish_in_turn({"a", "b", "c"});
  auto streamer = world.streamer();
  const auto start = streamer.consume_events({});
  world.publish_in_turn({"b"});
  EXPECT_THAT(items_of(streamer.consume_events({}, from(start->position))), ElementsAre("b 2"));
  EXPECT_THAT(world.events->types_read(), ElementsAre(ElementsAre("b")));
}

TEST(Events, a_store_that_gives_less_than_it_was_asked_for_disturbs_no_order) {
  EventsWorld world;
  world.publish_in_turn({"a", "a", "a", "a", "a", "b", "b", "a", "b"});
  world.events->slice_events_max = 2;
  const std::vector<std::string> expected = {"a 1", "a 2", "a 3", "a 4", "a 5", "b 1", "b 2", "a 6", "b 3"};
  auto streamer = world.streamer();
  EXPECT_EQ(items_of(streamer.consume_events({"a", "b"}, from("0"))), expected);
  for (std::size_t count = 1; count <= 9; ++count) EXPECT_EQ(read_through(streamer, {}, "0", count), expected) << count;
}

TEST(Events, a_start_has_to_fit_the_types) {
  EventsWorld world;
  const auto ids = world.publish("deploy", 1);
  auto streamer = world.streamer();
  EXPECT_EQ(code_of(streamer.consume_events({"deploy", "build"}, from(ids[0]))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(streamer.consume_events({}, from(ids[0]))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(streamer.consume_events({"build"}, from("p1;deploy=5-1"))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(streamer.consume_events({"deploy", "build"}, from("p1;deploy=5-1"))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(streamer.consume_events({"deploy"}, from("p1;*;deploy=5-1"))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(streamer.consume_events({}, from("p1;deploy=5-1"))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(streamer.consume_events({"deploy"}, from("1"))), ErrorCode::invalid_argument);
  EXPECT_THAT(items_of(streamer.consume_events({"deploy", "deploy"}, from(ids[0]))), IsEmpty()) << "one type";
}

TEST(Events, recent_ones_come_newest_first) {
  EventsWorld world;
  const auto ids = world.publish("deploy", 5);
  const auto streamer = world.streamer();
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy")), ElementsAre("5", "4", "3", "2", "1"));
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy", 2)), ElementsAre("5", "4"));
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy", 10, ids[1], ids[3])), ElementsAre("4", "3", "2"));
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy", 1, "", ids[3])), ElementsAre("4"));
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy", 10, ids[3])), ElementsAre("5", "4"));
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy", 10, ids[3], ids[1])), IsEmpty());
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("unknown")), IsEmpty());
}

TEST(Events, a_recent_event_is_what_was_published) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto published = streamer.publish_event("deploy", *Json::parse(R"({"a":1})"), "me");
  EXPECT_THAT(*streamer.get_recent_events("deploy"), ElementsAre(*published));
}

TEST(Events, trimming_keeps_the_newest_and_never_gives_a_number_twice) {
  EventsWorld world;
  world.publish("deploy", 5);
  auto streamer = world.streamer();
  EXPECT_EQ(streamer.trim_stream("deploy", 2), 3u);
  EXPECT_EQ(streamer.trim_stream("deploy", std::numeric_limits<std::uint64_t>::max()), 0u);
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy")), ElementsAre("5", "4"));
  EXPECT_EQ(streamer.delete_stream("deploy"), 2u);
  EXPECT_EQ(streamer.delete_stream("unknown"), 0u);
  EXPECT_THAT(ordinals_of(streamer.get_recent_events("deploy")), IsEmpty());
  EXPECT_EQ(ordinal_of(streamer.publish_event("deploy")->event_id), "6");
}

TEST(Events, the_info_of_a_stream_says_what_is_kept_and_who_reads_it) {
  EventsWorld world;
  auto streamer = world.streamer();
  ASSERT_TRUE(streamer.configure_stream("deploy", {.max_length = 3, .max_age = 1h}));
  const auto ids = world.publish("deploy", 5);
  ASSERT_TRUE(streamer.consume_events({"deploy"}, as_member("workers", "w1", "0", 2)));
  const auto info = streamer.get_stream_info("deploy");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->event_type, "deploy");
  EXPECT_EQ(info->length, 3u);
  EXPECT_EQ(info->first_id, ids[2]);
  EXPECT_EQ(info->last_id, ids[4]);
  EXPECT_EQ(info->bounds, (StreamBounds{.max_length = 3, .max_age = 1h}));
  EXPECT_THAT(info->groups, ElementsAre(GroupInfo{.group = "workers", .delivered = 4, .waiting = 1, .pending = 2}));
}

TEST(Events, the_info_of_an_empty_stream_names_its_last_event) {
  EventsWorld world;
  auto streamer = world.streamer();
  EXPECT_EQ(code_of(streamer.get_stream_info("deploy")), ErrorCode::not_found);
  ASSERT_TRUE(streamer.configure_stream("deploy", {}));
  EXPECT_EQ(streamer.get_stream_info("deploy")->last_id, "") << "known, and there never was one";
  const auto ids = world.publish("deploy", 1);
  ASSERT_TRUE(streamer.delete_stream("deploy"));
  const auto info = streamer.get_stream_info("deploy");
  EXPECT_EQ(info->length, 0u);
  EXPECT_EQ(info->first_id, "");
  EXPECT_EQ(info->last_id, ids[0]);
}

TEST(Events, streams_are_listed_by_type) {
  EventsWorld world;
  EXPECT_THAT(*world.streamer().list_streams(), IsEmpty());
  std::vector<std::string> types;
  for (int n = 100; n < 250; ++n) types.push_back(fmt::format("type-{}", n));
  world.publish_in_turn({types.rbegin(), types.rend()});
  world.publish_in_turn({types[0]});
  const auto listed = world.streamer().list_streams();
  ASSERT_THAT(*listed, SizeIs(types.size()));
  for (std::size_t n = 0; n < types.size(); ++n) {
    const StreamInfo& info = (*listed)[n];
    EXPECT_EQ(info.event_type, types[n]);
    EXPECT_EQ(info.length, n == 0 ? 2u : 1u);
    EXPECT_EQ(ordinal_of(info.first_id), "1");
    EXPECT_EQ(ordinal_of(info.last_id), n == 0 ? "2" : "1");
  }
}

TEST(Events, names_sizes_and_counts_are_checked) {
  EventsWorld world;
  auto streamer = world.streamer();
  const auto is_invalid = [](const auto& result) { return code_of(result) == ErrorCode::invalid_argument; };
  EXPECT_TRUE(is_invalid(streamer.publish_event("no spaces")));
  EXPECT_TRUE(is_invalid(streamer.publish_event("a", {}, std::string(limits::kSourceBytesMax + 1, 's'))));
  EXPECT_TRUE(is_invalid(streamer.publish_event("a", {}, "two\nlines")));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a", "*"})));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, from("0", 0))));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, from("0", limits::kConsumeCountMax + 1))));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, waiting("0", -1ms))));
  EXPECT_TRUE(is_invalid(streamer.consume_events(std::vector<std::string>(limits::kConsumeTypesMax + 1, "a"))));
  EXPECT_TRUE(is_invalid(streamer.get_recent_events("*")));
  EXPECT_TRUE(is_invalid(streamer.get_recent_events("a", 0)));
  EXPECT_TRUE(is_invalid(streamer.get_recent_events("a", limits::kConsumeCountMax + 1)));
  EXPECT_TRUE(is_invalid(streamer.get_recent_events("a", 1, "0")));
  EXPECT_TRUE(is_invalid(streamer.get_recent_events("a", 1, "", "$")));
  EXPECT_TRUE(is_invalid(streamer.get_stream_info("")));
  EXPECT_TRUE(is_invalid(streamer.trim_stream("", 1)));
  EXPECT_TRUE(is_invalid(streamer.delete_stream("")));
  EXPECT_TRUE(is_invalid(streamer.configure_stream("", {})));
  EXPECT_TRUE(is_invalid(streamer.configure_stream("a", {.max_length = 0, .max_age = {}})));
  EXPECT_TRUE(is_invalid(streamer.configure_stream("a", {.max_length = limits::kStreamLengthMax + 1, .max_age = {}})));
  EXPECT_TRUE(is_invalid(streamer.configure_stream("a", {.max_length = 1, .max_age = 0ms})));
  EXPECT_TRUE(is_invalid(streamer.configure_stream("a", {.max_length = 1, .max_age = limits::kStreamAgeMax + 1ms})));
  EXPECT_TRUE(
      is_invalid(streamer.configure_stream("a", {.max_length = 1, .max_age = std::chrono::milliseconds::max()})));
}

TEST(Events, what_the_store_cannot_say_is_never_an_empty_answer) {
  EventsWorld world;
  world.events->failing = true;
  auto streamer = world.streamer();
  EXPECT_EQ(code_of(streamer.publish_event("a")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.consume_events({"a"}, from("0"))), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.consume_events({}, from("0"))), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.consume_events({"a"}, waiting("$", 1h))), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.get_recent_events("a")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.get_stream_info("a")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.list_streams()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.trim_stream("a", 1)), ErrorCode::unavailable);
  EXPECT_EQ(code_of(streamer.configure_stream("a", {})), ErrorCode::unavailable);
}

TEST(EventsFork, every_call_in_the_child_is_refused) {
  EventsWorld world;
  world.publish("a", 1);
  auto streamer = world.streamer();
  const auto is_refused = [](const auto& result) {
    return !result && result.error().code == ErrorCode::failed_precondition;
  };
  const std::string refused = in_a_child([&] {
    int count = 0;
    count += is_refused(streamer.publish_event("a"));
    count += is_refused(streamer.consume_events({"a"}, waiting("0", 1h)));
    count += is_refused(streamer.acknowledge("a", "g", {}));
    count += is_refused(streamer.get_pending_events("a", "g"));
    count += is_refused(streamer.get_recent_events("a"));
    count += is_refused(streamer.get_stream_info("a"));
    count += is_refused(streamer.list_streams());
    count += is_refused(streamer.trim_stream("a", 1));
    count += is_refused(streamer.delete_stream("a"));
    count += is_refused(streamer.configure_stream("a", {}));
    return std::to_string(count);
  });
  EXPECT_EQ(refused, "10");
  EXPECT_THAT(items_of(streamer.consume_events({"a"}, from("0"))), ElementsAre("a 1")) << "the parent goes on";
}

}  // namespace
}  // namespace aldis::testing
