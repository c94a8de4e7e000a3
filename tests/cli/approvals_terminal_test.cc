// aldis approvals watch, as a person uses it: on a pseudo-terminal. And aldis events tail there.

#include <gmock/gmock.h>

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
  ASSERT_TRUE(terminal.shows("20 s left"));
  ASSERT_TRUE(terminal.shows("19 s left"));
}

TEST_F(AtTerminal, a_request_that_somebody_else_answers_leaves_the_screen) {
  const std::string id = open();
  Terminal terminal(watch(), environment());
  ASSERT_TRUE(terminal.shows("approve?"));
  sandbox.aldis({"approvals", "approve", id, "--as", "erik"});
  ASSERT_TRUE(terminal.shows(id + " was approved by erik"));
}

TEST_F(AtTerminal, a_request_that_times_out_leaves_the_screen) {
  const std::string id = open({"--timeout", "2"});
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
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("hunter2")));
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
