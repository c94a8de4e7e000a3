// Deadlines and ages that neither a step of the wall clock nor a reboot spoils.

#include "engines/local/ledger_time.h"

#include <gtest/gtest.h>

#include "fakes/fake_clock.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

// What a transaction takes for now, on a host that may be booted again.
class LedgerTime : public ::testing::Test {
 protected:
  LedgerNow now() {
    return ledger_
        ->write(LedgerSync::normal,
                [](LedgerTransaction& transaction) -> Result<LedgerNow> { return transaction.now(); })
        .value();
  }
  // The boot clock begins anew; the wall clock goes on.
  void reboot(std::chrono::nanoseconds down_for) {
    const std::chrono::nanoseconds wall = clock_->wall_now() - FakeClock().wall_now();
    clock_ = std::make_shared<FakeClock>();
    clock_->step_wall(wall + down_for);
    ledger_ = ledger_in(scratch_.path(), kPatient, clock_, "the next boot");
  }

  testing::ScratchDirectory scratch_;
  std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  std::shared_ptr<Ledger> ledger_ = ledger_in(scratch_.path(), kPatient, clock_, "a boot");
};

TEST_F(LedgerTime, runs_towards_a_deadline_and_past_it) {
  const LedgerDeadline deadline = deadline_after(now(), 10s);
  EXPECT_EQ(remaining(deadline, now()), 10s);
  clock_->advance(9999ms);
  EXPECT_EQ(remaining(deadline, now()), 1ms);
  clock_->advance(2ms);
  EXPECT_EQ(remaining(deadline, now()), -1ms);
}

TEST_F(LedgerTime, is_not_moved_by_a_step_of_the_wall_clock) {
  const LedgerDeadline deadline = deadline_after(now(), 10s);
  const LedgerStamp stamp = stamp_of(now());
  for (const std::chrono::nanoseconds step : {24h, -48h}) {
    clock_->step_wall(step);
    EXPECT_EQ(remaining(deadline, now()), 10s);
    EXPECT_EQ(age_of(stamp, now()), 0s);
  }
  clock_->advance(4s);
  EXPECT_EQ(remaining(deadline, now()), 6s);
  EXPECT_EQ(age_of(stamp, now()), 4s);
}

TEST_F(LedgerTime, falls_back_to_the_wall_clock_after_a_reboot) {
  const LedgerDeadline deadline = deadline_after(now(), 10min);
  const LedgerStamp stamp = stamp_of(now());
  clock_->advance(1min);
  reboot(2min);
  EXPECT_EQ(remaining(deadline, now()), 7min);
  EXPECT_EQ(age_of(stamp, now()), 3min);
  clock_->step_wall(-30min);
  EXPECT_EQ(remaining(deadline, now()), 37min) << "nothing but the wall clock is left to go by";
  EXPECT_EQ(age_of(stamp, now()), 0s) << "no age is negative";
}

TEST_F(LedgerTime, of_a_reader_that_never_wrote_in_this_boot_goes_by_the_wall_clock) {
  const LedgerDeadline deadline = deadline_after(now(), 10min);
  reboot(1min);
  const auto left = ledger_->read([&](LedgerTransaction& transaction) -> Result<std::chrono::nanoseconds> {
    EXPECT_EQ(transaction.now().boot, 0);
    return remaining(deadline, transaction.now());
  });
  EXPECT_EQ(left.value_or(0s), 9min);
}

TEST_F(LedgerTime, bears_a_wall_clock_at_the_ends_of_time) {
  const LedgerNow current = now();
  EXPECT_LT(remaining({999, 0, std::numeric_limits<std::int64_t>::min() / 4}, current), 0s);
  EXPECT_GT(remaining({999, 0, std::numeric_limits<std::int64_t>::max() / 4}, current), 0s);
}

}  // namespace
}  // namespace aldis::testing
