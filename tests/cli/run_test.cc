// aldis run: the program notices nothing but its environment, and the fleet notices everything.

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <regex>

#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Run : public ::testing::Test {
 protected:
  Words run_words(const Words& program, const Words& options = {}) {
    Words words = {"run", "--agent", "a"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("--");
    words.insert(words.end(), program.begin(), program.end());
    return words;
  }
  Ended run(const Words& program, const Words& options = {}, const Variables& more = {}) {
    return sandbox.aldis(run_words(program, options), more);
  }
  std::unique_ptr<Running> start(const Words& program, const Words& options = {}) {
    return std::make_unique<Running>(sandbox.command(run_words(program, options)), sandbox.environment());
  }
  Ended show() { return sandbox.aldis({"agents", "show", "a"}); }
  static pid_t pid_after(const std::string& out, const std::string& word) {
    return std::atoi(out.c_str() + out.find(word) + word.size());
  }

  Sandbox sandbox;
};

TEST_F(Run, passes_the_programs_arguments_byte_for_byte) {
  const Words tail = {"[]", "[a,b]", "--agent", "x", "--", "--help", "", "a b", "{}", "-1", "\xff", "--x=[1]"};
  Words program = {probe(), "describe"};
  program.insert(program.end(), tail.begin(), tail.end());
  std::string expected;
  for (const std::string& word : tail) expected += "argument " + std::to_string(word.size()) + ":" + word + "\n";
  EXPECT_THAT(run(program).out, HasSubstr(expected + "described\n"));
}

TEST_F(Run, passes_the_programs_input_and_output_and_adds_nothing) {
  const std::string input("in\0put\n", 7);
  const Ended ended = sandbox.aldis(run_words({"/bin/sh", "-c", "cat; echo err >&2"}), {}, input);
  EXPECT_EQ(ended.out, input);
  EXPECT_EQ(ended.err, "err\n");
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(Run, passes_the_exit_code_on) {
  EXPECT_EQ(run({"/bin/true"}).exit_code, 0);
  EXPECT_EQ(run({"/bin/sh", "-c", "exit 3"}).exit_code, 3);
  EXPECT_EQ(run({"/bin/sh", "-c", "exit 255"}).exit_code, 255);
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}).exit_code, 137);
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -15 $$"}).exit_code, 143);
}

TEST_F(Run, a_program_that_is_not_there_is_127_and_one_that_cannot_be_executed_is_126) {
  const Ended absent = run({"surely-no-such-program"});
  EXPECT_EQ(absent.exit_code, 127);
  EXPECT_EQ(absent.text("/error/code"), "COMMAND_NOT_FOUND");
  EXPECT_EQ(run({"/nonexistent/program"}).exit_code, 127);
  const Ended plain = run({sandbox.write_file("plain", "text")});
  EXPECT_EQ(plain.exit_code, 126);
  EXPECT_EQ(plain.text("/error/code"), "NOT_EXECUTABLE");
  EXPECT_EQ(run({"/"}).exit_code, 126);
  EXPECT_EQ(show().text("/data/status"), "failed");
}

TEST_F(Run, finds_the_program_in_the_path) { EXPECT_EQ(run({"sh", "-c", "exit 7"}).exit_code, 7); }

TEST_F(Run, gives_the_program_what_it_needs_to_join_and_leaves_the_rest_of_its_environment) {
  const Ended ended = run({"/usr/bin/env"}, {"--namespace", "ns"}, {{"KEEP", "me [a,b]"}, {"ALDIS_TRACE_ID", "t1"}});
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_AGENT_ID=a\n"));
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_NAMESPACE=ns\n"));
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_STORE=local:\n"));
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_RUNTIME_DIR=" + sandbox.directory() + "/run\n"));
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("ALDIS_INCARNATION=inc_[0-9A-Z]{26}\n")));
  EXPECT_THAT(ended.out, HasSubstr("KEEP=me [a,b]\n"));
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_TRACE_ID=t1\n"));
  EXPECT_THAT(ended.out, HasSubstr("HOME=" + sandbox.home() + "\n"));
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_STATE_DIR=" + sandbox.home() + "/.local/state/aldis\n"));
  EXPECT_THAT(ended.out, HasSubstr("ALDIS_STREAM_EVENTS=0\n"));
  EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 11) << ended.out;
  EXPECT_THAT(ended.out, Not(HasSubstr("CI=")));
}

