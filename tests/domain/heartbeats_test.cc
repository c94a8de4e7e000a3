// HeartbeatCoordinator over the twins: contract, section 1.

#include "aldis/heartbeats.h"

#include <gmock/gmock.h>

#include <limits>

#include "core/failure.h"
#include "core/ids.h"
#include "heartbeats_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Heartbeats : public ::testing::Test, protected HeartbeatsWorld {};

StartOptions without_replacing() {
  StartOptions options;
  options.replace = false;
  return options;
}

TEST_F(Heartbeats, a_start_shows_who_it_is) {
  StartOptions options;
  options.metadata = Json::parse(R"({"model":"large"})").value();
  options.display_name = "Reviewer No. 1";
  const HeartbeatCoordinator agent = started("reviewer", options);
  const AgentStatus shown = status("reviewer");
  EXPECT_EQ(shown.agent_id, "reviewer");
  EXPECT_EQ(shown.display_name, "Reviewer No. 1");
  EXPECT_EQ(shown.metadata.text(), R"({"model":"large"})");
  EXPECT_EQ(shown.status, "started");
  EXPECT_EQ(shown.state, AgentState::alive);
  EXPECT_EQ(shown.evidence, "process 4242 exists");
  EXPECT_EQ(shown.progress, std::nullopt);
  EXPECT_EQ(shown.started_at, clock->wall_now());
  EXPECT_EQ(shown.last_beat, std::nullopt);
  EXPECT_EQ(shown.beats, 0U);
  EXPECT_EQ(shown.lease_expires_at, clock->wall_now() + 30s);
  EXPECT_EQ(shown.host, "fake-host");
  EXPECT_EQ(shown.pid, FakeProcessTable::kSelf);
  EXPECT_EQ(shown.suspicion, std::nullopt);
  EXPECT_EQ(shown.incarnation, agent.incarnation());
  EXPECT_THAT(shown.incarnation, StartsWith("inc_"));
}

TEST_F(Heartbeats, an_agent_without_a_display_name_shows_its_id) {
  const HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  EXPECT_EQ(status("reviewer").display_name, "reviewer");
}

TEST_F(Heartbeats, an_agent_can_be_bound_to_another_process_or_to_none) {
  const HeartbeatCoordinator child = started("child", 77);
  const HeartbeatCoordinator nobody = leased("nobody");
  EXPECT_EQ(status("child").pid, 77);
  EXPECT_EQ(status("nobody").pid, std::nullopt);
  HeartbeatCoordinator agent = coordinator();
  StartOptions options;
  options.process = {ProcessBinding::Kind::other, 78};
  EXPECT_EQ(code_of(agent.start_heartbeat("ghost", options)), ErrorCode::not_found);
  EXPECT_EQ(code_of(agent.get_agent_status("ghost")), ErrorCode::not_found);
}

TEST_F(Heartbeats, a_beat_reports_progress_and_keeps_what_it_does_not_say) {
  StartOptions options;
  options.metadata = Json::parse(R"({"model":"large"})").value();
  HeartbeatCoordinator agent = started("reviewer", options);
  clock->advance(5s);
  ASSERT_TRUE(agent.beat("reading", 0.25, "main.cc"));
  ASSERT_TRUE(agent.beat());
  const AgentStatus shown = status("reviewer");
  EXPECT_EQ(shown.status, "running");
  EXPECT_EQ(shown.progress, 0.25);
  EXPECT_EQ(shown.current_task, "main.cc");
  EXPECT_EQ(shown.metadata.text(), R"({"model":"large"})");
  EXPECT_EQ(shown.last_beat, clock->wall_now());
  EXPECT_EQ(shown.beats, 2U);
  EXPECT_EQ(shown.lease_expires_at, clock->wall_now() + 30s);
}

