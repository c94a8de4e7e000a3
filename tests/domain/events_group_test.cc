// EventStreamer: consumer groups, over one type and several.

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "events_world.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class EventsGroup : public ::testing::Test {
 protected:
  std::vector<std::string> read(const std::vector<std::string>& types, const ConsumeOptions& options) {
    const auto batch = streamer.consume_events(types, options);
    EXPECT_EQ(batch ? batch->position : "", "") << "a group keeps its own position";
    return items_of(batch);
  }
  // What `consumer` gets of all that is there.
  std::vector<std::string> read_all(const std::vector<std::string>& types, const ConsumeOptions& options) {
    std::vector<std::string> all;
    for (;;) {
      const std::vector<std::string> items = read(types, options);
      if (items.empty()) return all;
      all.insert(all.end(), items.begin(), items.end());
    }
  }
  std::uint64_t acknowledge(const std::string& type, const std::vector<std::string>& ids) {
    const auto acknowledged = streamer.acknowledge(type, "g", ids);
    EXPECT_TRUE(acknowledged) << acknowledged.error().message;
    return acknowledged.value_or(0);
  }

  EventsWorld world;
  EventStreamer streamer = world.streamer();
};

TEST_F(EventsGroup, each_event_goes_to_one_member) {
  world.publish("a", 4);
  EXPECT_THAT(read({"a"}, as_member("g", "w1", "0", 3)), ElementsAre("a 1", "a 2", "a 3"));
  EXPECT_THAT(read({"a"}, as_member("g", "w2", "0", 3)), ElementsAre("a 4"));
  EXPECT_THAT(read({"a"}, as_member("g", "w1")), IsEmpty());
}

TEST_F(EventsGroup, each_group_gets_all_of_them) {
  world.publish("a", 2);
  EXPECT_THAT(read({"a"}, as_member("g", "w")), ElementsAre("a 1", "a 2"));
  EXPECT_THAT(read({"a"}, as_member("h", "w")), ElementsAre("a 1", "a 2"));
}

TEST_F(EventsGroup, is_made_at_its_first_read_where_that_starts) {
  const auto ids = world.publish("a", 3);
  EXPECT_THAT(read({"a"}, as_member("of-new", "w", "$")), IsEmpty());
  EXPECT_THAT(read({"a"}, as_member("of-oldest", "w", "0")), ElementsAre("a 1", "a 2", "a 3"));
  EXPECT_THAT(read({"a"}, as_member("of-id", "w", ids[1])), ElementsAre("a 3"));
  EXPECT_THAT(read({"a"}, as_member("of-position", "w", "p1;a=" + ids[0])), ElementsAre("a 2", "a 3"));
  world.publish("a", 1);
  EXPECT_THAT(read({"a"}, as_member("of-new", "w", "0")), ElementsAre("a 4")) << "then it keeps its own place";
}

TEST_F(EventsGroup, loses_nothing_of_a_stream_that_was_unknown_at_its_first_read) {
  EXPECT_THAT(read({"a", "b"}, as_member("g", "w", "$")), IsEmpty());
  world.publish("a", 2);
  world.publish("b", 1);
  EXPECT_THAT(read({"a", "b"}, as_member("g", "w", "$")), UnorderedElementsAre("a 1", "a 2", "b 1"));
}

TEST_F(EventsGroup, of_all_types_begins_new_streams_with_their_first_event) {
  world.publish("a", 2);
  EXPECT_THAT(read({}, as_member("g", "w", "$")), IsEmpty());
  world.publish("b", 2);
  world.publish("a", 1);
  EXPECT_THAT(read({}, as_member("g", "w", "$")), UnorderedElementsAre("a 3", "b 1", "b 2"));
}

TEST_F(EventsGroup, of_all_types_that_began_before_any_stream_loses_nothing_between_its_calls) {
  EXPECT_THAT(read({}, as_member("g", "w", "$")), IsEmpty());
  world.publish("a", 2);
  EXPECT_THAT(read({}, as_member("g", "w", "$")), ElementsAre("a 1", "a 2"));
  world.publish("b", 1);
  EXPECT_THAT(read({}, as_member("g", "w2", "$")), ElementsAre("b 1"));
  EXPECT_THAT(read({}, as_member("later", "w", "$")), IsEmpty()) << "each group begins for itself";
  world.publish("c", 1);
  EXPECT_THAT(read({}, as_member("g", "w", "$")), ElementsAre("c 1"));
  EXPECT_THAT(read({}, as_member("later", "w", "$")), ElementsAre("c 1"));
}

