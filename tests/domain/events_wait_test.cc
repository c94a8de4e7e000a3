// EventStreamer: reads that wait, what wakes them, and how they end. Time moves only while somebody sleeps.

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <thread>

#include "events_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EventsWait : public ::testing::Test {
 protected:
  // What a read brought, and how long it took on the world's clock.
  std::vector<std::string> read(const std::vector<std::string>& types, const ConsumeOptions& options,
                                std::stop_token stop = {}) {
    std::vector<std::string> items;
    took = world.time_of([&] {
      const auto batch = streamer.consume_events(types, options, stop);
      items = items_of(batch);
      if (batch) position = batch->position;
    });
    return items;
  }

  EventsWorld world;
  EventStreamer streamer = world.streamer();
  nanoseconds took{0};
  std::string position;
};

TEST_F(EventsWait, ends_at_once_when_something_is_there) {
  world.publish("a", 1);
  EXPECT_THAT(read({"a"}, waiting("0", 10s)), ElementsAre("a 1"));
  EXPECT_EQ(took, 0ns);
  EXPECT_EQ(world.waker->sleeps, 0);
}

TEST_F(EventsWait, is_woken_by_an_event) {
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_THAT(read({"a"}, waiting("$", 10s)), ElementsAre("a 1"));
  EXPECT_EQ(took, 0ns) << "the ring ended the sleep";
}

TEST_F(EventsWait, is_woken_by_an_event_of_any_of_its_types) {
  world.publish("a", 1);
  world.during_the_next_sleep([&] { world.publish("c", 1); });
  EXPECT_THAT(read({"a", "b", "c"}, waiting("$", 10s)), ElementsAre("c 1"));
  EXPECT_EQ(took, 0ns);
}

TEST_F(EventsWait, of_all_types_is_woken_by_a_known_stream) {
  world.publish("a", 3);
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_THAT(read({}, waiting("$", 10s)), ElementsAre("a 4"));
  EXPECT_EQ(took, 0ns);
}

TEST_F(EventsWait, of_all_types_is_woken_by_a_new_stream_and_reads_it_from_its_first_event) {
  world.publish("a", 1);
  world.during_the_next_sleep([&] { world.publish("b", 2); });
  EXPECT_THAT(read({}, waiting("$", 10s)), ElementsAre("b 1", "b 2"));
  EXPECT_EQ(took, 0ns);
  EXPECT_EQ(position, "p1;*;a=1790000000000-1;b=1790000000000-2");
}

TEST_F(EventsWait, of_all_types_hears_later_events_of_a_new_stream) {
  world.during_the_next_sleep([&] { ASSERT_TRUE(streamer.configure_stream("b", {})); });
  world.during_the_next_sleep([&] { world.publish("b", 1); });
  EXPECT_THAT(read({}, waiting("$", 10s)), ElementsAre("b 1"));
  EXPECT_EQ(took, 0ns);
}

TEST_F(EventsWait, needs_no_ring_from_a_killed_publisher) {
  world.rings = false;
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_THAT(read({"a"}, waiting("$", 10s)), ElementsAre("a 1"));
  EXPECT_LE(took, 1s) << "one recheck interval";
}

TEST_F(EventsWait, of_all_types_needs_no_ring_from_a_killed_publisher) {
  world.rings = false;
  world.during_the_next_sleep([&] { world.publish("new", 1); });
  EXPECT_THAT(read({}, waiting("$", 10s)), ElementsAre("new 1"));
  EXPECT_LE(took, 1s);
}

TEST_F(EventsWait, sleeps_until_its_time_is_over_and_polls_nothing) {
  world.publish("a", 1);
  EXPECT_THAT(read({"a", "b"}, waiting("$", 10min)), IsEmpty());
  EXPECT_EQ(took, 10min);
  EXPECT_THAT(world.memory_waker->sleeps(), ElementsAre(nanoseconds{10min}));
  EXPECT_EQ(position, "p1;a=1790000000000-1;b=0");
}

TEST_F(EventsWait, of_no_time_looks_once) {
  EXPECT_THAT(read({"a"}, waiting("$", 0ms)), IsEmpty());
  EXPECT_THAT(world.events->types_read(), SizeIs(1));
  EXPECT_EQ(took, 0ns);
}

