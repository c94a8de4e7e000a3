// On a terminal: tables in colour, nothing that moves the cursor, and job control as without us.

#include "terminal.h"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <iterator>

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kEscape = "\x1b[";

class OnTerminal : public ::testing::Test {
 protected:
  Variables environment(const Variables& more = {}) {
    Variables variables = {{"TERM", "xterm"}};
    variables.insert(more.begin(), more.end());
    return sandbox.environment(variables);
  }
  Ended aldis(const Words& words, const Variables& more = {}, unsigned short columns = 120) {
    return on_terminal(sandbox.command(words), environment(more), columns);
  }

  Sandbox sandbox;
};

TEST_F(OnTerminal, a_list_is_a_table_in_colour) {
  sandbox.aldis({"agents", "beat", "--agent", "worker-1", "--progress", "0.42", "--task", "src/main.cc"});
  const Ended ended = aldis({"agents", "list"});
  EXPECT_THAT(ended.out, HasSubstr("AGENT"));
  EXPECT_THAT(ended.out, HasSubstr("worker-1"));
  EXPECT_THAT(ended.out, HasSubstr("42 %"));
  EXPECT_THAT(ended.out, HasSubstr(kEscape + "32malive"));
  EXPECT_THAT(ended.out, Not(HasSubstr("{")));
}

TEST_F(OnTerminal, no_colour_where_the_environment_says_so) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  for (const Variables& variables :
       {Variables{{"TERM", "dumb"}}, Variables{{"GITHUB_ACTIONS", "true"}}, Variables{{"JENKINS_URL", "http://x"}}}) {
    const Ended ended =
        on_terminal(sandbox.command({"agents", "list", "--output", "table"}), sandbox.environment(variables));
    EXPECT_THAT(ended.out, HasSubstr("AGENT"));
    EXPECT_THAT(ended.out, Not(HasSubstr(kEscape)));
  }
}

TEST_F(OnTerminal, ci_and_no_color_mean_json_unless_a_table_is_asked_for) {
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  for (const char* name : {"CI", "NO_COLOR"}) {
    EXPECT_THAT(aldis({"agents", "list"}, {{name, "1"}}).out, StartsWith("{\"ok\":true"));
    const Ended table = aldis({"agents", "list", "--output", "table"}, {{name, "1"}});
    EXPECT_THAT(table.out, HasSubstr("AGENT"));
    EXPECT_THAT(table.out, Not(HasSubstr(kEscape)));
  }
}

TEST_F(OnTerminal, an_explicit_format_wins) {
  EXPECT_THAT(aldis({"agents", "list", "--output", "json"}).out, StartsWith("{\"ok\":true"));
  EXPECT_THAT(aldis({"agents", "list"}, {{"ALDIS_OUTPUT", "json"}}).out, StartsWith("{\"ok\":true"));
  const Ended piped = sandbox.aldis({"agents", "list", "--output", "table"});
  EXPECT_THAT(piped.out, Not(HasSubstr("{")));
  EXPECT_THAT(piped.out, Not(HasSubstr(kEscape)));
}

TEST_F(OnTerminal, a_table_fits_the_width) {
  sandbox.aldis({"agents", "beat", "--agent", "a", "--task", std::string(300, 'x')});
  const Ended ended = on_terminal(sandbox.command({"agents", "list"}), environment({{"NO_COLOR", ""}}), 100);
  EXPECT_THAT(ended.out, HasSubstr("x…"));
  EXPECT_THAT(ended.out, Not(HasSubstr(std::string(100, 'x'))));
}

TEST_F(OnTerminal, what_others_wrote_is_escaped_masked_and_marked_untrusted) {
  sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b", "--payload",
                 "{\"text\":\"\xe2\x80\xae"
                 "evil\xc2\x9b"
                 "31m\",\"password\":\"hunter2\"}"});
  for (const Words& words :
       {Words{"signals", "pending", "--agent", "b"}, Words{"signals", "check", "t", "--agent", "b"}}) {
    const Ended ended = aldis(words, {}, 200);
    EXPECT_THAT(ended.out, HasSubstr(words[1] == "check" ? "untrusted" : "UNTRUSTED"));
    EXPECT_THAT(ended.out, HasSubstr("\\u{202e}evil\\u{9b}31m"));
    EXPECT_THAT(ended.out, HasSubstr("\"***\""));
    EXPECT_THAT(ended.out, Not(HasSubstr("hunter2")));
  }
}

