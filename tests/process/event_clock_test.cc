// Publishers whose wall clock is an hour wrong, or jumps by an hour between two events: ids never go back, ordinals
// have no hole, and the local store tells the age of an event by the clock that nobody steps.

#include <gmock/gmock.h>

#include <array>

#include "core/clock.h"
#include "core/format.h"
#include "event_stage.h"
#include "redis/clock_file.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kPublishers = 4;
constexpr int kEvents = 80;  // of each publisher, a round; all of them are one read

class PublishersWithWrongClocks : public ::testing::TestWithParam<const char*> {
 protected:
  PublishersWithWrongClocks() {
    for (ClockFile& clock : clocks) clock.set(SystemClock{}.wall_now());
  }

  // One clock is right at first, one fast, one slow, and one publisher has the host's.
  void start_publishers() {
    clocks[1].advance(1h);
    clocks[2].advance(-1h);
    for (int i = 0; i < kPublishers; ++i) {
      const Words arguments = {"publish", fmt::format("name=publisher-{}", i), "first=1",
                               fmt::format("last={}", kEvents), "rounds=2"};
      const auto clock = static_cast<std::size_t>(i);
      stage.start(arguments, clock < clocks.size() ? environment_of(clocks[clock]) : Words{});
    }
  }
  static Words environment_of(const ClockFile& clock) {
    return {"ALDIS_TEST_CLOCK=" + clock.environment().at("ALDIS_TEST_CLOCK")};
  }
  void hear_round() {
    for (int finished = 0; finished < kPublishers;) {
      const auto line = stage.fleet().hear();
      ASSERT_TRUE(line) << "everybody is silent";
      ASSERT_THAT(line->front(), ::testing::AnyOf("published", "finished"));
      if (line->front() == "finished") ++finished;
    }
  }
  void run_rounds() {
    start_publishers();
    hear_round();
    for (ClockFile& clock : clocks) clock.advance(-1h);
    stage.publish("go");
    hear_round();
    for (ClockFile& clock : clocks) clock.advance(2h);
    stage.publish("go");
    hear_round();
  }
  std::vector<StreamEvent> read_all() {
    const auto batch = stage.events().consume_events({"t0"}, {.start = "0", .count = limits::kConsumeCountMax});
    EXPECT_TRUE(batch) << batch.error().message;
    std::vector<StreamEvent> events;
    for (const StreamItem& item : batch->items) events.push_back(std::get<StreamEvent>(item));
    return events;
  }

  EventStage stage{GetParam()};
  std::array<ClockFile, kPublishers - 1> clocks;
};

TEST_P(PublishersWithWrongClocks, leave_ids_that_only_grow) {
  run_rounds();
  const std::vector<StreamEvent> events = read_all();
  ASSERT_EQ(events.size(), 3u * kPublishers * kEvents);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(ordinal_of_id(events[i].event_id), i + 1);
    if (i > 0) {
      ASSERT_GE(ms_of_id(events[i].event_id), ms_of_id(events[i - 1].event_id));
    }
  }
  // On the local store the fast clock counts; on Redis the server's does.
  const bool is_fast = events.back().timestamp > SystemClock{}.wall_now() + 30min;
  EXPECT_EQ(is_fast, GetParam() == std::string_view("local"));
}

INSTANTIATE_TEST_SUITE_P(Stores, PublishersWithWrongClocks, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

using LocalPublishersWithWrongClocks = PublishersWithWrongClocks;

TEST_P(LocalPublishersWithWrongClocks, make_no_event_older_than_it_is) {
  ASSERT_TRUE(stage.events().configure_stream("t0", {.max_age = 30min}));
  run_rounds();
  EXPECT_EQ(read_all().size(), 3u * kPublishers * kEvents);
}

TEST_P(LocalPublishersWithWrongClocks, make_no_event_younger_than_it_is) {
  run_rounds();
  ASSERT_TRUE(stage.events().configure_stream("t0", {.max_age = 1ms}));
  EXPECT_TRUE(eventually([&] { return read_all().empty(); }));
}

INSTANTIATE_TEST_SUITE_P(Stores, LocalPublishersWithWrongClocks, ::testing::Values("local"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