TEST_F(EventsGroup, of_all_types_replays_nothing_because_it_is_on_one_stream_already) {
  world.publish("a", 1);
  ASSERT_THAT(read({"a"}, as_member("g", "w", "$")), IsEmpty());
  world.publish("a", 1);
  world.publish("b", 3);
  EXPECT_THAT(read({}, as_member("g", "w", "$")), ElementsAre("a 2"));
  world.publish("b", 1);
  EXPECT_THAT(read({}, as_member("g", "w", "$")), ElementsAre("b 4"));
}

TEST_F(EventsGroup, of_all_types_shows_its_mark_to_nobody) {
  world.publish("a", 1);
  ASSERT_THAT(read({}, as_member("g", "w")), ElementsAre("a 1"));
  const auto streams = streamer.list_streams();
  ASSERT_THAT(*streams, SizeIs(1));
  EXPECT_EQ(streams->front().event_type, "a");
  const auto batch = streamer.consume_events({}, from("0"));
  EXPECT_THAT(batch->position, ::testing::Not(HasSubstr("@")));
  EXPECT_THAT(world.groups->take_types_read(), IsSupersetOf({"@all"})) << "there is one";
}

// The first read listed the streams before the other one ended; what that one promised holds for both.
TEST_F(EventsGroup, of_all_types_loses_nothing_when_two_members_begin_at_once) {
  world.publish("a", 1);
  world.events->after_heads = [&] {
    ASSERT_THAT(read({}, as_member("g", "w2", "$")), IsEmpty());
    world.publish("a", 1);
    world.publish("b", 1);
  };
  const auto got = read({}, as_member("g", "w1", "$"));
  std::vector<std::string> all = read({}, as_member("g", "w1", "$"));
  all.insert(all.end(), got.begin(), got.end());
  EXPECT_THAT(all, UnorderedElementsAre("a 2", "b 1"));
}

TEST_F(EventsGroup, that_begins_with_the_oldest_kept_misses_nothing) {
  world.publish("a", 3);
  ASSERT_TRUE(streamer.trim_stream("a", 1));
  EXPECT_THAT(read({"a"}, as_member("g", "w", "0")), ElementsAre("a 3"));
}

TEST_F(EventsGroup, of_all_types_goes_on_where_a_position_says) {
  const auto ids = world.publish("a", 3);
  world.publish("b", 2);
  EXPECT_THAT(read({}, as_member("g", "w", "p1;*;a=" + ids[1])), UnorderedElementsAre("a 3", "b 1", "b 2"));
}

TEST_F(EventsGroup, cannot_begin_ahead_of_its_stream) {
  world.publish("a", 2);
  const auto batch = streamer.consume_events({"a"}, as_member("g", "w", "p1;a=5-3"));
  EXPECT_EQ(code_of(batch), ErrorCode::failed_precondition);
  EXPECT_THAT(streamer.get_stream_info("a")->groups, IsEmpty()) << "and was not made";
  EXPECT_EQ(code_of(streamer.consume_events({"unknown"}, as_member("g", "w", "5-3"))), ErrorCode::failed_precondition);
}

TEST_F(EventsGroup, what_is_acknowledged_is_done) {
  const auto ids = world.publish("a", 3);
  ASSERT_THAT(read({"a"}, as_member("g", "w1")), SizeIs(3));
  EXPECT_EQ(acknowledge("a", {ids[0], ids[2]}), 2u);
  EXPECT_EQ(acknowledge("a", {ids[0]}), 0u) << "no longer pending, and no error";
  world.clock->advance(limits::kTakeOverAfterDefault);
  EXPECT_THAT(read({"a"}, as_member("g", "w2")), ElementsAre("a 2"));
}