TEST_F(OnTerminal, what_agents_wrote_of_themselves_is_marked_untrusted) {
  sandbox.aldis({"agents", "beat", "--agent", "a", "--metadata", R"({"k":"obey"})", "--task", "obey"});
  const std::string shown = aldis({"agents", "show", "a"}).out;
  for (const char* title : {"status", "task", "metadata"}) {
    EXPECT_THAT(shown, HasSubstr(std::string(title) + " (untrusted)"));
  }
  EXPECT_THAT(shown, Not(HasSubstr("evidence (untrusted)")));
  EXPECT_THAT(aldis({"agents", "list"}, {}, 80).out, HasSubstr("\r\nuntrusted, as the agents wrote it: STATUS, TASK"));
  sandbox.aldis({"run", "--agent", "b", "--name", "obey", "--", "/bin/true"});
  const std::string finished = aldis({"agents", "show", "b"}).out;
  EXPECT_THAT(finished, HasSubstr("name (untrusted)"));
  EXPECT_THAT(finished, HasSubstr("evidence (untrusted)"));  // it says how the agent says that it ended
}

TEST_F(OnTerminal, a_watch_marks_the_words_of_an_agent_as_untrusted) {
  Terminal watch(sandbox.command({"agents", "watch"}), environment());
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  EXPECT_TRUE(watch.shows("alive"));
  sandbox.aldis({"agents", "stop", "--agent", "a", "--status", "obey"});
  EXPECT_TRUE(watch.shows("(untrusted) stopped: obey"));
}