TEST_F(EventsWait, of_all_time_does_not_overflow) {
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_THAT(read({"a"}, waiting("$", std::chrono::milliseconds::max())), ElementsAre("a 1"));
}

TEST_F(EventsWait, that_lasts_for_months_looks_once_a_day) {
  EXPECT_THAT(read({"a"}, waiting("$", 24h * 90)), IsEmpty());
  EXPECT_THAT(world.memory_waker->sleeps(), AllOf(SizeIs(90), Each(limits::kQuietMax)));
}

TEST_F(EventsWait, looks_only_at_what_rang) {
  const std::array topics{Topic{Topic::Kind::stream, "elsewhere"}};
  const auto somebody_else_here = world.memory_waker->subscribe(topics);
  world.during_the_next_sleep([&] { world.publish("elsewhere", 1); });
  world.during_the_next_sleep([&] { world.publish("b", 1); });
  EXPECT_THAT(read({"a", "b", "c"}, waiting("$", 10s)), ElementsAre("b 1"));
  EXPECT_THAT(world.events->types_read(),
              ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("a", "b", "c"), ElementsAre("b")));
}

TEST_F(EventsWait, of_all_types_reads_only_what_rang_and_lists_the_streams_twice) {
  world.publish_in_turn({"a", "b", "c"});
  world.during_the_next_sleep([&] { world.publish("b", 1); });
  EXPECT_THAT(read({}, waiting("$", 10s)), ElementsAre("b 2"));
  EXPECT_THAT(world.events->types_read(), ElementsAre(ElementsAre("b")));
  EXPECT_EQ(world.events->lists, 2) << "before and after it subscribed";
}

TEST_F(EventsWait, of_all_types_survives_a_stream_that_goes) {
  world.publish("a", 1);
  world.during_the_next_sleep([&] { world.publish("gone", 1); });
  EXPECT_THAT(read({}, waiting("p1;*;a=1790000000000-1;gone=5-7", 10s)), ElementsAre("gone 1"));
}

TEST_F(EventsWait, does_not_miss_what_is_published_between_its_first_look_and_its_subscription) {
  struct Publishing final : Waker {
    explicit Publishing(EventsWorld& given) : world(given) {}
    std::unique_ptr<Subscription> subscribe(std::span<const Topic> topics) override {
      if (!std::exchange(published, true)) world.publish("a", 1);
      return world.memory_waker->subscribe(topics);
    }
    const Subscription& any() const override { return world.memory_waker->any(); }
    void sleep(const Subscription& subscription, std::uint64_t rings, nanoseconds at_most,
               const std::stop_token& stop) override {
      world.memory_waker->sleep(subscription, rings, at_most, stop);
    }
    nanoseconds recheck_interval() const override { return 1s; }
    EventsWorld& world;
    bool published = false;
  };
  for (const std::vector<std::string>& types : {std::vector<std::string>{"a"}, {"a", "b"}, {}}) {
    EventsWorld fresh;
    WorkspaceParts parts{.clock = fresh.clock,
                         .processes = fresh.table,
                         .heartbeats = fresh.heartbeats,
                         .signals = fresh.signals,
                         .events = fresh.events,
                         .event_groups = fresh.groups,
                         .waker = std::make_shared<Publishing>(fresh)};
    EventStreamer reader(Workspace(std::make_shared<Workspace::Impl>(WorkspaceOptions{}, std::move(parts))));
    const nanoseconds waited = fresh.time_of(
        [&] { EXPECT_THAT(items_of(reader.consume_events(types, waiting("$", 10s))), ElementsAre("a 1")); });
    EXPECT_EQ(waited, 0ns);
  }
}

TEST_F(EventsWait, tells_of_a_gap_as_soon_as_there_is_one_to_tell) {
  world.publish("a", 1);
  world.during_the_next_sleep([&] {
    ASSERT_TRUE(streamer.configure_stream("a", {.max_length = 2, .max_age = {}}));
    world.publish("a", 4);
  });
  EXPECT_THAT(read({"a"}, waiting("$", 10s)), ElementsAre("gap of a 2-3 (2)", "a 4", "a 5"));
}