TEST_F(EventsGroup, an_id_of_another_event_with_this_ordinal_acknowledges_nothing) {
  EventsWorld lost;
  const auto lost_ids = lost.publish("a", 2);
  world.clock->advance(1min);
  const auto ids = world.publish("a", 2);
  ASSERT_THAT(read({"a"}, as_member("g", "w")), SizeIs(2));
  EXPECT_EQ(acknowledge("a", {lost_ids[0], ids[1], lost_ids[1]}), 1u);
  EXPECT_EQ(streamer.get_pending_events("a", "g")->front().event_id, ids[0]);
}

TEST_F(EventsGroup, what_a_dead_member_held_goes_to_another_after_a_time) {
  world.publish("a", 2);
  ASSERT_THAT(read({"a"}, as_member("g", "w1")), SizeIs(2));
  ConsumeOptions impatient = as_member("g", "w2");
  impatient.take_over_after = 5s;
  world.clock->advance(4999ms);
  EXPECT_THAT(read({"a"}, impatient), IsEmpty());
  world.clock->advance(1ms);
  EXPECT_THAT(read({"a"}, impatient), ElementsAre("a 1", "a 2"));
}

TEST_F(EventsGroup, pending_events_are_listed_with_who_has_them_and_how_often_they_were_given) {
  const auto ids = world.publish("a", 3);
  ASSERT_THAT(read({"a"}, as_member("g", "w1", "0", 2)), SizeIs(2));
  acknowledge("a", {ids[0]});
  world.clock->advance(limits::kTakeOverAfterDefault);
  ASSERT_THAT(read({"a"}, as_member("g", "w2")), ElementsAre("a 2", "a 3"));
  world.clock->advance(7s);
  const auto pending = streamer.get_pending_events("a", "g");
  ASSERT_TRUE(pending);
  ASSERT_THAT(*pending, SizeIs(2));
  EXPECT_EQ((*pending)[0].event_id, ids[1]);
  EXPECT_EQ((*pending)[0].consumer, "w2");
  EXPECT_EQ((*pending)[0].idle, 7s);
  EXPECT_EQ((*pending)[0].deliveries, 2u);
  EXPECT_EQ((*pending)[1].event_id, ids[2]);
  EXPECT_EQ((*pending)[1].deliveries, 1u);
}

TEST_F(EventsGroup, that_is_unknown_is_not_found) {
  EXPECT_EQ(code_of(streamer.get_pending_events("a", "g")), ErrorCode::not_found);
  EXPECT_EQ(code_of(streamer.acknowledge("a", "g", {"5-1"})), ErrorCode::not_found);
  world.publish("a", 1);
  EXPECT_EQ(code_of(streamer.get_pending_events("a", "g")), ErrorCode::not_found);
}

TEST_F(EventsGroup, one_gap_to_the_next_member_counts_pending_ones_too) {
  const auto ids = world.publish("a", 5);
  ASSERT_THAT(read({"a"}, as_member("g", "w1", "0", 3)), SizeIs(3));
  acknowledge("a", {ids[1]});
  world.publish("a", 2);
  ASSERT_TRUE(streamer.trim_stream("a", 1));
  EXPECT_THAT(read({"a"}, as_member("g", "w2")), ElementsAre("gap of a 1-6 (5)", "a 7"));
  EXPECT_THAT(read({"a"}, as_member("g", "w1")), IsEmpty()) << "told once";
}

TEST_F(EventsGroup, several_types_are_merged_by_time) {
  world.publish_in_turn({"b", "a", "b", "c", "a"});
  EXPECT_THAT(read({"a", "b", "c"}, as_member("g", "w")), ElementsAre("b 1", "a 1", "b 2", "c 1", "a 2"));
}

TEST_F(EventsGroup, a_count_is_used_up_although_one_stream_has_nearly_everything) {
  world.publish_in_turn({"a", "a", "a", "a", "b"});
  EXPECT_THAT(read({"a", "b", "unknown"}, as_member("g", "w", "0", 5)), SizeIs(5));
}

TEST_F(EventsGroup, a_count_is_never_exceeded_and_what_is_cut_comes_next) {
  world.publish_in_turn({"a", "b", "c", "a", "b", "c", "a"});
  for (std::size_t count = 1; count <= 8; ++count) {
    const std::string group = fmt::format("g{}", count);
    std::set<std::string> seen;
    for (;;) {
      const std::vector<std::string> items = read({}, as_member(group, "w", "0", count));
      if (items.empty()) break;
      EXPECT_LE(items.size(), count);
      for (const std::string& item : items) EXPECT_TRUE(seen.insert(item).second) << item << " came twice";
    }
    EXPECT_EQ(seen.size(), 7u) << count;
  }
}

