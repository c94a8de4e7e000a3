// What a member of a consumer group held when it was killed: it goes to another, or is counted as lost.

#include <gmock/gmock.h>

#include <algorithm>

#include "core/format.h"
#include "event_stage.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeadMembers : public ::testing::TestWithParam<const char*> {
 protected:
  // A member takes the first `count` events, and is killed with them.
  pid_t take_and_die(int count) {
    const pid_t member = start_member(count, "3600000", "keep=yes");
    EXPECT_EQ(stage.hear("given"), by(member, 1, static_cast<std::uint64_t>(count)));
    stage.fleet().kill(member);
    EXPECT_EQ(stage.hear("killed"), Words{std::to_string(member)});
    return member;
  }
  pid_t start_member(int batch, const std::string& take_over_ms, const std::string& more = "") {
    Words arguments = {"work", "type=t0", fmt::format("batch={}", batch), "take_over_ms=" + take_over_ms};
    if (!more.empty()) arguments.push_back(more);
    return stage.start_ready(std::move(arguments));
  }
  // "PID 1 2 3…"
  static Words by(pid_t member, std::uint64_t first, std::uint64_t last) {
    Words words = ordinals_between(first, last);
    words.insert(words.begin(), std::to_string(member));
    return words;
  }
  // "PID COUNT 1 2 3…"
  static Words done_by(pid_t member, const std::string& count, std::uint64_t first, std::uint64_t last) {
    Words words = by(member, first, last);
    words.insert(words.begin() + 1, count);
    return words;
  }

  EventStage stage{GetParam()};
};

TEST_P(DeadMembers, leave_what_they_held_to_one_that_waits_for_it) {
  stage.publish("t0", 10);
  const pid_t dead = take_and_die(10);
  const pid_t patient = start_member(10, "3600000");
  EventStreamer events = stage.events();
  const auto held = events.get_pending_events("t0", "workers");
  ASSERT_TRUE(held) << held.error().message;
  ASSERT_THAT(*held, SizeIs(10));
  EXPECT_EQ(held->front().consumer, fmt::format("member-{}", dead));

  const pid_t heir = start_member(10, "300");
  EXPECT_EQ(stage.hear("given"), by(heir, 1, 10)) << "and nothing went to " << patient << ", which takes over later";
  EXPECT_EQ(stage.hear("acknowledged"), done_by(heir, "10", 1, 10));
  EXPECT_THAT(*events.get_pending_events("t0", "workers"), IsEmpty());
}

TEST_P(DeadMembers, that_held_what_was_trimmed_are_told_of_once_in_one_gap) {
  stage.keep("t0", 100);
  stage.publish("t0", 100);
  take_and_die(20);
  EventStreamer events = stage.events();
  std::vector<std::string> ids;
  const auto held = events.get_pending_events("t0", "workers");
  ASSERT_TRUE(held) << held.error().message;
  for (const PendingEvent& event : *held) {
    const std::uint64_t ordinal = ordinal_of_id(event.event_id);
    if (ordinal >= 3 && ordinal <= 7) ids.push_back(event.event_id);
  }
  ASSERT_EQ(events.acknowledge("t0", "workers", ids).value(), 5u);
  stage.publish("t0", 300);

  // 15 that were pending, and 280 that nobody was given.
  const pid_t next = start_member(500, "3600000", "keep=yes");
  EXPECT_EQ(stage.hear("gap"), (Words{std::to_string(next), "1", "300", "295"}));
  EXPECT_EQ(stage.hear("given"), by(next, 301, 400));
  EXPECT_THAT(*events.get_pending_events("t0", "workers"), SizeIs(100));

  const pid_t after_it = start_member(500, "3600000", "keep=yes");
  stage.fleet().kill(next);
  EXPECT_EQ(stage.hear("killed"), Words{std::to_string(next)});
  stage.publish("t0");
  // 301 left with that, and was pending; of what the first gap told, nothing is told again.
  EXPECT_EQ(stage.hear("gap"), (Words{std::to_string(after_it), "301", "301", "1"}));
  EXPECT_EQ(stage.hear("given"), by(after_it, 401, 401));
}

TEST_P(DeadMembers, that_come_to_life_again_acknowledge_nothing_that_another_did) {
  stage.publish("t0", 10);
  const pid_t sleeper = start_member(10, "3600000", "stop=yes");
  EXPECT_EQ(stage.hear("given"), by(sleeper, 1, 10));
  EventStage::wait_until_stopped(sleeper);
  const pid_t heir = start_member(10, "1");
  EXPECT_EQ(stage.hear("given"), by(heir, 1, 10));
  EXPECT_EQ(stage.hear("acknowledged"), done_by(heir, "10", 1, 10));
  EventStage::go_on(sleeper);
  EXPECT_EQ(stage.hear("acknowledged"), done_by(sleeper, "0", 1, 10));
}

// A stream that keeps less than its members can hold, and one of them that holds what it has for ever.
TEST_P(DeadMembers, of_a_group_that_is_outrun_leave_no_event_that_is_neither_acknowledged_nor_told_as_lost) {
  constexpr int kPublishers = 4;
  constexpr std::uint64_t kEvents = 1'000;  // of each publisher
  constexpr std::uint64_t kLast = kPublishers * kEvents + 30;
  stage.keep("t0", 40);
  stage.publish("t0", 30);
  take_and_die(30);
  for (int i = 0; i < 3; ++i) start_member(20, "3600000");
  for (int i = 0; i < kPublishers; ++i) {
    stage.start({"publish", fmt::format("name=publisher-{}", i), "first=1", fmt::format("last={}", kEvents)});
  }
  std::uint64_t lost = 0;
  std::uint64_t acknowledged = 0;
  int finished = 0;
  for (std::uint64_t last = 0; finished < kPublishers || lost + acknowledged < kLast;) {
    const auto line = stage.fleet().hear();
    ASSERT_TRUE(line) << lost << " lost, " << acknowledged << " acknowledged";
    if (line->front() == "published") last = std::max(last, ordinal_of_id(line->at(4)));
    if (line->front() == "gap") lost += to_ordinal(line->at(4));
    if (line->front() == "acknowledged") acknowledged += to_ordinal(line->at(2));
    if (line->front() == "finished") ++finished;
    ASSERT_LE(last, kLast);
  }
  EXPECT_EQ(lost + acknowledged, kLast);
  EXPECT_GE(lost, 30u) << "what the dead one had";
  EXPECT_EQ(stage.events().get_stream_info("t0")->groups.front(),
            (GroupInfo{.group = "workers", .delivered = kLast, .waiting = 0, .pending = 0}));
}

INSTANTIATE_TEST_SUITE_P(Stores, DeadMembers, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
