// aldis agents list | show | beat | stop | watch

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>

#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Agents : public ::testing::Test {
 protected:
  Words listed(const Words& more = {}) {
    Words words = {"agents", "list"};
    words.insert(words.end(), more.begin(), more.end());
    Words ids;
    for (const auto& row : sandbox.aldis(words).rows("/data")) {
      ids.emplace_back(row.at("agent_id").as_string());
    }
    return ids;
  }

  Sandbox sandbox;
};

TEST_F(Agents, have_the_fields_of_the_contract_in_their_order) {
  const Ended ended = sandbox.aldis({"agents", "beat", "--agent", "a"});
  const Words names = ended.keys("/data");
  EXPECT_THAT(names, ElementsAre("agent_id", "display_name", "status", "state", "evidence", "progress", "current_task",
                                 "metadata", "started_at", "last_beat", "beats", "lease_expires_at", "incarnation",
                                 "host", "pid", "suspicion"));
}

TEST_F(Agents, a_beat_starts_a_record_that_is_bound_to_no_process) {
  const Ended ended = sandbox.aldis({"agents", "beat", "--agent", "a", "--progress", "0.25", "--task", "reading",
                                     "--status", "busy", "--metadata", R"({"b":1,  "a":[2]})"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_TRUE(ended.at("/data/pid").is_null());
  EXPECT_EQ(ended.at("/data/progress").as_double(), 0.25);
  EXPECT_EQ(ended.text("/data/current_task"), "reading");
  EXPECT_EQ(ended.text("/data/status"), "busy");
  EXPECT_EQ(ended.text("/data/state"), "alive");
  EXPECT_THAT(ended.out, HasSubstr(R"("metadata":{"b":1,  "a":[2]},)"));  // byte for byte
  EXPECT_FALSE(ended.text("/data/lease_expires_at").empty());
}

TEST_F(Agents, a_task_that_is_spelled_like_a_call_for_help_is_a_task) {
  for (const char* task : {"-h", "--help"}) {
    const Ended ended = sandbox.aldis({"agents", "beat", "--agent", "a", "--task", task});
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    EXPECT_EQ(ended.text("/data/current_task"), task);
  }
}

TEST_F(Agents, a_second_beat_joins_the_live_record) {
  const std::string first = sandbox.aldis({"agents", "beat", "--agent", "a"}).text("/data/incarnation");
  const Ended second = sandbox.aldis({"agents", "beat", "--agent", "a"});
  EXPECT_EQ(second.text("/data/incarnation"), first);
  EXPECT_EQ(second.at("/data/beats").as_int64(), 2);
}

TEST_F(Agents, what_is_fixed_at_the_start_is_not_changed_in_silence) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  const Ended ended = sandbox.aldis({"agents", "beat", "--agent", "a", "--metadata", R"({"x":1})"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.text("/warnings/0"), HasSubstr("--metadata"));
}

TEST_F(Agents, a_beat_may_bind_a_process_and_that_process_decides) {
  Running process({"/bin/sleep", "1000"}, sandbox.environment());
  const std::string pid = std::to_string(process.pid());
  EXPECT_EQ(sandbox.aldis({"agents", "beat", "--agent", "a", "--pid", pid}).at("/data/pid").as_int64(), process.pid());
  process.signal(SIGKILL);
  process.wait();
  EXPECT_EQ(sandbox.aldis({"agents", "show", "a"}).text("/data/state"), "dead");
}

TEST_F(Agents, a_lapsed_lease_without_a_process_is_dead_and_the_next_beat_starts_anew) {
  const std::string first =
      sandbox.aldis({"agents", "beat", "--agent", "a", "--ttl", "0.01"}).text("/data/incarnation");
  for (std::string state; state != "dead";) state = sandbox.aldis({"agents", "show", "a"}).text("/data/state");
  EXPECT_NE(sandbox.aldis({"agents", "beat", "--agent", "a"}).text("/data/incarnation"), first);
}

TEST_F(Agents, a_beat_inside_a_run_joins_that_incarnation) {
  const Ended ended = sandbox.aldis({"run", "--agent", "a", "--", sandbox.command({})[0], "agents", "beat"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_FALSE(ended.at("/data/pid").is_null());
  EXPECT_EQ(ended.text("/data/incarnation"), sandbox.aldis({"agents", "show", "a"}).text("/data/incarnation"));
}

TEST_F(Agents, a_beat_inside_a_run_but_in_another_place_has_a_record_of_its_own_there) {
  const std::string aldis = sandbox.command({})[0];
  for (const Words& place : {Words{"--namespace", "two"}, Words{"--runtime-dir", sandbox.directory() + "/run2"}}) {
    const std::string options = " " + place[0] + " " + place[1];
    const Ended ended = sandbox.aldis({"run", "--agent", "a", "--namespace", "one", "--", "/bin/sh", "-c",
                                       aldis + " agents beat" + options + " --task there && " + aldis +
                                           " agents stop --status left" + options + " > /dev/null"});
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    EXPECT_EQ(ended.text("/data/current_task"), "there");
    EXPECT_TRUE(ended.at("/data/pid").is_null());  // bound to no process, so not the run's
    Words show = {"agents", "show", "a", "--namespace", "one"};
    EXPECT_EQ(sandbox.aldis(show).text("/data/status"), "completed");
    show.insert(show.end(), place.begin(), place.end());
    if (place[0] == "--namespace") show.erase(show.begin() + 3, show.begin() + 5);
    EXPECT_EQ(sandbox.aldis(show).text("/data/status"), "left");
  }
}

TEST_F(Agents, a_beat_inside_a_run_that_names_its_own_place_joins_that_incarnation) {
  const Ended ended =
      sandbox.aldis({"run", "--agent", "a", "--", sandbox.command({})[0], "agents", "beat", "--store",
                     "local:", "--namespace", "default", "--runtime-dir", sandbox.directory() + "/run"});
  EXPECT_FALSE(ended.at("/data/pid").is_null()) << ended.out;
}

TEST_F(Agents, a_beat_for_an_incarnation_that_was_taken_over_is_a_conflict) {
  const std::string old = sandbox.aldis({"agents", "beat", "--agent", "a"}).text("/data/incarnation");
  sandbox.aldis({"agents", "stop", "--agent", "a"});
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  const Ended ended = sandbox.aldis({"agents", "beat"}, {{"ALDIS_AGENT_ID", "a"}, {"ALDIS_INCARNATION", old}});
  EXPECT_EQ(ended.exit_code, 6) << ended.out;
  EXPECT_EQ(ended.text("/error/code"), "CONFLICT");
}

TEST_F(Agents, the_incarnation_of_a_run_is_not_used_for_another_agent) {
  const std::string incarnation = sandbox.aldis({"agents", "beat", "--agent", "a"}).text("/data/incarnation");
  const Ended ended =
      sandbox.aldis({"agents", "beat", "--agent", "b"}, {{"ALDIS_AGENT_ID", "a"}, {"ALDIS_INCARNATION", incarnation}});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.text("/data/agent_id"), "b");
}

TEST_F(Agents, stop_ends_the_record_with_its_status) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  const Ended ended = sandbox.aldis({"agents", "stop", "--agent", "a", "--status", "gave up"});
  EXPECT_EQ(ended.text("/data/state"), "finished");
  EXPECT_EQ(ended.text("/data/status"), "gave up");
  EXPECT_EQ(sandbox.aldis({"agents", "stop", "--agent", "nobody"}).exit_code, 5);
}

TEST_F(Agents, are_listed_in_pages_that_neither_repeat_nor_skip) {
  for (const char* id : {"c", "a", "e", "b", "d"}) sandbox.aldis({"agents", "beat", "--agent", id});
  EXPECT_THAT(listed(), ElementsAre("a", "b", "c", "d", "e"));
  const Ended first = sandbox.aldis({"agents", "list", "--limit", "2"});
  EXPECT_EQ(first.at("/meta/total_count").as_int64(), 5);
  EXPECT_EQ(first.at("/meta/returned_count").as_int64(), 2);
  EXPECT_TRUE(first.at("/meta/truncated").as_bool());
  const std::string cursor = first.text("/meta/cursor");
  sandbox.aldis({"agents", "beat", "--agent", "aa"});  // before the cursor: belongs to a page that is gone
  EXPECT_THAT(listed({"--limit", "2", "--cursor", cursor}), ElementsAre("c", "d"));
  const Ended last = sandbox.aldis({"agents", "list", "--limit", "9", "--cursor", cursor});
  EXPECT_FALSE(last.at("/meta/truncated").as_bool());
  EXPECT_FALSE(last.at("/meta").as_object().contains("cursor"));
}

TEST_F(Agents, are_listed_twenty_at_a_time_unless_a_limit_is_given) {
  for (int i = 0; i < 21; ++i) sandbox.aldis({"agents", "beat", "--agent", "a" + std::to_string(100 + i)});
  EXPECT_EQ(listed().size(), 20u);
  EXPECT_EQ(listed({"--limit", "100"}).size(), 21u);
}

TEST_F(Agents, can_be_listed_by_state) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  sandbox.aldis({"agents", "beat", "--agent", "b"});
  sandbox.aldis({"agents", "stop", "--agent", "b"});
  EXPECT_THAT(listed({"--state", "finished"}), ElementsAre("b"));
  EXPECT_THAT(listed({"--state", "alive", "--state", "finished"}), ElementsAre("a", "b"));
  EXPECT_THAT(listed({"--state", "dead"}), IsEmpty());
}

TEST_F(Agents, are_stale_after_the_time_that_is_given) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  for (Words stale; stale != Words{"a"};) stale = listed({"--state", "stale", "--stale-after", "0.001"});
  EXPECT_THAT(listed({"--state", "alive"}), ElementsAre("a"));
}