TEST_F(EventsGroup, no_busy_stream_starves_another) {
  world.publish("quiet", 1);
  ASSERT_THAT(read({"busy", "quiet"}, as_member("g", "w", "$")), IsEmpty());
  world.publish("quiet", 1);
  std::vector<std::string> got;
  for (int n = 0; n < 200; ++n) {
    world.publish("busy", 1);
    const std::vector<std::string> items = read({"busy", "quiet"}, as_member("g", "w", "$", 1));
    got.insert(got.end(), items.begin(), items.end());
  }
  EXPECT_THAT(got, IsSupersetOf({"quiet 2"})) << "by lot: missed with a probability of one in 2 to the 200";
}

TEST_F(EventsGroup, an_error_behind_events_that_were_given_is_left_to_the_next_read) {
  world.publish_in_turn({"a", "b"});
  ASSERT_THAT(read({"a", "b"}, as_member("g", "w")), SizeIs(2));
  world.publish_in_turn({"a", "b"});
  world.groups->failing_type = "b";
  // Whichever is first: what was given is told, and an error is told when nothing was.
  std::vector<std::string> got;
  bool failed = false;
  for (int n = 0; n < 200 && !(failed && !got.empty()); ++n) {
    const auto batch = streamer.consume_events({"a", "b"}, as_member("g", "w"));
    if (!batch) {
      EXPECT_EQ(batch.error().code, ErrorCode::unavailable);
      failed = true;
      continue;
    }
    for (const StreamItem& item : batch->items) got.push_back(describe(item));
  }
  EXPECT_TRUE(failed);
  EXPECT_THAT(got, ElementsAre("a 2"));
  world.groups->failing_type.clear();
  EXPECT_THAT(read({"a", "b"}, as_member("g", "w")), ElementsAre("b 2"));
}

TEST_F(EventsGroup, a_steady_read_asks_the_store_once) {
  world.publish("a", 1);
  ASSERT_THAT(read({"a"}, as_member("g", "w", "$")), IsEmpty());
  world.groups->take_types_read();
  world.events->failing = true;  // so that nothing else can have been asked
  EXPECT_THAT(read({"a"}, as_member("g", "w", "$")), IsEmpty());
  EXPECT_THAT(world.groups->take_types_read(), ElementsAre("a"));
}

TEST_F(EventsGroup, a_waiting_member_is_woken_by_an_event) {
  ConsumeOptions options = as_member("g", "w", "$");
  options.block_ms = 10s;
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_EQ(world.time_of([&] { EXPECT_THAT(read({"a"}, options), ElementsAre("a 1")); }), 0ns);
}

TEST_F(EventsGroup, a_waiting_member_of_all_types_is_woken_by_a_new_stream) {
  world.publish("a", 1);
  ConsumeOptions options = as_member("g", "w", "$");
  options.block_ms = 10s;
  world.during_the_next_sleep([&] { world.publish("b", 2); });
  EXPECT_EQ(world.time_of([&] { EXPECT_THAT(read({}, options), ElementsAre("b 1", "b 2")); }), 0ns);
}

TEST_F(EventsGroup, a_waiting_member_of_all_types_begins_the_first_stream_of_all_with_its_first_event) {
  ConsumeOptions options = as_member("g", "w", "$");
  options.block_ms = 10s;
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_THAT(read({}, options), ElementsAre("a 1"));
}

TEST_F(EventsGroup, a_waiting_member_wakes_for_what_another_has_had_too_long) {
  world.publish("a", 1);
  world.publish("b", 1);
  ASSERT_THAT(read({"b"}, as_member("g", "w1")), SizeIs(1));
  world.clock->advance(1s);
  ASSERT_THAT(read({"a"}, as_member("g", "w1")), SizeIs(1));
  ConsumeOptions options = as_member("g", "w2");
  options.block_ms = 10min;
  options.take_over_after = 5s;
  EXPECT_EQ(world.time_of([&] { EXPECT_THAT(read({"a", "b"}, options), ElementsAre("b 1")); }), 4s);
  EXPECT_EQ(world.time_of([&] { EXPECT_THAT(read({"a", "b"}, options), ElementsAre("a 1")); }), 1s);
}

