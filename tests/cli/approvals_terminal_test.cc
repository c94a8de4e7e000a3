// aldis approvals watch, as a person uses it: on a pseudo-terminal. And aldis events tail there.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>

#include "stores.h"
#include "terminal.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AtTerminal : public ::testing::Test {
 protected:
  Variables environment() const { return sandbox.environment({{"TERM", "xterm"}}); }
  std::string open(const Words& more = {}) const {
    Words words = {"approvals", "request", "deploy", "--agent", "worker", "--no-wait"};
    words.insert(words.end(), more.begin(), more.end());
    return sandbox.aldis(words).text("/data/request_id");
  }
  std::string status(const std::string& id) const {
    return sandbox.aldis({"approvals", "show", id}).text("/data/status");
  }
  Words watch() const { return sandbox.command({"approvals", "watch", "--as", "dana"}); }

  Sandbox sandbox;
};

TEST_F(AtTerminal, a_request_is_shown_with_its_context_and_y_approves) {
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("waiting for requests"));
  const std::string id = open({"--context", R"({"plan":["stop","copy"],"note":"now"})"});
  ASSERT_TRUE(terminal.shows("approve? [y]es [n]o [s]kip [q]uit"));
  EXPECT_THAT(terminal.screen(), HasSubstr("worker"));
  EXPECT_THAT(terminal.screen(), HasSubstr("deploy"));
  EXPECT_THAT(terminal.screen(), HasSubstr("\"plan\": [\r\n"));
  EXPECT_THAT(terminal.screen(), HasSubstr(" left  "));
  EXPECT_THAT(terminal.screen(), HasSubstr("####"));
  terminal.type("y");
  ASSERT_TRUE(terminal.shows("reason"));
  terminal.type("fine\n");
  ASSERT_TRUE(terminal.shows("done"));
  EXPECT_EQ(status(id), "approved");
  EXPECT_EQ(sandbox.aldis({"approvals", "show", id}).text("/data/reason"), "fine");
  EXPECT_EQ(sandbox.aldis({"approvals", "show", id}).text("/data/responder"), "dana");
}

TEST_F(AtTerminal, n_rejects_and_s_leaves_it_to_others) {
  const std::string skipped = open();
  const std::string rejected = open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("s");
  ASSERT_TRUE(terminal.shows("skipped " + skipped));
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("n");
  ASSERT_TRUE(terminal.shows("reason"));
  terminal.type("nox\x7f\x7f, thanks\r");
  ASSERT_TRUE(terminal.shows("done"));
  EXPECT_EQ(status(skipped), "pending");
  EXPECT_EQ(status(rejected), "rejected");
  EXPECT_EQ(sandbox.aldis({"approvals", "show", rejected}).text("/data/reason"), "n, thanks");
}

TEST_F(AtTerminal, the_bar_moves) {
  open({"--timeout", "20"});
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows(" s left"));
  const std::string screen = terminal.screen();
  const std::size_t end = screen.find(" s left");
  const int shown = std::stoi(screen.substr(screen.find_last_not_of("0123456789", end - 1) + 1));
  ASSERT_TRUE(terminal.shows(std::to_string(shown - 1) + " s left")) << screen;
}

TEST_F(AtTerminal, a_request_that_somebody_else_answers_leaves_the_screen) {
  const std::string id = open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  sandbox.aldis({"approvals", "approve", id, "--as", "erik"});
  ASSERT_TRUE(terminal.shows(id + " was approved by erik"));
}

TEST_F(AtTerminal, a_request_that_times_out_leaves_the_screen) {
  const std::string id = open({"--timeout", "5"});
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  ASSERT_TRUE(terminal.shows(id + " was timed_out"));
}

TEST_F(AtTerminal, nothing_in_a_context_moves_the_cursor) {
  open({"--context", "{\"a\":\"\\u001b[2J\xc2\x9b\xe2\x80\xae\",\"password\":\"hunter2\"}"});
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("\x1b[2J")));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("\xc2\x9b")));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("\xe2\x80\xae")));
}

