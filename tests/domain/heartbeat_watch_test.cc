// watch: every change is told once, and nobody asks the store oftener than something can change.

#include "domain/heartbeat_watch.h"

#include <gmock/gmock.h>

#include <stop_token>

#include "core/failure.h"
#include "heartbeats_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

// "reviewer: alive -> dead", with ! if it was the first to see it.
std::string told(const StateChange& change) {
  const std::string from = change.previous ? std::string(to_string(*change.previous)) : "?";
  return change.agent.agent_id + ": " + from + " -> " + std::string(to_string(change.agent.state)) +
         (change.first ? "!" : "");
}

class HeartbeatsWatch : public ::testing::Test, protected HeartbeatsWorld {
 protected:
  HeartbeatsWatch() = default;
  explicit HeartbeatsWatch(nanoseconds recheck) : HeartbeatsWorld(recheck) {}

  // Watches until `count` changes were told; `meanwhile` runs after each.
  std::vector<std::string> changes(std::size_t count, const std::function<void(const StateChange&)>& meanwhile = {}) {
    std::vector<std::string> seen;
    const auto watched = coordinator().watch(
        [&](const StateChange& change) {
          seen.push_back(told(change));
          if (meanwhile) meanwhile(change);
          return seen.size() < count;
        },
        {});
    EXPECT_TRUE(watched) << watched.error().message;
    return seen;
  }
};

TEST_F(HeartbeatsWatch, begins_with_the_state_of_every_agent) {
  const HeartbeatCoordinator living = started("living", 77);
  const HeartbeatCoordinator dying = started("dying", 78);
  process_becomes(78, ProcessEvidence::gone);
  EXPECT_THAT(changes(2), ElementsAre("dying: ? -> dead!", "living: ? -> alive"));
}

TEST_F(HeartbeatsWatch, tells_each_change_at_its_time_with_its_evidence) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  beats(agent, 6, 1s);
  const BootTime last_beat = clock->boot_now();
  std::vector<std::pair<nanoseconds, std::string>> times;
  const auto seen = changes(4, [&](const StateChange& change) {
    times.emplace_back(clock->boot_now() - last_beat, change.agent.evidence);
    if (change.agent.state == AgentState::stale) process_becomes(77, ProcessEvidence::zombie);
  });
  EXPECT_THAT(seen, ElementsAre("reviewer: ? -> alive", "reviewer: alive -> suspect!", "reviewer: suspect -> stale!",
                                "reviewer: stale -> dead!"));
  EXPECT_THAT(times[1].first, AllOf(Ge(1561ms), Le(1562ms)));
  EXPECT_EQ(times[2].first, 60s + 1ns);
  EXPECT_EQ(times[3].first, 61s + 1ns) << "no ring comes from a dying process: the recheck finds it";
  EXPECT_EQ(times[3].second, "process 77 exited");
}

TEST_F(HeartbeatsWatch, tells_that_an_agent_came_back_as_soon_as_it_beats) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  beats(agent, 6, 1s);
  BootTime beaten;
  BootTime back;
  const auto seen = changes(3, [&](const StateChange& change) {
    back = clock->boot_now();
    if (change.agent.state != AgentState::suspect) return;
    ASSERT_TRUE(agent.beat());
    beaten = clock->boot_now();
  });
  EXPECT_THAT(seen, ElementsAre("reviewer: ? -> alive", "reviewer: alive -> suspect!", "reviewer: suspect -> alive!"));
  EXPECT_EQ(back, beaten);
}

TEST_F(HeartbeatsWatch, tells_a_start_a_takeover_and_an_end) {
  HeartbeatCoordinator first = started("reviewer", 77);
  std::optional<HeartbeatCoordinator> second;
  int step = 0;
  const auto seen = changes(4, [&](const StateChange& change) {
    switch (step++) {
      case 0:
        second = started("reviewer", 78);
        break;
      case 1:
        EXPECT_EQ(change.agent.pid, 78);
        EXPECT_TRUE(second->stop_heartbeat());
        break;
      case 2:
        second = started("scout", 79);
        break;
    }
  });
  EXPECT_THAT(seen, ElementsAre("reviewer: ? -> alive", "reviewer: ? -> alive", "reviewer: alive -> finished!",
                                "scout: ? -> alive"));
}

