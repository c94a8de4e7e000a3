// Processes whose wall clock is an hour wrong, or jumps by an hour while a request waits. The store decides by the boot
// clock of the host, or by the clock of the server: nothing times out early, and nothing late. Only who signs needs a
// clock that is right.

#include <gmock/gmock.h>

#include <ostream>

#include "approval_stage.h"
#include "core/clock.h"
#include "redis/clock_file.h"
#include "redis/eventually.h"
#include "signers.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Step {
  const char* store;
  std::chrono::hours by;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << step.store << " by " << step.by.count() << " h";
}

class SteppedClocks : public ::testing::TestWithParam<Step> {
 protected:
  // Long enough to tell an hour from it, and so short that nobody waits for it.
  static constexpr const char* kTenMinutes = "timeout_ms=600000";

  SteppedClocks() { clock.set(SystemClock{}.wall_now()); }

  void step() { clock.advance(GetParam().by); }
  // Of a process whose wall clock is `clock`, which stands still where it is.
  Words with_clock() const { return {"ALDIS_TEST_CLOCK=" + clock.environment().at("ALDIS_TEST_CLOCK")}; }
  static Words approval_of(const std::string& id) {
    return {"answer", "id=" + id, "as=dana", "verdict=approved", "reason=fine"};
  }
  // When `opened` is heard, the deadline is nearer than that.
  static void wait_for_deadline(std::chrono::nanoseconds timeout) { let_pass(timeout); }

  ApprovalStage stage{GetParam().store};
  ClockFile clock;
};

TEST_P(SteppedClocks, of_a_waiter_leave_the_request_pending_until_it_is_answered) {
  const auto waiter = stage.open({"agent=worker", "type=deploy", kTenMinutes}, with_clock());
  step();
  EXPECT_EQ(stage.gate().get_pending_approvals()->size(), 1u);
  stage.run(approval_of(waiter.id), "answered");
  EXPECT_EQ(stage.hear_end(), "approved");
  EXPECT_EQ(stage.read(waiter.id).status, ApprovalState::approved);
}

TEST_P(SteppedClocks, of_a_waiter_still_end_its_wait_at_the_deadline) {
  stage.start({"open", "agent=worker", "type=deploy", "timeout_ms=1000"}, with_clock());
  stage.hear("opened");
  step();
  EXPECT_EQ(stage.hear_end(), "timed_out");
}

TEST_P(SteppedClocks, of_a_responder_let_it_answer_in_time) {
  const auto waiter = stage.open({"agent=worker", "type=deploy", kTenMinutes});
  step();
  stage.run(approval_of(waiter.id), "answered", with_clock());
  EXPECT_EQ(stage.hear_end(), "approved");
  EXPECT_EQ(stage.read(waiter.id).votes.at(0).time, clock.now()) << "its clock was not moved";
}

TEST_P(SteppedClocks, of_a_responder_do_not_let_it_answer_late) {
  const pid_t waiter = stage.start({"open", "agent=worker", "type=deploy", "timeout_ms=50"});
  const std::string id = stage.hear("opened").at(1);
  stage.kill(waiter);
  wait_for_deadline(50ms);
  step();
  const Words refused = stage.run(approval_of(id), "refused", with_clock());
  EXPECT_EQ(refused.at(1), "failed_precondition");
  EXPECT_THAT(joined(refused, 2), HasSubstr("timed out at "));
}

TEST_P(SteppedClocks, of_whoever_asks_move_no_deadline) {
  step();
  const auto waiter = stage.open({"agent=worker", "type=deploy", kTenMinutes}, with_clock());
  EXPECT_EQ(stage.run(approval_of(waiter.id), "answered").at(1), "approved");
}

TEST_P(SteppedClocks, of_whoever_asks_put_no_deadline_off) {
  step();
  const pid_t waiter = stage.start({"open", "agent=worker", "type=deploy", "timeout_ms=50"}, with_clock());
  const std::string id = stage.hear("opened").at(1);
  stage.kill(waiter);
  wait_for_deadline(50ms);
  EXPECT_EQ(stage.run(approval_of(id), "refused").at(1), "failed_precondition");
}

// A signature says when it was made, so in signed mode a wrong clock is told. That of the request is right.
TEST_P(SteppedClocks, of_a_responder_that_signs_are_refused_and_told_so) {
  Signers signers{stage.fleet().options().configuration_directory, stage.directory() + "/keys"};
  for (const char* name : {"ann", "bob"}) signers.enroll(name);
  signers.write_policy();
  const auto waiter = stage.open({"agent=worker", "type=deploy", kTenMinutes});
  step();
  const Words refused = stage.run(signers.vote(waiter.id, "ann"), "refused", with_clock());
  EXPECT_EQ(refused.at(1), "failed_precondition");
  EXPECT_THAT(joined(refused, 2), HasSubstr("the clock of this machine says"));
  EXPECT_EQ(stage.read(waiter.id).votes.size(), 0u);
  for (const char* name : {"ann", "bob"}) stage.run(signers.vote(waiter.id, name), "answered");
  EXPECT_EQ(stage.hear_end(), "approved");
}

INSTANTIATE_TEST_SUITE_P(Stores, SteppedClocks,
                         ::testing::Values(Step{"local", 1h}, Step{"local", -1h}, Step{"redis", 1h},
                                           Step{"redis", -1h}),
                         [](const auto& step) {
                           return std::string(step.param.store) + (step.param.by > 0h ? "_forward" : "_back");
                         });

}  // namespace
}  // namespace aldis::testing