TEST_F(AtTerminal, what_is_to_be_approved_is_shown_whole_and_only_lists_mask) {
  const std::string hash(64, 'a');
  const std::string id = open({"--context", "{\"token\":{\"run\":\"rm -r\"},\"image\":\"q8Zr3VxK1mWp7LtY5uBn0AsD\"}"});
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  const std::string shown = on_terminal(sandbox.command({"approvals", "show", id}), environment()).out;
  for (const std::string& screen : {terminal.screen(), shown}) {
    EXPECT_THAT(screen, HasSubstr("rm -r"));
    EXPECT_THAT(screen, HasSubstr("q8Zr3VxK1mWp7LtY5uBn0AsD"));
  }
  EXPECT_THAT(on_terminal(sandbox.command({"approvals", "pending"}), environment(), 200).out, Not(HasSubstr("rm -r")));
}

TEST_F(AtTerminal, what_is_typed_right_behind_y_is_the_reason_and_stays_beside_what_it_is_for) {
  const std::string id = open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("answers: open"));
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("yfine\n");
  ASSERT_TRUE(terminal.shows("approve deploy " + id));
  ASSERT_TRUE(terminal.shows("done"));
  EXPECT_EQ(sandbox.aldis({"approvals", "show", id}).text("/data/reason"), "fine");
}

TEST_F(AtTerminal, a_reason_that_is_no_text_is_told_and_asked_for_again) {
  const std::string id = open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("y");
  ASSERT_TRUE(terminal.shows("reason"));
  terminal.type("\xff\n");
  ASSERT_TRUE(terminal.shows("not UTF-8"));
  ASSERT_TRUE(terminal.shows("reason"));
  terminal.type("fine\n");
  ASSERT_TRUE(terminal.shows("done"));
  EXPECT_EQ(sandbox.aldis({"approvals", "show", id}).text("/data/reason"), "fine");
}

class AtTerminalOnRedis : public AtTerminal {
 protected:
  Variables environment() const { return sandbox.environment({{"TERM", "xterm"}, {"ALDIS_STORE", server.url()}}); }
  std::string open(const std::string& context) const {
    return sandbox
        .aldis({"approvals", "request", "deploy", "--agent", "worker", "--no-wait", "--context", context},
               {{"ALDIS_STORE", server.url()}})
        .text("/data/request_id");
  }

  RedisServer server;
};

TEST_F(AtTerminalOnRedis, what_was_changed_while_it_was_shown_is_not_approved_but_shown_again) {
  const std::string id = open(R"({"target":"staging"})");
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("staging"));
  ASSERT_TRUE(terminal.shows("approve?"));
  change_context(server, id, R"({"target":"production"})");
  terminal.type("y\n");
  ASSERT_TRUE(terminal.shows("not done:"));
  ASSERT_TRUE(terminal.shows("production"));
  ASSERT_TRUE(terminal.shows("approve?"));
  EXPECT_EQ(sandbox.aldis({"approvals", "show", id}, {{"ALDIS_STORE", server.url()}}).text("/data/status"), "pending");
}

TEST_F(AtTerminalOnRedis, a_watch_outlives_its_store) {
  open("{}");
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  server.kill();
  terminal.type("s");
  ASSERT_TRUE(terminal.shows("trying again until it works"));
  server.restart();
  open(R"({"after":"the restart"})");
  ASSERT_TRUE(terminal.shows("the restart"));
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("q");
  EXPECT_EQ(terminal.wait(), 0);
}

// One whose deploy… is answered with signatures, from `write_policy` on.
class PolicyAtTerminal : public AtTerminal {
 protected:
  void write_policy() const {
    const std::string rules =
        sandbox.write_file("home/.config/aldis/approvals.toml",
                           "version = 1\n[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\", \"erik\"]\n");
    for (const std::string& path : {sandbox.home() + "/.config/aldis", rules}) ::chmod(path.c_str(), 0700);
  }
  std::string enroll(const std::string& name) const {
    return sandbox.aldis({"approvers", "enroll", name, "--passphrase-file", "-"}, {}, "open sesame\n")
        .text("/data/public_key");
  }
  void trust(const std::string& name, const std::string& key) const {
    EXPECT_EQ(sandbox.aldis({"approvers", "trust", name, key}).exit_code, 0);
  }
};

class SignedAtTerminal : public PolicyAtTerminal {
 protected:
  SignedAtTerminal() {
    write_policy();
    trust("dana", enroll("dana"));
  }
};

