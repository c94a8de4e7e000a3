// What counts as an answer at the prompt of aldis approvals watch.

#include "cli/approval_prompt.h"

#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "terminal.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using Kind = cli::PromptAnswer::Kind;

// Somebody is asked on a clock that moves by `step` with each look at the request; the exit code is the answer's kind.
int ask(std::chrono::nanoseconds step) {
  FakeClock clock;
  const cli::OutputStyle style{.format = cli::Format::table};
  ApprovalRequest request;
  request.request_id = "apr_1";
  request.approval_type = "deploy";
  request.agent_id = "worker";
  const cli::PromptAnswer answer = cli::ApprovalPrompt(style, clock, {}).ask(request, [&] {
    clock.advance(step);
    return true;
  });
  return static_cast<int>(answer.kind);
}

TEST(ApprovalPrompt, keys_that_come_faster_than_anybody_reads_are_no_answer) {
  Terminal terminal([] { return ask(0ns); });
  ASSERT_TRUE(terminal.shows("answers: open"));
  ASSERT_TRUE(terminal.shows("no deadline"));
  terminal.type("y\n");
  terminal.type("\x03");
  EXPECT_EQ(terminal.wait(), static_cast<int>(Kind::interrupted));
  EXPECT_EQ(terminal.screen().find("approve?"), std::string::npos) << "no key is offered that is not heeded";
}

TEST(ApprovalPrompt, after_half_a_second_they_are) {
  Terminal terminal([] { return ask(250ms); });
  ASSERT_TRUE(terminal.shows("approve? [y]es"));
  terminal.type("n\n");
  EXPECT_EQ(terminal.wait(), static_cast<int>(Kind::reject));
}

}  // namespace
}  // namespace aldis::testing