TEST_F(EventsGroup, a_waiting_member_looks_only_at_what_rang_or_fell_due) {
  world.publish("a", 1);
  ASSERT_THAT(read({"a"}, as_member("g", "w1")), SizeIs(1));
  ConsumeOptions options = as_member("g", "w2");
  options.block_ms = 10min;
  ASSERT_THAT(read({"a", "b", "c"}, as_member("g", "w2")), IsEmpty());
  world.groups->take_types_read();
  EXPECT_THAT(read({"a", "b", "c"}, options), ElementsAre("a 1"));
  const std::vector<std::string> looks = world.groups->take_types_read();
  ASSERT_THAT(looks, SizeIs(7)) << "all, all once more after subscribing, then one";
  EXPECT_EQ(looks.back(), "a");
}

TEST_F(EventsGroup, a_waiting_member_of_all_types_looks_only_where_there_is_news) {
  world.publish_in_turn({"a", "b", "c"});
  ASSERT_THAT(read({}, as_member("g", "w", "$")), IsEmpty());
  world.groups->take_types_read();
  ConsumeOptions options = as_member("g", "w", "$");
  options.block_ms = 10s;
  world.during_the_next_sleep([&] { world.publish("b", 1); });
  EXPECT_THAT(read({}, options), ElementsAre("b 2"));
  const std::vector<std::string> looks = world.groups->take_types_read();
  ASSERT_THAT(looks, SizeIs(5)) << "the mark, all, then one";
  EXPECT_EQ(looks.front(), "@all");
  EXPECT_EQ(looks.back(), "b");
}

class EventsGroupOfManyStreams : public EventsGroup {
 protected:
  static constexpr int kStreams = 50;

  EventsGroupOfManyStreams() {
    for (int n = 0; n < kStreams; ++n) types.push_back(fmt::format("s{:02}", n));
    world.publish_in_turn(types);
    EXPECT_THAT(read({}, as_member("g", "w", "$")), IsEmpty());
    world.groups->take_types_read();
  }
  // As who acknowledges one by one.
  std::vector<std::string> read_one() {
    ConsumeOptions options = as_member("g", "w", "$", 1);
    options.block_ms = 10s;
    const auto batch = streamer.consume_events({}, options);
    if (batch && !batch->items.empty()) {
      const auto& event = std::get<StreamEvent>(batch->items.front());
      acknowledge(event.event_type, {event.event_id});
    }
    return items_of(batch);
  }

  std::vector<std::string> types;
};

TEST_F(EventsGroupOfManyStreams, ends_a_read_as_soon_as_it_has_enough) {
  world.publish_in_turn(types);
  EXPECT_THAT(read({}, as_member("g", "w", "$", 1)), SizeIs(1));
  EXPECT_THAT(world.groups->take_types_read(), SizeIs(2)) << "the mark, and whichever came first";
}

TEST_F(EventsGroupOfManyStreams, asks_only_those_that_rang_while_it_goes_on) {
  world.during_the_next_sleep([&] { world.publish(types[0], 1); });
  ASSERT_THAT(read_one(), ElementsAre("s00 2"));
  world.groups->take_types_read();
  world.events->lists = 0;
  for (std::size_t n = 1; n < types.size(); ++n) {
    world.during_the_next_sleep([&] { world.publish(types[n], 1); });
    ASSERT_THAT(read_one(), ElementsAre(types[n] + " 2"));
    EXPECT_THAT(world.groups->take_types_read(), ElementsAre(types[n - 1], types[n])) << "whether there is more of it";
  }
  EXPECT_EQ(world.events->lists, 0);
}

TEST_F(EventsGroupOfManyStreams, needs_no_ring_for_what_it_left) {
  world.publish_in_turn(types);
  std::set<std::string> got;
  for (int n = 0; n < kStreams; ++n) {
    for (const std::string& item : read_one()) got.insert(item);
  }
  EXPECT_THAT(got, SizeIs(kStreams));
  EXPECT_EQ(world.waker->sleeps, 0);
}

