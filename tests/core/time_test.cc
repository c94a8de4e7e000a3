#include "aldis/time.h"

#include <gtest/gtest.h>

#include "core/clock.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;

TEST(Timestamps, are_iso_8601_utc_with_microseconds) {
  EXPECT_EQ(format_timestamp(WallTime{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_timestamp(WallTime{1'790'000'000s + 42us}), "2026-09-21T14:13:20.000042Z");
  EXPECT_EQ(format_timestamp(WallTime{-1us}), "1969-12-31T23:59:59.999999Z");
}

TEST(SystemClock, boot_and_steady_time_never_run_backwards) {
  const SystemClock clock;
  const BootTime boot = clock.boot_now();
  const SteadyTime steady = clock.steady_now();
  EXPECT_LE(boot, clock.boot_now());
  EXPECT_LE(steady, clock.steady_now());
  EXPECT_GT(clock.wall_now(), WallTime{1'700'000'000s});
}

}  // namespace
}  // namespace aldis