TEST_F(HeartbeatsWatch, tells_one_of_all_watchers_that_it_was_the_first) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  const Workspace shared = workspace();
  HeartbeatWatch one(*shared.impl(), 60s);
  HeartbeatWatch other(*shared.impl(), 60s);
  for (HeartbeatWatch* watch : {&one, &other}) EXPECT_EQ(watch->pass()->changes.size(), 1U);
  process_becomes(77, ProcessEvidence::gone);
  EXPECT_TRUE(one.pass()->changes.at(0).first);
  EXPECT_FALSE(other.pass()->changes.at(0).first);
  HeartbeatWatch late(*shared.impl(), 60s);
  EXPECT_FALSE(late.pass()->changes.at(0).first);
}

TEST_F(HeartbeatsWatch, tells_nothing_twice) {
  const HeartbeatCoordinator agent = started("reviewer", 77);
  const Workspace shared = workspace();
  HeartbeatWatch watch(*shared.impl(), 60s);
  EXPECT_EQ(watch.pass()->changes.size(), 1U);
  EXPECT_THAT(watch.pass()->changes, IsEmpty());
}

TEST_F(HeartbeatsWatch, ends_when_it_is_stopped) {
  const HeartbeatCoordinator agent = started("reviewer", 77);
  std::stop_source stop;
  int told_changes = 0;
  const auto on_change = [&](const StateChange&) {
    ++told_changes;
    stop.request_stop();
    return true;
  };
  EXPECT_TRUE(coordinator().watch(on_change, stop.get_token()));
  EXPECT_EQ(told_changes, 1);
}

TEST_F(HeartbeatsWatch, ends_with_the_error_of_the_store) {
  const HeartbeatCoordinator agent = started("reviewer", 77);
  const auto watched = coordinator().watch(
      [&](const StateChange&) {
        store->failure = make_error(ErrorCode::unavailable, "the store is away");
        return true;
      },
      {});
  EXPECT_EQ(code_of(watched), ErrorCode::unavailable);
}

TEST_F(HeartbeatsWatch, needs_a_threshold_that_is_not_negative) {
  EXPECT_EQ(code_of(coordinator().watch([](const StateChange&) { return true; }, {}, -1s)),
            ErrorCode::invalid_argument);
}

// Where no death can go unnoticed for long, only the next possible change ends a sleep.
class PatientHeartbeatsWatch : public HeartbeatsWatch {
 protected:
  PatientHeartbeatsWatch() : HeartbeatsWatch(1h) {}
};

TEST_F(PatientHeartbeatsWatch, sleeps_until_the_next_possible_change) {
  HeartbeatCoordinator silent = leased("silent", 30s);
  HeartbeatCoordinator busy = leased("busy", 24h);
  beats(busy, 6, 1s);
  changes(5);
  const std::vector<nanoseconds> sleeps = waker->sleeps();
  ASSERT_EQ(sleeps.size(), 3U);  // suspect, the lease, stale
  EXPECT_THAT(sleeps[0], AllOf(Ge(1561ms), Le(1562ms)));
  EXPECT_EQ(sleeps[0] + sleeps[1], 24s);
  EXPECT_EQ(sleeps[0] + sleeps[1] + sleeps[2], 60s + 1ns);
}

TEST_F(PatientHeartbeatsWatch, only_rechecks_what_cannot_change_by_itself) {
  const HeartbeatCoordinator agent = started("reviewer", 77);
  const BootTime begin = clock->boot_now();
  changes(2, [&](const StateChange& change) {
    if (!change.previous) process_becomes(77, ProcessEvidence::gone);
  });
  EXPECT_THAT(waker->sleeps(), ElementsAre(nanoseconds{1h}));
  EXPECT_EQ(clock->boot_now() - begin, 1h);
}

TEST_F(HeartbeatsWatch, rechecks_nothing_where_no_process_can_die) {
  const HeartbeatCoordinator agent = leased("reviewer", 30s);
  changes(2);
  EXPECT_THAT(waker->sleeps(), ElementsAre(nanoseconds{30s}));
}

TEST_F(HeartbeatsWatch, looks_once_a_recheck_interval_while_a_process_may_die) {
  const HeartbeatCoordinator agent = leased("leased", 30s);
  const HeartbeatCoordinator bound = started("reviewer", 77);
  changes(3);
  EXPECT_THAT(waker->sleeps(), AllOf(SizeIs(30), Each(nanoseconds{1s})));
}

}  // namespace
}  // namespace aldis::testing