TEST_F(Heartbeats, progress_is_between_0_and_1) {
  HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  EXPECT_TRUE(agent.beat("running", 0.0));
  EXPECT_TRUE(agent.beat("running", 1.0));
  for (const double wrong :
       {1.5, -0.01, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(code_of(agent.beat("running", wrong)), ErrorCode::invalid_argument) << wrong;
  }
  EXPECT_EQ(status("reviewer").beats, 2U);
}

TEST_F(Heartbeats, bad_names_and_texts_are_invalid) {
  HeartbeatCoordinator agent = coordinator();
  for (const char* wrong : {"", "*", "a b", "-a", "..", "caf\xc3\xa9", "a\nb"}) {
    EXPECT_EQ(code_of(agent.start_heartbeat(wrong)), ErrorCode::invalid_argument) << wrong;
    EXPECT_EQ(code_of(agent.is_agent_alive(wrong)), ErrorCode::invalid_argument) << wrong;
    EXPECT_EQ(code_of(agent.get_agent_status(wrong)), ErrorCode::invalid_argument) << wrong;
    EXPECT_EQ(code_of(agent.join_heartbeat(wrong, "")), ErrorCode::invalid_argument) << wrong;
  }
  EXPECT_EQ(code_of(agent.start_heartbeat(std::string(limits::kNameBytesMax + 1, 'a'))), ErrorCode::invalid_argument);
  StartOptions options;
  options.display_name = std::string(limits::kDisplayNameBytesMax + 1, 'a');
  EXPECT_EQ(code_of(agent.start_heartbeat("a", options)), ErrorCode::invalid_argument);
  ASSERT_TRUE(agent.start_heartbeat("a"));
  EXPECT_EQ(code_of(agent.beat("a\x01")), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.beat(std::string(limits::kStatusBytesMax + 1, 'a'))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.beat("a", {}, std::string(limits::kTaskBytesMax + 1, 'a'))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.beat("a", {}, "\xff")), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.stop_heartbeat("a\x01")), ErrorCode::invalid_argument);
  EXPECT_EQ(status("a").status, "started");
}

TEST_F(Heartbeats, leases_and_thresholds_have_bounds) {
  HeartbeatCoordinator agent = coordinator();
  for (const nanoseconds wrong : {nanoseconds{0}, nanoseconds{-1s}, limits::kLeaseMin - 1ns, limits::kLeaseMax + 1ns}) {
    StartOptions options;
    options.ttl = wrong;
    EXPECT_EQ(code_of(agent.start_heartbeat("a", options)), ErrorCode::invalid_argument) << wrong.count();
  }
  EXPECT_THAT(ids_of(agent.list()), IsEmpty());
  EXPECT_EQ(code_of(agent.list({}, -1s)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.get_stale_agents(-1s)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(agent.get_agent_status("a", -1s)), ErrorCode::invalid_argument);
  EXPECT_TRUE(agent.list({}, nanoseconds::max()));
}

TEST_F(Heartbeats, nothing_is_said_before_a_start) {
  HeartbeatCoordinator agent = coordinator();
  EXPECT_EQ(agent.incarnation(), "");
  EXPECT_EQ(code_of(agent.beat()), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(agent.stop_heartbeat()), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(agent.keep_alive()), ErrorCode::failed_precondition);
}

TEST_F(Heartbeats, a_stopped_agent_is_finished_with_its_final_status) {
  HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  ASSERT_TRUE(agent.stop_heartbeat("failed: exit 3"));
  EXPECT_EQ(status("reviewer").state, AgentState::finished);
  EXPECT_EQ(status("reviewer").status, "failed: exit 3");
  EXPECT_EQ(status("reviewer").evidence, "stopped: failed: exit 3");
  EXPECT_TRUE(agent.stop_heartbeat("failed: exit 3"));
  EXPECT_EQ(code_of(agent.beat()), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(agent.keep_alive()), ErrorCode::failed_precondition);
}

TEST_F(Heartbeats, a_finished_agent_stays_finished_when_its_process_exits) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  ASSERT_TRUE(agent.stop_heartbeat());
  process_becomes(77, ProcessEvidence::gone);
  EXPECT_EQ(state("reviewer"), AgentState::finished);
  EXPECT_EQ(status("reviewer").status, "completed");
}

TEST_F(Heartbeats, a_crashed_process_is_dead_at_once) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  ASSERT_TRUE(agent.beat());
  process_becomes(77, ProcessEvidence::gone);
  EXPECT_EQ(state("reviewer"), AgentState::dead);
  EXPECT_EQ(status("reviewer").evidence, "process 77 exited");
}

TEST_F(Heartbeats, a_zombie_is_dead_at_once) {
  const HeartbeatCoordinator agent = started("reviewer", 77);
  process_becomes(77, ProcessEvidence::zombie);
  EXPECT_EQ(state("reviewer"), AgentState::dead);
  EXPECT_EQ(status("reviewer").evidence, "process 77 exited");
}

TEST_F(Heartbeats, an_existing_process_is_at_worst_stale_however_old_its_lease) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  ASSERT_TRUE(agent.beat());
  clock->advance(10h);
  EXPECT_EQ(state("reviewer"), AgentState::stale);
  EXPECT_THAT(status("reviewer").evidence, HasSubstr("process 77 exists, no lease for 36000 s"));
}