TEST_F(SignedAtTerminal, a_request_is_shown_again_after_a_wrong_passphrase) {
  const std::string id = open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("answers: signed, 0 of 1 approvals"));
  for (const char* const passphrase : {"open barley\n", "open sesame\n"}) {
    ASSERT_TRUE(terminal.shows("approve?"));
    terminal.type("y\n");
    ASSERT_TRUE(terminal.shows("passphrase of dana: "));
    terminal.type(passphrase);
    ASSERT_TRUE(terminal.shows(std::string_view(passphrase).contains("sesame") ? "done" : "not done:"));
  }
  EXPECT_EQ(status(id), "approved");
}

TEST_F(PolicyAtTerminal, a_watch_learns_of_a_policy_that_is_written_while_it_runs) {
  open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("answers: open"));
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("s");
  ASSERT_TRUE(terminal.shows("skipped"));
  trust("dana", enroll("dana"));
  write_policy();
  const std::string id = open();
  ASSERT_TRUE(terminal.shows("answers: signed, 0 of 1 approvals"));
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("y\n");
  ASSERT_TRUE(terminal.shows("passphrase of dana: "));
  terminal.type("open sesame\n");
  ASSERT_TRUE(terminal.shows("done"));
  EXPECT_EQ(status(id), "approved");
}

TEST_F(PolicyAtTerminal, what_a_policy_that_came_later_lets_nobody_approve_is_told_and_not_asked_again) {
  open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  trust("dana", enroll("dana"));
  write_policy();
  terminal.type("y\n");
  ASSERT_TRUE(terminal.shows("not done:"));
  ASSERT_TRUE(terminal.shows("is for others: it was opened under another policy"));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 130);
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("passphrase")));
}

TEST_F(SignedAtTerminal, whose_key_is_trusted_later_is_asked_then) {
  const std::string id = open();
  const std::string key = enroll("erik");
  Terminal terminal(sandbox.command({"approvals", "watch", "--as", "erik"}), environment());
  ASSERT_TRUE(terminal.shows("no key of erik is trusted here"));
  trust("erik", key);
  ASSERT_TRUE(terminal.shows("approve?"));
  terminal.type("n\n");
  ASSERT_TRUE(terminal.shows("passphrase of erik: "));
  terminal.type("open sesame\n");
  ASSERT_TRUE(terminal.shows("done"));
  EXPECT_EQ(status(id), "rejected");
}

TEST_F(SignedAtTerminal, a_watch_outlives_a_policy_that_is_not_well_formed_for_a_while) {
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("waiting for requests"));
  const std::string id = open();
  ASSERT_TRUE(terminal.shows("approve?"));
  sandbox.write_file("home/.config/aldis/approvals.toml", "version = 1\n[[ru");
  terminal.type("s");
  ASSERT_TRUE(terminal.shows("trying again until it works"));
  write_policy();
  open();
  ASSERT_TRUE(terminal.shows("answers: signed"));
}

TEST_F(SignedAtTerminal, nobody_is_asked_for_a_passphrase_for_longer_than_the_command_may_take) {
  const std::string id = open();
  for (const Words& words : {Words{"approvals", "approve", id, "--as", "dana"}, Words{"approvers", "enroll", "fay"}}) {
    Words all = words;
    all.insert(all.end(), {"--timeout", "2"});
    Terminal terminal(sandbox.command(all), environment());
    ASSERT_TRUE(terminal.shows("passphrase of "));
    EXPECT_EQ(terminal.wait(), 10);
    EXPECT_THAT(terminal.screen(), HasSubstr("the time given with --timeout is over"));
    EXPECT_TRUE(terminal.echoes());
  }
  EXPECT_EQ(status(id), "pending");
}

