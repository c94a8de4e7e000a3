// The events that heartbeats, signals and approvals publish about themselves when the workspace streams events.

#include <gmock/gmock.h>

#include "events_world.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OwnEvents : public ::testing::Test {
 protected:
  // What is in the stream once `count` events were tried in all, oldest first: the data of each.
  std::vector<std::string> told(const std::string& type, int count) {
    world.events->wait_for_publications(count);
    std::vector<std::string> data;
    const auto batch = world.streamer().consume_events({type}, from("0"));
    for (const StreamItem& item : batch->items) {
      data.push_back(std::get<StreamEvent>(item).data.text());
      sources.push_back(std::get<StreamEvent>(item).source);
    }
    return data;
  }
  std::size_t streams() { return world.streamer().list_streams()->size(); }

  // An agent whose lease alone decides.
  HeartbeatCoordinator leased(const std::string& agent) {
    HeartbeatCoordinator coordinator(workspace);
    StartOptions options;
    options.process.kind = ProcessBinding::Kind::none;
    EXPECT_TRUE(coordinator.start_heartbeat(agent, options));
    return coordinator;
  }
  // One pass of a watcher.
  static void watch_once(const Workspace& watching) {
    HeartbeatCoordinator watcher(watching);
    ASSERT_TRUE(watcher.watch([](const StateChange&) { return false; }, {}));
  }

  EventsWorld world;
  Workspace workspace = world.streaming_workspace();
  std::vector<std::string> sources;
};

TEST_F(OwnEvents, nothing_is_published_unless_it_is_wanted) {
  workspace = world.workspace();
  auto agent = leased("alice");
  auto alice = *CoordinationSignals::open(workspace, "alice");
  ASSERT_TRUE(alice.signal("go", "bob"));
  ASSERT_TRUE(alice.broadcast("go"));
  ASSERT_TRUE(agent.stop_heartbeat());
  EXPECT_EQ(streams(), 0u);
}

TEST_F(OwnEvents, tell_of_a_signal_and_of_a_broadcast) {
  auto alice = *CoordinationSignals::open(workspace, "alice");
  const auto signal = alice.signal("go", "bob", *Json::parse(R"({"secret":"x"})"), 90s);
  const auto broadcast = alice.broadcast("stop", {}, 1500ms);
  EXPECT_THAT(
      told("coordination_signal", 2),
      ElementsAre(fmt::format(R"({{"signal_id":"{}","signal_type":"go","source_agent":"alice","target_agent":"bob",)"
                              R"("ttl_seconds":90,"payload_bytes":14}})",
                              signal->signal_id),
                  fmt::format(R"({{"signal_id":"{}","signal_type":"stop","source_agent":"alice","target_agent":null,)"
                              R"("ttl_seconds":1.5,"payload_bytes":2}})",
                              broadcast->signal_id)));
  EXPECT_THAT(sources, ElementsAre("alice", "alice"));
}

TEST_F(OwnEvents, are_there_when_the_call_returns) {
  auto alice = *CoordinationSignals::open(workspace, "alice");
  world.events->on_publish = [this] { EXPECT_EQ(world.table->examinations(), 0); };
  for (int n = 1; n <= 20; ++n) ASSERT_TRUE(alice.signal("go", "bob"));
  EXPECT_THAT(told("coordination_signal", 20), SizeIs(20));
}

TEST_F(OwnEvents, do_not_tell_of_what_did_not_happen) {
  auto alice = *CoordinationSignals::open(workspace, "alice");
  world.signals->failing = true;
  EXPECT_FALSE(alice.signal("go", "bob"));
  world.signals->failing = false;
  EXPECT_FALSE(alice.signal("go", "no spaces"));
  HeartbeatCoordinator agent(workspace);
  EXPECT_FALSE(agent.start_heartbeat("no spaces"));
  EXPECT_FALSE(agent.stop_heartbeat());
  EXPECT_EQ(streams(), 0u);
}

TEST_F(OwnEvents, tell_of_the_start_and_of_the_stop_of_a_heartbeat) {
  auto agent = leased("alice");
  const std::string incarnation = agent.incarnation();
  ASSERT_TRUE(agent.beat());
  ASSERT_TRUE(agent.stop_heartbeat());
  ASSERT_TRUE(agent.stop_heartbeat()) << "again, and no news";
  EXPECT_THAT(
      told("agent_heartbeat", 2),
      ElementsAre(
          fmt::format(R"({{"agent_id":"alice","state":"alive","previous_state":null,"incarnation":"{}"}})", incarnation),
          fmt::format(R"({{"agent_id":"alice","state":"finished","previous_state":null,"incarnation":"{}"}})",
                      incarnation)));
  EXPECT_THAT(sources, ElementsAre("alice", "alice"));
}

TEST_F(OwnEvents, tell_of_a_derived_change_once_whoever_watches) {
  auto agent = leased("alice");
  const std::string incarnation = agent.incarnation();
  world.clock->advance(31s);
  watch_once(workspace);
  watch_once(world.streaming_workspace());
  EXPECT_THAT(told("agent_heartbeat", 2),
              ElementsAre(::testing::_, fmt::format(R"({{"agent_id":"alice","state":"dead","previous_state":"alive",)"
                                                    R"("incarnation":"{}","evidence":"no lease for 31 s (lease 30 s)"}})",
                                                    incarnation)));
  ASSERT_TRUE(agent.beat());
  watch_once(workspace);
  EXPECT_THAT(told("agent_heartbeat", 3), SizeIs(3)) << "it is back";
}

TEST_F(OwnEvents, do_not_tell_of_a_stop_twice) {
  auto agent = leased("alice");
  ASSERT_TRUE(agent.stop_heartbeat());
  watch_once(workspace);
  watch_once(workspace);
  EXPECT_THAT(told("agent_heartbeat", 2), SizeIs(2)) << "its own word, and no watcher's";
}

TEST_F(OwnEvents, never_fail_what_they_tell_of) {
  world.events->failing = true;
  auto agent = leased("alice");
  auto alice = *CoordinationSignals::open(workspace, "alice");
  EXPECT_TRUE(alice.signal("go", "bob"));
  EXPECT_TRUE(agent.stop_heartbeat());
  world.events->wait_for_publications(3);
  workspace = world.workspace();  // the outlet is gone, and has counted
  // What still uses the old one keeps it.
}

}  // namespace
}  // namespace aldis::testing