TEST_F(Agents, an_unknown_one_is_not_found) {
  const Ended ended = sandbox.aldis({"agents", "show", "nobody"});
  EXPECT_EQ(ended.exit_code, 5);
  EXPECT_EQ(ended.text("/error/code"), "NOT_FOUND");
}

TEST_F(Agents, bad_input_is_refused_and_changes_nothing) {
  const std::vector<Words> bad = {
      {"agents", "beat", "--agent", "a", "--progress", "1.5"},
      {"agents", "beat", "--agent", "a", "--progress", "NaN"},
      {"agents", "beat", "--agent", "a", "--progress", "-0.1"},
      {"agents", "beat", "--agent", "a*"},
      {"agents", "beat", "--agent", "a\n"},
      {"agents", "beat", "--agent", std::string(129, 'a')},
      {"agents", "beat", "--agent", "a", "--task", "x\x1b[31m"},
      {"agents", "beat", "--agent", "a", "--metadata", "[]"},
      {"agents", "beat", "--agent", "a", "--metadata", "{\"a\":1,\"a\":2}"},
      {"agents", "beat", "--agent", "a", "--pid", "0"},
      {"agents", "beat", "--agent", "a", "--ttl", "0"},
      {"agents", "list", "--state", "sleepy"},
      {"agents", "list", "--limit", "0"},
      {"agents", "list", "--cursor", "xyz"},
      {"agents", "list", "extra"},
      {"agents", "show"},
      {"agents", "show", "a?"},
  };
  for (const Words& words : bad) {
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 2) << words[1] << " " << words.back() << ended.out;
    EXPECT_EQ(ended.text("/error/code"), "INVALID_ARGUMENT");
  }
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(Agents, are_watched_as_bare_json_lines) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  Running watch(sandbox.command({"agents", "watch"}), sandbox.environment());
  ASSERT_TRUE(watch.wait_for_output("\n"));
  sandbox.aldis({"agents", "stop", "--agent", "a"});
  ASSERT_TRUE(watch.wait_for_output(R"("state":"finished")"));
  watch.signal(SIGINT);
  const Ended ended = watch.wait();
  EXPECT_EQ(ended.exit_code, 130);
  const std::size_t line = ended.out.find('\n') + 1;
  const boost::json::value first = boost::json::parse(ended.out.substr(0, line));
  const boost::json::value second = boost::json::parse(ended.out.substr(line, ended.out.find('\n', line) - line));
  EXPECT_EQ(first.at("state").as_string(), "alive");
  EXPECT_TRUE(first.at("previous_state").is_null());
  EXPECT_EQ(second.at("state").as_string(), "finished");
  EXPECT_EQ(second.at("previous_state").as_string(), "alive");
  EXPECT_THAT(ended.err, HasSubstr("CANCELLED"));
}

TEST_F(Agents, a_watch_ends_when_its_time_is_over_or_it_is_terminated) {
  EXPECT_EQ(sandbox.aldis({"agents", "watch", "--timeout", "0.05"}).exit_code, 10);
  Running watch(sandbox.command({"agents", "watch"}), sandbox.environment());
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  ASSERT_TRUE(watch.wait_for_output("\n"));
  watch.signal(SIGTERM);
  EXPECT_EQ(watch.wait().exit_code, 143);
}

}  // namespace
}  // namespace aldis::testing
