// The events that heartbeats, signals and approvals publish about themselves when the workspace streams events.

#include <gmock/gmock.h>

#include "aldis/approvals.h"
#include "events_world.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
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

  // In open mode: there is no policy.
  ApprovalGate gate(const std::string& agent) {
    WorkspaceOptions options;
    options.stream_events = true;
    options.configuration_directory = configuration.path();
    return *ApprovalGate::open(world.workspace(std::move(options)), agent);
  }
  static std::string decision(const ApprovalRequest& request, std::string_view status, std::string_view responder) {
    return fmt::format(R"({{"request_id":"{}","approval_type":"deploy","agent_id":"alice","status":"{}",)"
                       R"("responder":{},"verified":false}})",
                       request.request_id, status, responder);
  }

  EventsWorld world;
  ScratchDirectory configuration;
  Workspace workspace = world.streaming_workspace();
  std::vector<std::string> sources;  // of all that was told
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
      told("agent_heartbeat", 3),
      ElementsAre(fmt::format(R"({{"agent_id":"alice","state":"alive","previous_state":null,"incarnation":"{}"}})",
                              incarnation),
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
  const std::string dead = fmt::format(R"json({{"agent_id":"alice","state":"dead","previous_state":"alive",)json"
                                       R"json("incarnation":"{}","evidence":"no lease for 31 s (lease 30 s)"}})json",
                                       incarnation);
  EXPECT_THAT(told("agent_heartbeat", 2), ElementsAre(_, dead));
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

TEST_F(OwnEvents, tell_of_an_approval_request_once) {
  auto alice = gate("alice");
  const auto request = alice.open_request("deploy", *Json::parse(R"({"secret":"x"})"), 60s, {.key = "k"});
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_TRUE(alice.open_request("deploy", *Json::parse(R"({"secret":"x"})"), 60s, {.key = "k"}));
  EXPECT_THAT(
      told("approval_request", 1),
      ElementsAre(fmt::format(R"({{"request_id":"{}","approval_type":"deploy","agent_id":"alice",)"
                              R"("context_hash":"{}","expires_at":"{}","quorum":1}})",
                              request->request_id, request->context_hash, format_timestamp(*request->expires_at))));
  EXPECT_THAT(sources, ElementsAre("alice"));
}

TEST_F(OwnEvents, tell_of_a_decision_once) {
  auto alice = gate("alice");
  const auto first = alice.open_request("deploy", {}, std::nullopt);
  const auto second = alice.open_request("deploy");
  const auto third = alice.open_request("deploy");
  ASSERT_TRUE(first && second && third);
  auto people = gate("");
  ASSERT_TRUE(people.respond_to_approval(first->request_id, true, "bob", "fine"));
  ASSERT_FALSE(people.respond_to_approval(first->request_id, false, "carol"));
  ASSERT_TRUE(people.respond_to_approval(second->request_id, false, "carol"));
  ASSERT_TRUE(alice.cancel(third->request_id, "no more"));
  ASSERT_TRUE(alice.wait(first->request_id));
  EXPECT_THAT(told("approval_decision", 6),
              ElementsAre(decision(*first, "approved", R"("bob")"), decision(*second, "rejected", R"("carol")"),
                          decision(*third, "cancelled", R"("alice")")));
  EXPECT_THAT(sources, ElementsAre("bob", "carol", "alice"));
}

TEST_F(OwnEvents, tell_of_a_timeout_when_somebody_sees_it_come) {
  auto alice = gate("alice");
  const auto request = alice.open_request("deploy", {}, 60s);
  ASSERT_TRUE(alice.wait(request->request_id));
  ASSERT_TRUE(alice.wait(request->request_id)) << "later: that is no news";
  EXPECT_THAT(told("approval_decision", 2), ElementsAre(decision(*request, "timed_out", "null")));
  EXPECT_THAT(sources, ElementsAre(""));
}

TEST_F(OwnEvents, tell_of_a_timeout_that_came_before_the_wait_and_was_settled_by_it) {
  auto alice = gate("alice");
  const auto request = alice.open_request("deploy", {}, 60s);
  world.clock->advance(61s);
  ASSERT_TRUE(alice.wait(request->request_id));
  EXPECT_THAT(told("approval_decision", 2), ElementsAre(decision(*request, "timed_out", "null")));
}

TEST_F(OwnEvents, of_a_timeout_are_the_same_event_whoever_of_those_who_waited_tells) {
  auto alice = gate("alice");
  auto bob = gate("bob");
  const auto request = alice.open_request("deploy", {}, 60s);
  // Another waits too, and sees it first.
  world.during_the_next_sleep([&] { ASSERT_TRUE(bob.wait(request->request_id)); });
  ASSERT_TRUE(alice.wait(request->request_id));
  EXPECT_THAT(told("approval_decision", 3), ElementsAre(decision(*request, "timed_out", "null")));
}

TEST_F(OwnEvents, never_fail_what_they_tell_of) {
  world.events->failing = true;
  auto agent = leased("alice");
  auto alice = *CoordinationSignals::open(workspace, "alice");
  EXPECT_TRUE(alice.signal("go", "bob"));
  EXPECT_TRUE(agent.stop_heartbeat());
  world.events->wait_for_publications(3);
  world.events->failing = false;
  EXPECT_TRUE(alice.signal("go", "bob"));
  EXPECT_THAT(told("coordination_signal", 4), SizeIs(1));
  EXPECT_EQ(world.events->dropped(), 3u);
}

}  // namespace
}  // namespace aldis::testing