TEST_F(Heartbeats, an_agent_that_never_beat_is_never_suspect_or_stale) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  clock->advance(10h);
  EXPECT_EQ(state("reviewer"), AgentState::alive);
}

TEST_F(Heartbeats, beats_of_an_earlier_incarnation_do_not_count) {
  HeartbeatCoordinator first = started("reviewer", 77);
  beats(first, 10, 1s);
  const HeartbeatCoordinator second = started("reviewer", 78);
  clock->advance(10h);
  EXPECT_EQ(state("reviewer"), AgentState::alive);
  EXPECT_EQ(status("reviewer").suspicion, std::nullopt);
}

TEST_F(Heartbeats, where_the_process_is_unknown_the_lease_decides) {
  const HeartbeatCoordinator hidden = started("hidden", 77);
  const HeartbeatCoordinator unbound = leased("unbound");
  process_becomes(77, ProcessEvidence::unknown);
  clock->advance(29s);
  EXPECT_EQ(state("hidden"), AgentState::alive);
  EXPECT_EQ(state("unbound"), AgentState::alive);
  clock->advance(2200ms);
  EXPECT_EQ(state("hidden"), AgentState::dead);
  EXPECT_EQ(status("unbound").evidence, "no lease for 31.2 s (lease 30 s)");
}

TEST_F(Heartbeats, a_step_of_the_wall_clock_changes_no_state) {
  const HeartbeatCoordinator agent = leased("reviewer");
  clock->step_wall(std::chrono::hours{24 * 365});
  EXPECT_EQ(state("reviewer"), AgentState::alive);
  clock->step_wall(-std::chrono::hours{24 * 700});
  EXPECT_EQ(state("reviewer"), AgentState::alive);
}

TEST_F(Heartbeats, silence_that_is_improbable_for_its_rhythm_makes_an_agent_suspect) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  beats(agent, 5, 1s);
  EXPECT_EQ(status("reviewer").suspicion, std::nullopt) << "four intervals say nothing yet";
  beats(agent, 1, 1s);
  EXPECT_TRUE(status("reviewer").suspicion.has_value());
  EXPECT_EQ(state("reviewer"), AgentState::alive);
  clock->advance(2s);
  EXPECT_EQ(state("reviewer"), AgentState::suspect);
  EXPECT_GE(status("reviewer").suspicion, limits::kSuspicionThreshold);
  ASSERT_TRUE(agent.beat());
  EXPECT_EQ(state("reviewer"), AgentState::alive);
}

TEST_F(Heartbeats, is_agent_alive_is_true_only_for_alive_suspect_and_stale) {
  HeartbeatCoordinator agent = started("reviewer", 77);
  EXPECT_EQ(agent.is_agent_alive("nobody"), false);
  EXPECT_EQ(agent.is_agent_alive("reviewer"), true);
  beats(agent, 6, 1s);
  clock->advance(2s);
  ASSERT_EQ(state("reviewer"), AgentState::suspect);
  EXPECT_EQ(agent.is_agent_alive("reviewer"), true);
  clock->advance(1h);
  ASSERT_EQ(state("reviewer"), AgentState::stale);
  EXPECT_EQ(agent.is_agent_alive("reviewer"), true);
  process_becomes(77, ProcessEvidence::gone);
  EXPECT_EQ(agent.is_agent_alive("reviewer"), false);
  ASSERT_TRUE(agent.stop_heartbeat());
  EXPECT_EQ(agent.is_agent_alive("reviewer"), false);
}

TEST_F(Heartbeats, a_takeover_makes_every_call_of_the_loser_a_conflict_that_changes_nothing) {
  HeartbeatCoordinator loser = started("reviewer", 77);
  const HeartbeatCoordinator winner = started("reviewer", 78);
  EXPECT_EQ(code_of(loser.beat("mine", 0.9, "mine")), ErrorCode::conflict);
  EXPECT_EQ(code_of(loser.keep_alive()), ErrorCode::conflict);
  EXPECT_EQ(code_of(loser.stop_heartbeat()), ErrorCode::conflict);
  EXPECT_EQ(status("reviewer").incarnation, winner.incarnation());
  EXPECT_EQ(status("reviewer").pid, 78);
  EXPECT_EQ(status("reviewer").beats, 0U);
  EXPECT_EQ(status("reviewer").status, "started");
}