TEST_F(EventsWait, that_was_stopped_before_brings_what_is_there) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(read({"a"}, waiting("0", 10s), stop.get_token()), IsEmpty());
  world.publish("a", 1);
  EXPECT_THAT(read({"a"}, waiting("0", 10s), stop.get_token()), ElementsAre("a 1"));
  EXPECT_EQ(world.waker->sleeps, 0);
}

TEST_F(EventsWait, ends_when_it_is_stopped) {
  std::stop_source stop;
  world.during_the_next_sleep([&] { stop.request_stop(); });
  EXPECT_THAT(read({"a"}, waiting("$", 10s), stop.get_token()), IsEmpty());
  EXPECT_EQ(took, 0ns);
  EXPECT_EQ(position, "p1;a=0") << "and may go on there";
}

TEST_F(EventsWait, fails_when_the_store_does) {
  world.during_the_next_sleep([&] {
    world.publish("a", 1);
    world.events->failing = true;
  });
  EXPECT_EQ(code_of(streamer.consume_events({"a"}, waiting("$", 10s))), ErrorCode::unavailable);
}

// It says "nothing" only when the store said so at its end: in between it may have missed everything.
TEST_F(EventsWait, that_heard_nothing_fails_when_the_store_cannot_be_asked_at_its_end) {
  for (const std::vector<std::string>& types : {std::vector<std::string>{"a"}, {"a", "b"}, {}}) {
    for (const bool in_group : {false, true}) {
      EventsWorld fresh;
      ConsumeOptions options = in_group ? as_member("g", "w", "$") : from("$");
      options.block_ms = 10s;
      fresh.during_the_next_sleep([&] {
        fresh.events->failing = true;
        fresh.groups->failing_type = in_group && !types.empty() ? "a" : "";
      });
      EXPECT_EQ(code_of(fresh.streamer().consume_events(types, options)), ErrorCode::unavailable);
    }
  }
}

TEST_F(EventsWait, that_ends_before_a_lost_ring_is_made_good_has_the_event) {
  for (const std::vector<std::string>& types : {std::vector<std::string>{"a"}, {"a", "b"}, {}}) {
    for (const bool in_group : {false, true}) {
      EventsWorld fresh;
      ConsumeOptions options = in_group ? as_member("g", "w", "$") : from("$");
      options.block_ms = 700ms;
      fresh.rings = false;
      fresh.during_the_next_sleep([&] { fresh.publish("a", 1); });
      EXPECT_THAT(items_of(fresh.streamer().consume_events(types, options)), ElementsAre("a 1"));
    }
  }
}

TEST_F(EventsWait, that_goes_on_looks_only_at_what_rang) {
  std::vector<std::string> types;
  for (int n = 0; n < 40; ++n) types.push_back(fmt::format("s{:02}", n));
  world.publish_in_turn(types);
  ConsumeOptions options = waiting("$", 10s);
  const auto read_next = [&](const std::string& type) {
    world.during_the_next_sleep([&] { world.publish(type, 1); });
    EXPECT_THAT(read({}, options), ElementsAre(type + " 2"));
    options.start = position;
  };
  read_next("s00");
  world.events->lists = 0;
  const std::size_t before = world.events->types_read().size();
  for (int n = 1; n < 40; ++n) read_next(types[static_cast<std::size_t>(n)]);
  EXPECT_EQ(world.events->lists, 0);
  const auto reads = world.events->types_read();
  EXPECT_THAT(std::vector(reads.begin() + static_cast<std::ptrdiff_t>(before), reads.end()), Each(SizeIs(1)));
  world.during_the_next_sleep([&] { world.publish("t", 1); });
  EXPECT_THAT(read({}, options), ElementsAre("t 1")) << "a new stream";
  EXPECT_EQ(world.events->lists, 1);
}

