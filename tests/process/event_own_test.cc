// Events that heartbeats and signals publish in passing, while a stopped process holds the ledger's lock: they neither
// fail nor wait, what could not be published is counted, and afterwards it goes on.

#include <gmock/gmock.h>

#include "cli/program.h"
#include "core/format.h"
#include "event_stage.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OwnEvents : public ::testing::Test {
 protected:
  static constexpr int kSignals = 3;
  // And the start and the stop of the agent. The first is on its way until the end, and nobody knows what becomes of
  // it.
  static constexpr int kCounted = kSignals + 2 - 1;

  // All that a process does is done when this returns, and that process has ended.
  void coordinate(const std::string& agent) {
    const pid_t worker = stage.start({"coordinate", "agent=" + agent, fmt::format("signals={}", kSignals)});
    EXPECT_EQ(stage.hear("did"), Words{"start"});
    for (int i = 0; i < kSignals; ++i) {
      EXPECT_EQ(stage.hear("did"), Words{"beat"});
      EXPECT_EQ(stage.hear("did"), Words{"signal"});
    }
    EXPECT_EQ(stage.hear("did"), Words{"stop"});
    EXPECT_EQ(stage.fleet().wait_for_end(worker), 0);
  }
  pid_t start_holder() {
    const pid_t holder = stage.start({"hold-lock"});
    stage.hear("holding");
    EventStage::wait_until_stopped(holder);
    return holder;
  }
  static std::string dropped(int events) {
    return fmt::format("\"{} events of heartbeats, signals or approvals could not be published in time", events);
  }
  Ended doctor() {
    const Sandbox sandbox;
    return sandbox.aldis({"doctor"},
                         {{"ALDIS_RUNTIME_DIR", stage.directory()}, {"ALDIS_STATE_DIR", stage.directory() + "/state"}});
  }
  std::vector<std::string> sources_of(const std::string& type) {
    std::vector<std::string> sources;
    const auto events = stage.events().get_recent_events(type);
    EXPECT_TRUE(events) << events.error().message;
    for (const StreamEvent& event : *events) sources.push_back(event.source);
    return sources;
  }

  EventStage stage{"local"};
};

TEST_F(OwnEvents, are_dropped_and_counted_while_a_stopped_process_holds_the_ledger) {
  const pid_t holder = start_holder();
  coordinate("first");
  EXPECT_THAT(doctor().out, HasSubstr(dropped(kCounted)));
  coordinate("another");
  EXPECT_THAT(doctor().out, HasSubstr(dropped(2 * kCounted)));
  EventStage::go_on(holder);
  EXPECT_EQ(stage.fleet().wait_for_end(holder), 0);
  EXPECT_THAT(sources_of("coordination_signal"), IsEmpty());

  coordinate("second");
  EXPECT_THAT(sources_of("coordination_signal"), ElementsAre("second", "second", "second"));
  EXPECT_THAT(sources_of("agent_heartbeat"), ElementsAre("second", "second"));
  EXPECT_THAT(doctor().out, HasSubstr(dropped(2 * kCounted))) << "no more than before";
}

}  // namespace
}  // namespace aldis::testing