TEST_F(Heartbeats, incarnations_are_ordered_by_time) {
  const std::string first = started("reviewer", 77).incarnation();
  clock->advance(1s);
  EXPECT_LT(first, started("reviewer", 78).incarnation());
}

TEST_F(Heartbeats, a_live_record_can_be_spared_and_its_host_and_pid_are_named) {
  const HeartbeatCoordinator first = started("reviewer", 77);
  HeartbeatCoordinator second = coordinator();
  const auto refused = second.start_heartbeat("reviewer", without_replacing());
  ASSERT_EQ(code_of(refused), ErrorCode::already_exists);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("reviewer"), HasSubstr("fake-host"), HasSubstr("77")));
  EXPECT_EQ(status("reviewer").incarnation, first.incarnation());
  EXPECT_EQ(second.incarnation(), "");
}

TEST_F(Heartbeats, a_dead_or_finished_record_is_replaced_even_when_live_ones_are_spared) {
  const HeartbeatCoordinator dead = started("dead", 77);
  process_becomes(77, ProcessEvidence::gone);
  HeartbeatCoordinator done = started("done", 78);
  ASSERT_TRUE(done.stop_heartbeat());
  for (const char* id : {"dead", "done", "new"}) {
    const HeartbeatCoordinator next = started(id, without_replacing());
    EXPECT_EQ(status(id).incarnation, next.incarnation());
    EXPECT_EQ(state(id), AgentState::alive);
  }
}

TEST_F(Heartbeats, of_two_that_spare_each_other_and_start_at_once_one_wins) {
  HeartbeatCoordinator slow = coordinator();
  store->before_start = [&] { EXPECT_TRUE(coordinator().start_heartbeat("reviewer", without_replacing())); };
  EXPECT_EQ(code_of(slow.start_heartbeat("reviewer", without_replacing())), ErrorCode::already_exists);
}

TEST_F(Heartbeats, a_start_that_is_beaten_again_and_again_gives_up) {
  HeartbeatCoordinator slow = coordinator();
  int starts = 0;
  std::function<void()> come_first = [&] {
    ++starts;
    AgentStart other;
    other.agent_id = "reviewer";
    other.incarnation = make_id(clock->wall_now());
    other.ttl = 10ms;
    ASSERT_TRUE(records->start(other, std::nullopt));
    clock->advance(1s);  // that one is dead again
    store->before_start = come_first;
  };
  store->before_start = come_first;
  EXPECT_EQ(code_of(slow.start_heartbeat("reviewer", without_replacing())), ErrorCode::conflict);
  EXPECT_LT(starts, 100);
}

TEST_F(Heartbeats, a_child_joins_the_incarnation_that_its_parent_started) {
  HeartbeatCoordinator parent = started("reviewer", 77);
  HeartbeatCoordinator child = coordinator();
  ASSERT_TRUE(child.join_heartbeat("reviewer", parent.incarnation()));
  EXPECT_EQ(child.incarnation(), parent.incarnation());
  ASSERT_TRUE(child.beat("reading", 0.5));
  ASSERT_TRUE(parent.stop_heartbeat("exit 0"));
  EXPECT_EQ(status("reviewer").beats, 1U);
  EXPECT_EQ(code_of(child.beat()), ErrorCode::failed_precondition);
}

TEST_F(Heartbeats, joining_needs_the_newest_unfinished_incarnation) {
  HeartbeatCoordinator first = started("reviewer", 77);
  const std::string old = first.incarnation();
  HeartbeatCoordinator child = coordinator();
  EXPECT_EQ(code_of(child.join_heartbeat("nobody", old)), ErrorCode::not_found);
  EXPECT_EQ(code_of(child.join_heartbeat("reviewer", "inc_123")), ErrorCode::invalid_argument);
  HeartbeatCoordinator second = started("reviewer", 78);
  EXPECT_EQ(code_of(child.join_heartbeat("reviewer", old)), ErrorCode::conflict);
  ASSERT_TRUE(second.stop_heartbeat());
  EXPECT_EQ(code_of(child.join_heartbeat("reviewer", second.incarnation())), ErrorCode::failed_precondition);
  EXPECT_EQ(child.incarnation(), "");
}