TEST_F(SignedAtTerminal, a_signal_at_a_passphrase_ends_in_an_envelope) {
  const std::string id = open();
  for (const auto& [signal, code] : {std::pair{SIGTERM, 143}, std::pair{SIGINT, 130}}) {
    Terminal terminal(sandbox.command({"approvals", "reject", id, "--as", "dana", "--output", "json"}), environment());
    ASSERT_TRUE(terminal.shows("passphrase of dana: "));
    kill(terminal.pid(), signal);
    EXPECT_EQ(terminal.wait(), code);
    EXPECT_THAT(terminal.screen(), HasSubstr(R"("code":"CANCELLED","message":"ended by SIG)"));
    EXPECT_TRUE(terminal.echoes());
  }
}

TEST_F(SignedAtTerminal, who_is_no_approver_is_told_and_not_asked) {
  open();
  Terminal terminal(sandbox.command({"approvals", "watch", "--as", "fay", "--count", "1"}), environment());
  ASSERT_TRUE(terminal.shows("fay is not one of those who may answer it: dana, erik"));
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("approve?")));
}

TEST_F(AtTerminal, control_c_at_a_passphrase_ends_at_once_and_what_was_typed_goes_nowhere) {
  const Words words = sandbox.command({"approvers", "enroll", "dana"});
  Terminal shell({"/bin/sh", "-c", "\"$@\"; echo \"code $?\"; read -r line; echo \"next is $line\"", "sh", words[0],
                  words[1], words[2], words[3]},
                 environment());
  ASSERT_TRUE(shell.shows("passphrase of dana: "));
  shell.type("open\x03sesame\n");
  ASSERT_TRUE(shell.shows("code 130"));
  shell.type("nothing\n");
  ASSERT_TRUE(shell.shows("next is nothing"));
}

TEST_F(AtTerminal, a_signal_at_a_passphrase_leaves_a_terminal_that_echoes) {
  for (const auto& [signal, code] : {std::pair{SIGTERM, 143}, std::pair{SIGINT, 130}, std::pair{SIGHUP, -SIGHUP}}) {
    Terminal terminal(sandbox.command({"approvers", "enroll", "dana"}), environment());
    ASSERT_TRUE(terminal.shows("passphrase of dana: "));
    EXPECT_FALSE(terminal.echoes());
    kill(terminal.pid(), signal);
    EXPECT_EQ(terminal.wait(), code);
    EXPECT_TRUE(terminal.echoes());
  }
}

TEST_F(AtTerminal, a_passphrase_can_be_corrected) {
  Terminal terminal(sandbox.command({"approvers", "enroll", "dana"}), environment());
  ASSERT_TRUE(terminal.shows("passphrase of dana: "));
  terminal.type(
      "wrong\x15open sesaml\x7f"
      "e\n");
  ASSERT_TRUE(terminal.shows("the same again: "));
  terminal.type("open sesame\n");
  EXPECT_EQ(terminal.wait(), 0);
}

TEST_F(AtTerminal, control_c_ends_with_130_and_q_with_0_and_both_leave_the_request) {
  const std::string id = open();
  Terminal interrupted(watch(), environment());
  ASSERT_TRUE(interrupted.shows("approve?"));
  interrupted.type("\x03");
  EXPECT_EQ(interrupted.wait(), 130);
  Terminal quitting(watch(), environment());
  ASSERT_TRUE(quitting.shows("approve?"));
  quitting.type("q");
  EXPECT_EQ(quitting.wait(), 0);
  EXPECT_EQ(status(id), "pending");
}

TEST_F(AtTerminal, a_passphrase_is_asked_for_twice_and_not_shown) {
  Terminal terminal(sandbox.command({"approvers", "enroll", "dana"}), environment());
  ASSERT_TRUE(terminal.shows("passphrase of dana: "));
  terminal.type("open sesame\n");
  ASSERT_TRUE(terminal.shows("the same again: "));
  terminal.type("open sesame\n");
  ASSERT_TRUE(terminal.shows("aldis approvers trust dana ed25519:"));
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("sesame")));
}

TEST_F(AtTerminal, a_tail_is_aligned_coloured_and_escaped) {
  sandbox.aldis({"events", "publish", "t", "--data", "{\"a\":\"\xc2\x9b\"}", "--source", "ci"});
  Terminal terminal(sandbox.command({"events", "tail", "--follow", "--since", "0"}), environment());
  ASSERT_TRUE(terminal.shows("\\u{9b}"));
  EXPECT_THAT(terminal.screen(), HasSubstr("\x1b[36mt                   \x1b[0m"));
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("\xc2\x9b")));
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), 130);
}

}  // namespace
}  // namespace aldis::testing