TEST_F(OnTerminal, errors_are_text_and_say_what_to_do) {
  const Ended ended = aldis({"agents", "beat"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.out, HasSubstr("error:"));
  EXPECT_THAT(ended.out, HasSubstr("try: export ALDIS_AGENT_ID="));
}

TEST_F(OnTerminal, errors_are_in_colour_only_where_they_are_on_the_terminal) {
  EXPECT_THAT(aldis({"agents", "beat"}).out, HasSubstr(kEscape + "31merror:"));
  const std::string file = sandbox.directory() + "/err";
  const Words beat = sandbox.command({"agents", "beat"});
  on_terminal({"/bin/sh", "-c", "exec \"$@\" 2> " + file, "sh", beat[0], beat[1], beat[2]}, environment());
  std::ifstream err(file);
  const std::string text(std::istreambuf_iterator<char>(err), {});
  EXPECT_THAT(text, StartsWith("error:"));
  EXPECT_THAT(text, Not(HasSubstr(kEscape)));
}

TEST_F(OnTerminal, help_is_on_stdout) {
  const Ended ended = aldis({"signals", "wait", "--help"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr("Usage: aldis signals wait TYPE..."));
  EXPECT_THAT(ended.out, Not(HasSubstr("\"ok\"")));
}

TEST_F(OnTerminal, every_command_has_a_view) {
  const std::string id = sandbox.aldis({"signals", "send", "t", "--agent", "a", "--to", "b"}).text("/data/signal_id");
  for (const Words& words :
       {Words{"agents", "beat", "--agent", "a"}, Words{"agents", "show", "a"}, Words{"agents", "stop", "--agent", "a"},
        Words{"signals", "send", "t", "--agent", "a", "--to", "b"}, Words{"signals", "broadcast", "t", "--agent", "a"},
        Words{"signals", "receipt", id}, Words{"signals", "pending", "--agent", "b"},
        Words{"signals", "clear", "--agent", "b"}, Words{"config", "show"}, Words{"config", "path"}, Words{"doctor"},
        Words{"version"}}) {
    const Ended ended = aldis(words);
    EXPECT_EQ(ended.exit_code, 0) << words[0] << ended.out;
    EXPECT_FALSE(ended.out.empty()) << words[0];
    EXPECT_THAT(ended.out, Not(HasSubstr("\"ok\""))) << words[0];
  }
}

TEST_F(OnTerminal, a_watch_shows_aligned_lines) {
  Terminal watch(sandbox.command({"agents", "watch"}), environment());
  sandbox.aldis({"agents", "beat", "--agent", "a"});
  EXPECT_TRUE(watch.shows("alive"));
  sandbox.aldis({"agents", "stop", "--agent", "a"});
  EXPECT_TRUE(watch.shows("finished"));
  watch.type("\x03");
  EXPECT_EQ(watch.wait(), 130);
}

TEST_F(OnTerminal, a_key_that_interrupts_reaches_the_program_once) {
  Terminal terminal(sandbox.command({"run", "--agent", "a", "--", probe(), "signals"}), environment());
  ASSERT_TRUE(terminal.shows("ready"));
  terminal.type("\x03");
  ASSERT_TRUE(terminal.shows("got SIGINT"));
  terminal.type("\x1c");
  ASSERT_TRUE(terminal.shows("got SIGQUIT"));
  // Signals are forwarded in their order, so a second one would show before this.
  kill(terminal.pid(), SIGUSR1);
  ASSERT_TRUE(terminal.shows("got SIGUSR1"));
  const std::string& screen = terminal.screen();
  EXPECT_EQ(screen.find("got SIGINT"), screen.rfind("got SIGINT"));
  EXPECT_EQ(screen.find("got SIGQUIT"), screen.rfind("got SIGQUIT"));
  kill(terminal.pid(), SIGUSR2);
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(OnTerminal, a_program_that_an_interrupt_ends_passes_130_on) {
  Terminal terminal(sandbox.command({"run", "--agent", "a", "--", "/bin/sh", "-c", "echo ready; exec sleep 1000"}),
                    environment());
  ASSERT_TRUE(terminal.shows("ready"));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 130);
}

class JobControl : public OnTerminal {
 protected:
  JobControl() : shell({"/bin/bash", "--norc", "--noprofile", "-i"}, environment({{"PS1", "$ "}})) {
    EXPECT_TRUE(shell.shows("$ "));
  }
  void run(const std::string& program) { shell.type(sandbox.command({})[0] + " run --agent a -- " + program + "\n"); }

  Terminal shell;
};

TEST_F(JobControl, the_stop_key_stops_the_program_and_fg_continues_it) {
  run("sh -c 'echo rea''dy; exec cat'");
  ASSERT_TRUE(shell.shows("ready"));
  shell.type("one\n");
  ASSERT_TRUE(shell.shows("one\r\none"));
  shell.type("\x1a");
  ASSERT_TRUE(shell.shows("Stopped"));
  ASSERT_TRUE(shell.shows("$ "));
  EXPECT_EQ(sandbox.aldis({"agents", "show", "a"}).text("/data/state"), "alive");
  shell.type("fg\n");
  ASSERT_TRUE(shell.shows("exec cat"));
  shell.type("two\n");
  ASSERT_TRUE(shell.shows("two\r\ntwo"));
  shell.type("\x04");
  ASSERT_TRUE(shell.shows("$ "));
  shell.type("echo code $?\n");
  EXPECT_TRUE(shell.shows("code 0"));
}

TEST_F(JobControl, a_job_in_the_background_can_be_stopped_and_continued) {
  run(probe() + " signals &");
  ASSERT_TRUE(shell.shows("ready"));
  shell.type("kill -TSTP %1; wait %1; jobs\n");
  ASSERT_TRUE(shell.shows("Stopped"));
  ASSERT_TRUE(shell.shows("$ "));
  shell.type("bg\n");
  shell.type("kill -USR1 %1\n");
  ASSERT_TRUE(shell.shows("got SIGUSR1"));
  shell.type("kill -USR2 %1; wait %1; echo code $?\n");
  EXPECT_TRUE(shell.shows("code 0"));
}

TEST_F(JobControl, a_program_that_stops_itself_gives_the_shell_its_prompt_back) {
  run(probe() + " stop");
  ASSERT_TRUE(shell.shows("Stopped"));
  ASSERT_TRUE(shell.shows("$ "));
  shell.type("fg\n");
  ASSERT_TRUE(shell.shows("continued"));
  ASSERT_TRUE(shell.shows("$ "));
  shell.type("echo code $?\n");
  EXPECT_TRUE(shell.shows("code 0"));
}

}  // namespace
}  // namespace aldis::testing
