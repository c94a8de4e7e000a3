#include <time.h>

#include "core/clock.h"

namespace aldis {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace

WallTime SystemClock::wall_now() const {
  return WallTime{std::chrono::duration_cast<std::chrono::microseconds>(read_clock(CLOCK_REALTIME))};
}
BootTime SystemClock::boot_now() const { return BootTime{read_clock(CLOCK_BOOTTIME)}; }
SteadyTime SystemClock::steady_now() const { return SteadyTime{read_clock(CLOCK_MONOTONIC)}; }

}  // namespace aldis
