#pragma once
// The one seam through which anything learns the time. SystemClock is implemented in system_clock.cc, the only file
// that may read a clock; tests use tests/fakes/fake_clock.h.
//
// Model: three times of three types. WallTime is shown to people. BootTime counts from the host's boot, suspend
// included, is the same in every process of the machine, and decides leases and expiry on the local board. SteadyTime
// measures how long a call may take. Threads: safe from any thread.

#include <chrono>

#include "aldis/time.h"

namespace aldis {

struct BootClockTag {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClockTag>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClockTag::time_point;

using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall_now() const = 0;
  virtual BootTime boot_now() const = 0;
  virtual SteadyTime steady_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime wall_now() const override;
  BootTime boot_now() const override;
  SteadyTime steady_now() const override;
};

}  // namespace aldis
