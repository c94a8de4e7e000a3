// EventOutlet: events of other capabilities, in passing. The caller is never failed and hardly delayed.

#include "domain/event_outlet.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "events_world.h"
#include "fakes/forked_child.h"

namespace aldis::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

OwnEvent event(int n) { return {.type = "own", .data = fmt::format(R"({{"n":{}}})", n), .source = "me"}; }

class Outlet : public ::testing::Test {
 protected:
  void publish(int n) { workspace->impl()->publish_own(event(n)); }
  // What is in the stream, oldest first: the n of each.
  std::vector<std::string> stored() {
    std::vector<std::string> data;
    const auto slices = world.twin.events->read(std::vector{StreamCursor{.type = "own", .after = 0}}, 10'000);
    for (const StoredEvent& one : slices->front().events) data.push_back(one.data.substr(5, one.data.size() - 6));
    return data;
  }
  std::uint64_t dropped() { return *world.twin.events->dropped(); }
  // Makes the thread wait in the store, with one event.
  void hang_with(int n) {
    world.events->hang();
    publish(n);
  }

  EventsWorld world;
  std::optional<Workspace> workspace = world.streaming_workspace();
};

TEST_F(Outlet, an_event_is_there_when_the_call_returns) {
  for (int n = 1; n <= 50; ++n) {
    publish(n);
    // Where the machine is so busy that the patience was over first, the event still comes.
    world.events->wait_for_publications(n);
    ASSERT_EQ(stored().back(), std::to_string(n));
  }
  EXPECT_EQ(dropped(), 0u);
  const auto recent = world.streamer().get_recent_events("own", 1);
  EXPECT_EQ(recent->front().data.text(), R"({"n":50})");
  EXPECT_EQ(recent->front().source, "me");
}

TEST_F(Outlet, the_store_is_told_of_the_patience) {
  publish(1);
  world.events->wait_for_publications(1);
  EXPECT_EQ(world.events->last_patience, limits::kOwnEventAttempt);
}

TEST_F(Outlet, a_store_that_hangs_does_not_keep_the_caller) {
  hang_with(1);  // returns, although the store does not
  publish(2);
  EXPECT_THAT(stored(), IsEmpty());
  world.events->release();
  world.events->wait_for_publications(2);
  EXPECT_THAT(stored(), ElementsAre("1", "2")) << "late, and in order";
  EXPECT_EQ(dropped(), 0u);
}

TEST_F(Outlet, a_failing_store_costs_the_event_and_nothing_else) {
  world.events->failing = true;
  publish(1);
  world.events->wait_for_publications(1);
  world.events->failing = false;
  publish(2);
  world.events->wait_for_publications(2);
  EXPECT_THAT(stored(), ElementsAre("2")) << "tried once";
  EXPECT_EQ(dropped(), 1u);
}

TEST_F(Outlet, a_full_queue_drops_and_counts_exactly) {
  hang_with(0);
  static_assert(33 * 31 + 1 == limits::kOwnEventsWaiting);
  std::vector<std::thread> callers;
  // Each waits its patience out, so many at once.
  for (int thread = 0; thread < 33; ++thread) {
    callers.emplace_back([&, thread] {
      for (int n = 0; n < 31; ++n) publish(1 + thread * 31 + n);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(dropped(), 0u);
  publish(5000);
  publish(5001);
  EXPECT_EQ(dropped(), 2u) << "no room, and no wait for it";
  world.events->release();
  world.events->wait_for_publications(static_cast<int>(limits::kOwnEventsWaiting));
  EXPECT_THAT(stored(), SizeIs(limits::kOwnEventsWaiting));
  EXPECT_EQ(dropped(), 2u);
  publish(5002);
  world.events->wait_for_publications(static_cast<int>(limits::kOwnEventsWaiting) + 1);
  EXPECT_EQ(stored().back(), "5002") << "there is room again";
}

TEST_F(Outlet, events_of_one_caller_keep_their_order_whatever_others_do) {
  std::vector<std::thread> callers;
  for (int thread = 0; thread < 4; ++thread) {
    callers.emplace_back([&, thread] {
      for (int n = 0; n < 50; ++n) publish(1000 * (thread + 1) + n);
    });
  }
  for (std::thread& caller : callers) caller.join();
  world.events->wait_for_publications(200);
  std::vector<int> next(5, 0);
  for (const std::string& data : stored()) {
    const int n = std::atoi(data.c_str());
    EXPECT_EQ(n % 1000, next[static_cast<std::size_t>(n / 1000)]++);
  }
  EXPECT_THAT(stored(), SizeIs(200));
}

// How fast the machine is decides when the patience of the end is over: what came by then is there. The one that was on
// its way then may come, and is not counted.
TEST_F(Outlet, at_the_end_what_waits_is_published_or_counted) {
  hang_with(1);
  world.events->wait_until_somebody_hangs();
  publish(2);
  publish(3);
  world.events->release();
  workspace.reset();
  world.events->wait_for_publications(1);
  const auto there = stored();
  EXPECT_THAT(there, AnyOf(ElementsAre("1"), ElementsAre("1", "2"), ElementsAre("1", "2", "3")));
  EXPECT_GE(there.size() + dropped(), 2u);
  EXPECT_LE(there.size() + dropped(), 3u);
}

TEST_F(Outlet, the_end_does_not_wait_for_a_store_that_hangs) {
  hang_with(1);
  publish(2);
  publish(3);
  world.events->wait_until_somebody_hangs();
  workspace.reset();  // returns, although the store does not
  EXPECT_EQ(dropped(), 2u) << "and not the one that is on its way";
  EXPECT_EQ(world.events->handed_on, 0) << "the store is not even told";
  world.events->release();
  world.events->wait_for_publications(1);
  EXPECT_THAT(stored(), ElementsAre("1")) << "that was on its way, and nothing else is begun";
  EXPECT_EQ(dropped(), 2u);
}

TEST_F(Outlet, the_store_is_told_of_what_was_dropped_when_it_answers_again) {
  world.events->failing = true;
  publish(1);
  world.events->wait_for_publications(1);
  EXPECT_EQ(world.events->handed_on, 0);
  world.events->failing = false;
  publish(2);
  world.events->wait_until_handed_on();
}

TEST_F(Outlet, nothing_comes_from_a_forked_child_and_its_end_is_clean) {
  publish(1);
  world.events->wait_for_publications(1);
  const std::string said = in_a_child([&] {
    const bool streams = workspace->impl()->streams_events();
    workspace.reset();
    return std::string(streams ? "it streams" : "it does not");
  });
  EXPECT_EQ(said, "it does not");
  publish(2);
  world.events->wait_for_publications(2);
  EXPECT_THAT(stored(), ElementsAre("1", "2")) << "the parent goes on";
}

}  // namespace
}  // namespace aldis::testing
