// How long a call pauses, how long an attempt may take, and what is said at the end.

#include "engines/redis/call_attempts.h"

#include <gmock/gmock.h>

#include "aldis/limits.h"
#include "fakes/fake_clock.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CallAttempts, pause_longer_each_time_up_to_a_bound) {
  EXPECT_EQ(pause_bound(1), limits::kRedisPauseMin);
  EXPECT_EQ(pause_bound(2), 2 * limits::kRedisPauseMin);
  EXPECT_EQ(pause_bound(5), 16 * limits::kRedisPauseMin);
  EXPECT_EQ(pause_bound(1'000'000'000), limits::kRedisPauseMax);
}

TEST(CallAttempts, give_each_of_them_all_the_time_where_no_other_server_can_stand_in) {
  FakeClock clock;
  const CallAttempts attempts(clock, 5s, false);
  EXPECT_EQ(attempts.attempt_deadline(), clock.steady_now() + 5s);
}

TEST(CallAttempts, give_each_of_them_a_part_where_one_can) {
  FakeClock clock;
  EXPECT_EQ(CallAttempts(clock, 3s, true).attempt_deadline(), clock.steady_now() + 1s);
  EXPECT_EQ(CallAttempts(clock, 60s, true).attempt_deadline(), clock.steady_now() + limits::kRedisSilenceMax);
  EXPECT_EQ(CallAttempts(clock, 3s, false).attempt_deadline(true), clock.steady_now() + 1s) << "or may be dead";
  const CallAttempts late(clock, 3s, true);
  const SteadyTime deadline = clock.steady_now() + 3s;
  clock.advance(2500ms);
  EXPECT_EQ(late.attempt_deadline(), deadline);
}

TEST(CallAttempts, say_at_the_end_what_failed_them_and_what_to_do) {
  FakeClock clock;
  CallAttempts attempts(clock, 5s, false);
  attempts.turn_away("the server at a:1 closed the connection", "is it running?");
  EXPECT_TRUE(attempts.go_on()) << "without a pause, which would last for ever on this clock";
  clock.advance(5s);
  attempts.fail_by("a:1 did not answer in time");
  EXPECT_FALSE(attempts.go_on());
  const Error error = attempts.failure();
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_TRUE(error.retryable);
  EXPECT_THAT(error.message, AllOf(HasSubstr("closed the connection"), HasSubstr("attempts: 2"),
                                   HasSubstr("within 5.0 s"), HasSubstr("is it running?")));
  EXPECT_THAT(error.message, Not(HasSubstr("in time"))) << "the last attempt was cut short and tells nothing";
  EXPECT_THAT(error.message, Not(HasSubstr("may have been done")));
}

TEST(CallAttempts, say_that_a_change_may_have_been_made_once_one_was_sent) {
  FakeClock clock;
  CallAttempts attempts(clock, 5s, false);
  attempts.leave_in_doubt();
  attempts.turn_away("the server at a:1 closed the connection");
  clock.advance(5s);
  EXPECT_FALSE(attempts.go_on());
  EXPECT_THAT(attempts.failure().message, HasSubstr("it may have been done"));
  const Error final = attempts.failure_by(Error{ErrorCode::permission_denied, "NOPERM", false});
  EXPECT_EQ(final.code, ErrorCode::permission_denied);
  EXPECT_THAT(final.message, AllOf(HasSubstr("NOPERM"), HasSubstr("may have been done")));
}

}  // namespace
}  // namespace aldis::testing
