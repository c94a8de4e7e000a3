// What a member of a consumer group held when it was killed: it goes to another, or is counted as lost.

#include <gmock/gmock.h>

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
    const pid_t member = start_member(count, "3600000", true);
    Words given = ordinals_between(1, static_cast<std::uint64_t>(count));
    given.insert(given.begin(), std::to_string(member));
    EXPECT_EQ(stage.hear("given"), given);
    stage.fleet().kill(member);
    EXPECT_EQ(stage.hear("killed"), Words{std::to_string(member)});
    return member;
  }
  pid_t start_member(int batch, const std::string& take_over_ms, bool keeps = false) {
    Words arguments = {"work", "type=t0", fmt::format("batch={}", batch), "take_over_ms=" + take_over_ms};
    if (keeps) arguments.push_back("keep=yes");
    return stage.start_ready(std::move(arguments));
  }
  // "PID 1 2 3…"
  static Words by(pid_t member, std::uint64_t first, std::uint64_t last) {
    Words words = ordinals_between(first, last);
    words.insert(words.begin(), std::to_string(member));
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
  Words acknowledged = by(heir, 1, 10);
  acknowledged.insert(acknowledged.begin() + 1, "10");
  EXPECT_EQ(stage.hear("acknowledged"), acknowledged);
  EXPECT_THAT(*events.get_pending_events("t0", "workers"), IsEmpty());
}

TEST_P(DeadMembers, that_held_what_was_trimmed_are_told_of_once_in_one_gap) {
  stage.keep("t0", 100);
  stage.publish("t0", 100);
  take_and_die(20);
  EventStreamer events = stage.events();
  std::vector<std::string> ids;
  for (const PendingEvent& event : *events.get_pending_events("t0", "workers")) {
    const std::uint64_t ordinal = ordinal_of_id(event.event_id);
    if (ordinal >= 3 && ordinal <= 7) ids.push_back(event.event_id);
  }
  ASSERT_EQ(events.acknowledge("t0", "workers", ids).value(), 5u);
  stage.publish("t0", 300);

  // 15 that were pending, and 280 that nobody was given.
  const pid_t next = start_member(500, "3600000", true);
  EXPECT_EQ(stage.hear("gap"), (Words{std::to_string(next), "1", "300", "295"}));
  EXPECT_EQ(stage.hear("given"), by(next, 301, 400));
  EXPECT_THAT(*events.get_pending_events("t0", "workers"), SizeIs(100));

  const pid_t after_it = start_member(500, "3600000", true);
  stage.fleet().kill(next);
  EXPECT_EQ(stage.hear("killed"), Words{std::to_string(next)});
  stage.publish("t0");
  // 301 left with that, and was pending; of what the first gap told, nothing is told again.
  EXPECT_EQ(stage.hear("gap"), (Words{std::to_string(after_it), "301", "301", "1"}));
  EXPECT_EQ(stage.hear("given"), by(after_it, 401, 401));
}

TEST_P(DeadMembers, that_were_stopped_and_come_back_late_acknowledge_nothing_that_another_did) {
  stage.publish("t0", 10);
  const pid_t sleeper = start_member(10, "3600000", true);
  EXPECT_EQ(stage.hear("given"), by(sleeper, 1, 10));
  EventStage::stop(sleeper);
  const pid_t heir = start_member(10, "1");
  EXPECT_EQ(stage.hear("given"), by(heir, 1, 10));
  stage.hear("acknowledged");
  EventStage::go_on(sleeper);
  EventStreamer events = stage.events();
  const auto all = events.get_recent_events("t0");
  ASSERT_TRUE(all) << all.error().message;
  std::vector<std::string> ids;
  for (const StreamEvent& event : *all) ids.push_back(event.event_id);
  EXPECT_EQ(events.acknowledge("t0", "workers", ids).value(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, DeadMembers, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
