// Lists of agents: which states they hold, and what they cost.

#include <gmock/gmock.h>

#include "heartbeats_world.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AgentListing : public ::testing::Test, protected HeartbeatsWorld {
 protected:
  // One agent in each state, named after it.
  void fill() {
    for (const char* name : {"suspect", "stale", "dead"})
      agents.push_back(started(name, static_cast<int>(77 + agents.size())));
    beats(agents[1], 6, 1s);
    clock->advance(61s);
    beats(agents[0], 6, 1s);
    clock->advance(2s);
    process_becomes(79, ProcessEvidence::gone);
    agents.push_back(started("alive", 80));
    agents.push_back(started("finished", 81));
    ASSERT_TRUE(agents.back().stop_heartbeat());
  }
  std::vector<HeartbeatCoordinator> agents;
};

TEST_F(AgentListing, holds_every_state_in_the_order_of_ids) {
  fill();
  const auto listed = coordinator().list();
  EXPECT_THAT(ids_of(listed), ElementsAre("alive", "dead", "finished", "stale", "suspect"));
  for (const AgentStatus& agent : *listed) EXPECT_EQ(to_string(agent.state), agent.agent_id);
}

TEST_F(AgentListing, can_be_narrowed_to_some_states) {
  fill();
  EXPECT_THAT(ids_of(coordinator().list({AgentState::dead, AgentState::suspect})), ElementsAre("dead", "suspect"));
  EXPECT_THAT(ids_of(coordinator().list({AgentState::finished})), ElementsAre("finished"));
}

TEST_F(AgentListing, of_active_agents_holds_alive_suspect_and_stale_ones) {
  fill();
  EXPECT_THAT(ids_of(coordinator().get_active_agents()), ElementsAre("alive", "stale", "suspect"));
}

TEST_F(AgentListing, takes_the_threshold_for_stale_from_the_caller) {
  fill();
  EXPECT_THAT(ids_of(coordinator().list({AgentState::stale}, 1h)), IsEmpty());
  EXPECT_THAT(ids_of(coordinator().list({AgentState::stale}, 1s)), ElementsAre("stale", "suspect"));
}

TEST_F(AgentListing, keeps_dead_and_finished_agents_for_24_hours) {
  HeartbeatCoordinator dead = started("dead", 77);
  process_becomes(77, ProcessEvidence::gone);
  HeartbeatCoordinator done = started("finished", 78);
  ASSERT_TRUE(done.stop_heartbeat());
  clock->advance(limits::kAgentRetention - 1s);
  EXPECT_THAT(ids_of(coordinator().list()), ElementsAre("dead", "finished"));
  clock->advance(1s);
  EXPECT_THAT(ids_of(coordinator().list()), ElementsAre("dead")) << "its lease lapsed 30 s later";
  clock->advance(30s);
  EXPECT_THAT(ids_of(coordinator().list()), IsEmpty());
}

TEST_F(AgentListing, keeps_an_agent_whose_process_was_stopped_for_days) {
  const HeartbeatCoordinator stopped = started("stopped", 77);
  clock->advance(72h);
  EXPECT_THAT(ids_of(coordinator().get_active_agents()), ElementsAre("stopped"));
  EXPECT_THAT(status("stopped").evidence, HasSubstr("process 77 exists, no lease for"));
}

TEST_F(AgentListing, of_stale_agents_holds_whoever_beat_too_long_ago_stale_or_dead) {
  HeartbeatCoordinator hung = started("hung", 77);
  HeartbeatCoordinator died = started("died", 78);
  HeartbeatCoordinator died_lately = started("died-lately", 79);
  HeartbeatCoordinator done = started("done", 80);
  for (HeartbeatCoordinator* agent : {&hung, &died, &done}) ASSERT_TRUE(agent->beat());
  ASSERT_TRUE(done.stop_heartbeat());
  clock->advance(61s);
  ASSERT_TRUE(died_lately.beat());
  process_becomes(78, ProcessEvidence::gone);
  process_becomes(79, ProcessEvidence::gone);
  const auto stale = coordinator().get_stale_agents();
  ASSERT_THAT(ids_of(stale), ElementsAre("died", "hung"));
  EXPECT_EQ(stale->at(0).state, AgentState::dead);
  EXPECT_EQ(stale->at(1).state, AgentState::stale);
  EXPECT_THAT(ids_of(coordinator().get_stale_agents(2h)), IsEmpty());
}

TEST_F(AgentListing, of_stale_agents_holds_the_dead_that_never_beat_but_not_the_living) {
  const HeartbeatCoordinator dead = started("dead", 77);
  const HeartbeatCoordinator living = started("living", 78);
  process_becomes(77, ProcessEvidence::gone);
  clock->advance(2h);
  EXPECT_THAT(ids_of(coordinator().get_stale_agents()), ElementsAre("dead"));
}

TEST_F(AgentListing, of_stale_agents_works_with_the_default_lease) {
  HeartbeatCoordinator agent = leased("reviewer");
  ASSERT_TRUE(agent.beat());
  clock->advance(61s);
  const auto stale = coordinator().get_stale_agents();
  ASSERT_THAT(ids_of(stale), ElementsAre("reviewer"));
  EXPECT_EQ(stale->at(0).state, AgentState::dead);
}

TEST_F(AgentListing, examines_each_process_once) {
  for (int i = 0; i < 20; ++i) agents.push_back(started("agent-" + std::to_string(i), i % 2 == 0 ? 77 : 78));
  const int before = processes->examinations();
  EXPECT_EQ(coordinator().list()->size(), 20U);
  EXPECT_EQ(processes->examinations() - before, 2);
}

TEST_F(AgentListing, does_not_take_an_agent_for_dead_that_finished_while_it_was_read) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  const auto finish_and_exit = [&] {
    ASSERT_TRUE(agent.stop_heartbeat());
    process_becomes(77, ProcessEvidence::gone);
  };
  store->after_read = finish_and_exit;
  EXPECT_EQ(state("reviewer"), AgentState::finished);
  agent = started("scout", 78);
  store->after_read = [&] {
    ASSERT_TRUE(agent.stop_heartbeat());
    process_becomes(78, ProcessEvidence::gone);
  };
  EXPECT_EQ(coordinator().list()->at(1).state, AgentState::finished);
}

TEST_F(AgentListing, reads_twice_only_for_a_death_that_nobody_published) {
  const HeartbeatCoordinator agent = started("reviewer", 77);
  EXPECT_EQ(coordinator().list()->at(0).state, AgentState::alive);
  EXPECT_EQ(store->listings, 1);
  process_becomes(77, ProcessEvidence::gone);
  EXPECT_EQ(coordinator().list()->at(0).state, AgentState::dead);
  EXPECT_EQ(store->listings, 3);
  const Id128 incarnation = *parse_id(kIncarnationPrefix, agent.incarnation());
  ASSERT_TRUE(records->publish_state("reviewer", incarnation, AgentState::alive, AgentState::dead).value());
  EXPECT_EQ(coordinator().list()->at(0).state, AgentState::dead);
  EXPECT_EQ(store->listings, 4);
}

}  // namespace
}  // namespace aldis::testing