TEST_F(Run, gives_the_program_the_signal_mask_and_dispositions_that_it_would_have_had) {
  const std::string expected = Running({probe(), "describe"}, sandbox.environment()).wait().out;
  const std::string found = run({probe(), "describe"}).out;
  const auto without_first_lines = [](const std::string& text) {
    return std::regex_replace(text, std::regex("(pid|group|parent death)[^\n]*\n"), "");
  };
  EXPECT_EQ(without_first_lines(found), without_first_lines(expected));
  EXPECT_THAT(found, Not(HasSubstr("descriptor")));
}

TEST_F(Run, hands_on_signals_that_it_was_told_to_ignore) {
  const Ended ended = Running({"/bin/sh", "-c", "trap '' HUP PIPE CHLD; exec \"$@\"", "sh", sandbox.command({})[0],
                               "run", "--agent", "a", "--", probe(), "describe"},
                              sandbox.environment())
                          .wait();
  EXPECT_THAT(ended.out, HasSubstr("ignored SIGHUP\n"));
  EXPECT_THAT(ended.out, HasSubstr("ignored SIGPIPE\n"));
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(Run, keeps_the_program_in_its_own_process_group_and_tied_to_its_life) {
  const Ended ended = run({probe(), "describe"});
  EXPECT_THAT(ended.out, HasSubstr("group shared\n"));
  EXPECT_THAT(ended.out, HasSubstr("parent death signal 15\n"));
}

TEST_F(Run, records_its_own_process_and_is_alive_meanwhile) {
  const auto running =
      start({probe(), "signals"}, {"--name", "Agent A", "--metadata", R"({"k":[1, 2]})", "--ttl", "5"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  const Ended shown = show();
  EXPECT_EQ(shown.at("/data/pid").as_int64(), running->pid());
  EXPECT_EQ(shown.text("/data/state"), "alive");
  EXPECT_EQ(shown.text("/data/display_name"), "Agent A");
  EXPECT_THAT(shown.out, HasSubstr(R"("metadata":{"k":[1, 2]})"));
  running->signal(SIGUSR2);
  EXPECT_EQ(running->wait().exit_code, 0);
}

TEST_F(Run, renews_the_lease_while_the_program_runs) {
  const auto running = start({probe(), "signals"}, {"--ttl", "0.2"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  const std::string first = show().text("/data/lease_expires_at");
  std::string renewed = first;
  while (renewed == first) renewed = show().text("/data/lease_expires_at");
  EXPECT_GT(renewed, first);
  running->signal(SIGUSR2);
  running->wait();
}

TEST_F(Run, an_agent_that_lives_already_is_a_conflict_that_names_host_and_pid) {
  const auto running = start({probe(), "signals"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  const Ended second = run({"/bin/sh", "-c", "echo ran"});
  EXPECT_EQ(second.exit_code, 6);
  EXPECT_EQ(second.text("/error/code"), "ALREADY_EXISTS");
  EXPECT_THAT(second.text("/error/message"), HasSubstr(std::to_string(running->pid())));
  EXPECT_THAT(second.text("/error/message"), HasSubstr(show().text("/data/host")));
  EXPECT_THAT(second.out, Not(HasSubstr("ran")));
  running->signal(SIGUSR2);
  running->wait();
}

TEST_F(Run, says_in_the_last_heartbeat_how_the_program_ended) {
  run({"/bin/true"});
  EXPECT_EQ(show().text("/data/state"), "finished");
  EXPECT_EQ(show().text("/data/status"), "completed");
  EXPECT_EQ(show().text("/data/current_task"), "exit 0");
  run({"/bin/sh", "-c", "exit 3"});
  EXPECT_EQ(show().text("/data/status"), "failed");
  EXPECT_EQ(show().text("/data/current_task"), "exit 3");
  run({"/bin/sh", "-c", "kill -9 $$"});
  EXPECT_EQ(show().text("/data/status"), "failed");
  EXPECT_EQ(show().text("/data/current_task"), "signal 9 SIGKILL");
  run({"/bin/sh", "-c", sandbox.command({})[0] + " agents beat --task 'file 7' > /dev/null; exit 1"});
  EXPECT_EQ(show().text("/data/current_task"), "exit 1 in: file 7");
}

TEST_F(Run, forwards_signals_that_were_sent_to_it_alone) {
  const auto running = start({probe(), "signals"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  for (const auto& [number, name] : {std::pair(SIGTERM, "got SIGTERM\n"), std::pair(SIGHUP, "got SIGHUP\n"),
                                     std::pair(SIGINT, "got SIGINT\n"), std::pair(SIGUSR1, "got SIGUSR1\n")}) {
    running->signal(number);
    EXPECT_TRUE(running->wait_for_output(name));
  }
  running->signal(SIGUSR2);
  EXPECT_EQ(running->wait().exit_code, 0);
}

TEST_F(Run, forwards_the_signals_of_timers_and_of_input_too) {
  const auto running = start({probe(), "signals"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  for (const int number : {SIGALRM, SIGVTALRM, SIGPROF, SIGIO}) {
    running->signal(number);
    ASSERT_TRUE(running->wait_for_output(std::string("got SIG") + sigabbrev_np(number) + "\n"));
  }
  running->signal(SIGUSR2);
  EXPECT_EQ(running->wait().exit_code, 0);
}

TEST_F(Run, a_killed_wrapper_leaves_no_unwatched_program) {
  const auto running = start({probe(), "signals"});
  ASSERT_TRUE(running->wait_for_output("ready "));
  ASSERT_TRUE(running->wait_for_output("\n"));
  const pid_t child = pid_after(running->out(), "ready ");
  running->signal(SIGKILL);
  EXPECT_EQ(running->wait_for_end(), -SIGKILL);
  EXPECT_TRUE(running->wait_for_output("got SIGTERM\n"));
  EXPECT_EQ(show().text("/data/state"), "dead");
  kill(child, SIGUSR2);
  running->wait();
}

TEST_F(Run, a_program_that_dies_is_not_alive_any_more) {
  const auto running = start({probe(), "signals"});
  ASSERT_TRUE(running->wait_for_output("\n"));
  kill(pid_after(running->out(), "ready "), SIGKILL);
  EXPECT_EQ(running->wait().exit_code, 137);
  EXPECT_EQ(show().text("/data/state"), "finished");
}

TEST_F(Run, stop_on_ends_the_program_and_leaves_the_signal_in_its_mailbox) {
  const auto running = start({probe(), "describe"}, {});
  running->wait();
  const auto stopped = start({"/bin/sleep", "1000"}, {"--stop-on", "abort"});
  sandbox.aldis_until(0, {"agents", "show", "a"});
  wait_until_blocked(stopped->pid(), SIGTERM);
  while (show().text("/data/state") != "alive") {
  }
  sandbox.aldis({"signals", "send", "abort", "--agent", "boss", "--to", "a"});
  EXPECT_EQ(stopped->wait().exit_code, 143);
  EXPECT_EQ(show().text("/data/status"), "failed");
  EXPECT_THAT(show().text("/data/current_task"), HasSubstr("--stop-on"));
  EXPECT_EQ(sandbox.aldis({"signals", "check", "abort", "--agent", "a"}).exit_code, 0);
}

TEST_F(Run, stop_on_kills_a_program_that_does_not_heed_sigterm) {
  const auto running = start({probe(), "stubborn"}, {"--stop-on", "abort"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  sandbox.aldis({"signals", "send", "abort", "--agent", "boss", "--to", "a"});
  EXPECT_EQ(running->wait().exit_code, 137);
  EXPECT_THAT(show().text("/data/current_task"), HasSubstr("SIGKILL"));
}

TEST_F(Run, stop_on_heeds_a_broadcast_too) {
  const auto running = start({probe(), "signals"}, {"--stop-on", "abort"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  sandbox.aldis({"signals", "broadcast", "abort", "--agent", "boss"});
  EXPECT_TRUE(running->wait_for_output("got SIGTERM\n"));
  running->signal(SIGUSR2);
  EXPECT_EQ(running->wait().exit_code, 143);  // although the program itself ended with 0
}

TEST_F(Run, stop_on_heeds_only_what_was_sent_after_the_start) {
  sandbox.aldis({"signals", "send", "abort", "--agent", "boss", "--to", "a"});
  const auto running = start({probe(), "signals"}, {"--stop-on", "abort"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  running->signal(SIGUSR1);
  ASSERT_TRUE(running->wait_for_output("got SIGUSR1\n"));
  EXPECT_THAT(running->out(), Not(HasSubstr("SIGTERM")));
  sandbox.aldis({"signals", "send", "other", "--agent", "boss", "--to", "a"});
  sandbox.aldis({"signals", "send", "abort", "--agent", "boss", "--to", "a"});
  EXPECT_TRUE(running->wait_for_output("got SIGTERM\n"));
  running->signal(SIGUSR2);
  EXPECT_EQ(running->wait().exit_code, 143);
}

TEST_F(Run, a_timeout_ends_the_program_with_10) {
  EXPECT_EQ(run({"/bin/sleep", "1000"}, {"--timeout", "0.1"}).exit_code, 10);
  EXPECT_THAT(show().text("/data/current_task"), HasSubstr("--timeout"));
}

TEST_F(Run, a_missing_separator_or_program_is_refused) {
  for (const Words& words :
       {Words{"run", "--agent", "a"}, Words{"run", "--agent", "a", "/bin/true"}, Words{"run", "--agent", "a", "--"}}) {
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_EQ(ended.text("/error/code"), "INVALID_ARGUMENT");
  }
  EXPECT_EQ(sandbox.aldis({"agents", "show", "a"}).exit_code, 5);
}

TEST_F(Run, bad_options_are_refused_together_without_running_anything) {
  const Ended ended =
      run({"/bin/sh", "-c", "echo ran"}, {"--ttl", "0", "--metadata", "[]", "--stop-on", "a*", "--name", "a\x1b"});
  EXPECT_EQ(ended.exit_code, 2);
  for (const char* part : {"--ttl", "--metadata", "--stop-on", "--name"}) {
    EXPECT_THAT(ended.text("/error/message"), HasSubstr(part));
  }
}

TEST_F(Run, an_unreachable_store_is_12_and_the_program_does_not_run) {
  const Ended ended =
      run({"/bin/sh", "-c", "echo ran > " + sandbox.home() + "/ran"}, {"--store", "redis://127.0.0.1:1"});
  EXPECT_EQ(ended.exit_code, 12);
  EXPECT_NE(access((sandbox.home() + "/ran").c_str(), F_OK), 0);
}

TEST_F(Run, trouble_of_the_store_does_not_disturb_a_program_that_runs) {
  const auto running =
      start({"/bin/sh", "-c", "rm -rf \"$ALDIS_RUNTIME_DIR\"; ln -s / \"$ALDIS_RUNTIME_DIR\"; exit 5"});
  const Ended ended = running->wait();
  EXPECT_EQ(ended.exit_code, 5);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_THAT(ended.err, IsEmpty());
}

TEST_F(Run, a_takeover_does_not_disturb_a_program_that_runs) {
  const auto running = start({probe(), "signals"}, {"--ttl", "0.05"});
  ASSERT_TRUE(running->wait_for_output("ready"));
  sandbox.aldis({"agents", "stop", "--agent", "a"});
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  running->signal(SIGUSR1);
  EXPECT_TRUE(running->wait_for_output("got SIGUSR1\n"));
  running->signal(SIGUSR2);
  EXPECT_EQ(running->wait().exit_code, 0);
  EXPECT_EQ(show().text("/data/state"), "alive");  // the new incarnation is untouched
}

TEST_F(Run, signals_nothing_that_it_did_not_start) {
  const auto running = start({"/bin/sh", "-c", probe() + " signals & wait"}, {"--stop-on", "abort"});
  ASSERT_TRUE(running->wait_for_output("\n"));
  const pid_t grandchild = pid_after(running->out(), "ready ");
  sandbox.aldis({"signals", "send", "abort", "--agent", "boss", "--to", "a"});
  EXPECT_EQ(running->wait_for_end(), 143);
  EXPECT_EQ(kill(grandchild, SIGUSR1), 0);
  EXPECT_TRUE(running->wait_for_output("got SIGUSR1\n"));
  EXPECT_THAT(running->out(), Not(HasSubstr("SIGTERM")));
  kill(grandchild, SIGUSR2);
  running->wait();
}

}  // namespace
}  // namespace aldis::testing