TEST_F(EventsGroupOfManyStreams, lets_no_busy_stream_starve_another_or_a_new_one) {
  std::set<std::string> got;
  for (int n = 0; n < 100 * kStreams && !(got.contains("s07 2") && got.contains("new 1")); ++n) {
    world.publish("s00", 1);
    if (n == 10) world.publish("s07", 1);
    if (n == 10) world.publish("new", 1);
    for (const std::string& item : read_one()) got.insert(item);
  }
  EXPECT_THAT(got, IsSupersetOf({"s07 2", "new 1"})) << "by lot, which misses one of three for so long hardly ever";
}

TEST_F(EventsGroupOfManyStreams, gets_what_another_had_too_long_while_it_goes_on) {
  world.during_the_next_sleep([&] { world.publish("s00", 1); });
  ASSERT_THAT(read_one(), ElementsAre("s00 2"));
  world.publish("s07", 1);
  ASSERT_THAT(read({"s07"}, as_member("g", "other", "$")), ElementsAre("s07 2"));
  std::vector<std::string> got;
  EXPECT_EQ(world.time_of([&] {
    while (got.empty()) got = read_one();
  }),
            limits::kTakeOverAfterDefault);
  EXPECT_THAT(got, ElementsAre("s07 2"));
}

TEST_F(EventsGroup, names_go_together_and_are_checked) {
  const auto is_invalid = [](const auto& result) { return code_of(result) == ErrorCode::invalid_argument; };
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, as_member("g", ""))));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, as_member("", "w"))));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, as_member("no spaces", "w"))));
  EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, as_member("g", "no spaces"))));
  for (const nanoseconds wrong : {-1ns, 0ns, limits::kTakeOverAfterMax + 1ns}) {
    ConsumeOptions options = as_member("g", "w");
    options.take_over_after = wrong;
    EXPECT_TRUE(is_invalid(streamer.consume_events({"a"}, options)));
  }
  EXPECT_TRUE(is_invalid(streamer.acknowledge("", "g", {})));
  EXPECT_TRUE(is_invalid(streamer.acknowledge("a", "", {})));
  EXPECT_TRUE(is_invalid(streamer.acknowledge("a", "g", {"7"})));
  EXPECT_TRUE(
      is_invalid(streamer.acknowledge("a", "g", std::vector<std::string>(limits::kConsumeCountMax + 1, "5-1"))));
  EXPECT_TRUE(is_invalid(streamer.get_pending_events("", "g")));
  EXPECT_TRUE(is_invalid(streamer.get_pending_events("a", "")));
}

TEST(EventsGroupForReal, members_in_threads_share_everything_and_nothing_comes_twice) {
  EventsWorld world(SignalsWorld::Time::real_sleeps);
  constexpr std::size_t kEvents = 200;
  ASSERT_TRUE(world.streamer().configure_stream("a", {}));
  std::atomic<std::size_t> received = 0;
  std::stop_source done;
  std::vector<std::vector<std::string>> got(3);
  std::vector<std::thread> members;
  for (std::size_t n = 0; n < got.size(); ++n) {
    members.emplace_back([&, n] {
      EventStreamer streamer = world.streamer();
      ConsumeOptions options = as_member("g", fmt::format("w{}", n), "0", 5);
      options.block_ms = 60s;
      while (!done.stop_requested()) {
        const std::vector<std::string> items = items_of(streamer.consume_events({"a", "b"}, options, done.get_token()));
        got[n].insert(got[n].end(), items.begin(), items.end());
        if ((received += items.size()) >= 2 * kEvents) done.request_stop();
      }
    });
  }
  std::thread other([&] { world.publish("b", kEvents); });
  world.publish("a", kEvents);
  other.join();
  for (std::thread& member : members) member.join();
  std::vector<std::string> all;
  for (const std::vector<std::string>& part : got) all.insert(all.end(), part.begin(), part.end());
  EXPECT_THAT(all, SizeIs(2 * kEvents));
  EXPECT_THAT(std::set<std::string>(all.begin(), all.end()), SizeIs(2 * kEvents)) << "each went to one member";
}

}  // namespace
}  // namespace aldis::testing