TEST_F(Heartbeats, a_lost_record_is_started_anew_by_whoever_started_it) {
  StartOptions options;
  options.metadata = Json::parse(R"({"model":"large"})").value();
  options.display_name = "Reviewer No. 1";
  HeartbeatCoordinator agent = started("reviewer", options);
  HeartbeatCoordinator joined = coordinator();
  ASSERT_TRUE(joined.join_heartbeat("reviewer", agent.incarnation()));
  lose_records();
  EXPECT_EQ(code_of(joined.beat()), ErrorCode::not_found);
  ASSERT_TRUE(agent.beat("running", 0.5));
  const AgentStatus shown = status("reviewer");
  EXPECT_EQ(shown.incarnation, agent.incarnation());
  EXPECT_EQ(shown.display_name, "Reviewer No. 1");
  EXPECT_EQ(shown.metadata.text(), R"({"model":"large"})");
  EXPECT_EQ(shown.pid, FakeProcessTable::kSelf);
  EXPECT_EQ(shown.beats, 1U);
  EXPECT_TRUE(joined.beat());
}

TEST_F(Heartbeats, a_lost_record_is_not_started_over_that_of_a_stranger) {
  HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  lose_records();
  std::string stranger;
  store->before_start = [&] { stranger = started("reviewer", 78).incarnation(); };
  EXPECT_EQ(code_of(agent.beat()), ErrorCode::conflict);
  EXPECT_EQ(status("reviewer").incarnation, stranger);
}

TEST_F(Heartbeats, a_finished_record_that_is_gone_is_not_started_anew) {
  HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  ASSERT_TRUE(agent.stop_heartbeat());
  clock->advance(limits::kAgentRetention);
  EXPECT_EQ(code_of(agent.beat()), ErrorCode::not_found);
  EXPECT_EQ(code_of(agent.stop_heartbeat()), ErrorCode::not_found);
  EXPECT_THAT(ids_of(agent.list()), IsEmpty());
}

TEST_F(Heartbeats, an_agent_that_only_beats_or_renews_stays_known_to_broadcasts) {
  HeartbeatCoordinator beating = started("beating", StartOptions{});
  HeartbeatCoordinator joined = coordinator();
  started("joined", 78);
  ASSERT_TRUE(joined.join_heartbeat("joined", status("joined").incarnation));
  for (int hour = 0; hour < 24 * 10; ++hour) {
    clock->advance(1h);
    ASSERT_TRUE(beating.beat());
    ASSERT_TRUE(joined.beat());
  }
  const OutgoingSignal signal{.id = make_id(clock->wall_now()),
                              .type = "news",
                              .source = "lead",
                              .target = std::nullopt,
                              .payload = "{}",
                              .sent_at = clock->wall_now(),
                              .ttl = 1s};
  ASSERT_TRUE(signals->send(signal));
  clock->advance(1s);
  for (const std::string_view agent : {"beating", "joined"}) {
    const auto told = signals->take({.agent = agent, .filter = {}, .options = {}, .holder = {}});
    EXPECT_TRUE(told && std::holds_alternative<Expired>(*told)) << agent;
  }
}

TEST_F(Heartbeats, a_started_agent_is_told_of_what_expired_since) {
  const HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  const auto send = [&](std::string_view type) {
    const OutgoingSignal signal{.id = make_id(clock->wall_now()),
                                .type = type,
                                .source = "lead",
                                .target = std::nullopt,
                                .payload = "{}",
                                .sent_at = clock->wall_now(),
                                .ttl = 1s};
    ASSERT_TRUE(signals->send(signal));
  };
  send("hello");
  clock->advance(2s);
  const std::optional<ProcessIdentity> nobody;
  const auto taken = signals->take({"reviewer", SignalFilter{}, TakeOptions{}, nobody});
  ASSERT_TRUE(taken);
  EXPECT_TRUE(std::holds_alternative<Expired>(*taken));
}

TEST_F(Heartbeats, a_store_that_does_not_answer_is_never_an_empty_answer) {
  HeartbeatCoordinator agent = started("reviewer", StartOptions{});
  store->failure = make_error(ErrorCode::unavailable, "the store is away");
  EXPECT_EQ(code_of(agent.list()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.get_active_agents()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.get_stale_agents()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.is_agent_alive("reviewer")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.get_agent_status("reviewer")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.beat()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.start_heartbeat("other")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.start_heartbeat("other", without_replacing())), ErrorCode::unavailable);
  EXPECT_EQ(code_of(agent.watch([](const StateChange&) { return true; }, {})), ErrorCode::unavailable);
  store->failure.reset();
  EXPECT_TRUE(agent.beat()) << "it still speaks for the reviewer";
}

}  // namespace
}  // namespace aldis::testing