TEST_F(EventsWait, that_goes_on_needs_no_ring_for_what_was_there_between_two_reads_or_cut_by_the_count) {
  ConsumeOptions options = waiting("$", 10s);
  options.count = 2;
  std::vector<std::string> got;
  const auto read_more = [&] {
    const auto items = read({}, options);
    options.start = position;
    got.insert(got.end(), items.begin(), items.end());
  };
  world.during_the_next_sleep([&] { world.publish_in_turn({"a", "b", "a", "c", "b"}); });
  for (int n = 0; n < 3; ++n) read_more();
  EXPECT_THAT(got, ElementsAre("a 1", "b 1", "a 2", "c 1", "b 2"));
  world.publish_in_turn({"c", "a", "c"});
  const int sleeps = world.waker->sleeps;
  for (int n = 0; n < 2; ++n) read_more();
  EXPECT_THAT(std::vector(got.begin() + 5, got.end()), ElementsAre("c 2", "a 3", "c 3"));
  EXPECT_EQ(world.waker->sleeps, sleeps);
}

TEST_F(EventsWait, that_begins_elsewhere_knows_nothing_of_the_one_before) {
  world.publish("a", 2);
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  ASSERT_THAT(read({"a"}, waiting("$", 10s)), ElementsAre("a 3"));
  const std::string after_three = position;
  EXPECT_THAT(read({"a"}, waiting("0", 10s)), ElementsAre("a 1", "a 2", "a 3"));
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  EXPECT_THAT(read({"a"}, waiting(after_three, 10s)), ElementsAre("a 4"));
  EXPECT_THAT(read({"a"}, waiting(after_three, 10s)), ElementsAre("a 4")) << "as often as it is asked for";
}

TEST_F(EventsWait, that_failed_goes_on_where_the_one_before_stopped) {
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  ASSERT_THAT(read({}, waiting("$", 10s)), ElementsAre("a 1"));
  world.events->failing = true;
  EXPECT_EQ(code_of(streamer.consume_events({}, waiting(position, 10s))), ErrorCode::unavailable);
  world.events->failing = false;
  world.publish("b", 1);
  world.publish("a", 1);
  EXPECT_THAT(read({}, waiting(position, 10s)), ::testing::UnorderedElementsAre("a 2", "b 1"));
}

TEST_F(EventsWait, goes_on_in_a_streamer_that_was_moved) {
  world.during_the_next_sleep([&] { world.publish("a", 1); });
  ASSERT_THAT(read({}, waiting("$", 10s)), ElementsAre("a 1"));
  EventsWorld other;
  EventStreamer elsewhere = other.streamer();
  other.during_the_next_sleep([&] { other.publish("z", 1); });
  ASSERT_THAT(items_of(elsewhere.consume_events({}, waiting("$", 10s))), ElementsAre("z 1"));
  elsewhere = std::move(streamer);
  world.publish("a", 1);
  EXPECT_THAT(items_of(elsewhere.consume_events({}, waiting(position, 10s))), ElementsAre("a 2"));
}

TEST(EventsWaitForReal, a_waiting_thread_gets_every_event_once_and_in_order) {
  EventsWorld world(SignalsWorld::Time::real_sleeps);
  constexpr int kEvents = 300;
  std::vector<std::string> got;
  std::thread reader([&] {
    EventStreamer streamer = world.streamer();
    ConsumeOptions options = waiting("0", 60s);
    while (got.size() < 2 * kEvents) {
      const auto batch = streamer.consume_events({}, options);
      const std::vector<std::string> items = items_of(batch);
      if (items.empty()) return;
      got.insert(got.end(), items.begin(), items.end());
      options.start = batch->position;
    }
  });
  std::thread other([&] { world.publish("b", kEvents); });
  world.publish("a", kEvents);
  other.join();
  reader.join();
  const auto of_type = [&](char type) {
    std::vector<std::string> items;
    std::ranges::copy_if(got, std::back_inserter(items), [&](const std::string& item) { return item[0] == type; });
    return items;
  };
  std::vector<std::string> expected;
  for (int n = 1; n <= kEvents; ++n) expected.push_back(fmt::format("a {}", n));
  EXPECT_EQ(of_type('a'), expected);
  for (std::string& item : expected) item[0] = 'b';
  EXPECT_EQ(of_type('b'), expected);
}

}  // namespace
}  // namespace aldis::testing
