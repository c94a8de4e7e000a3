#pragma once
// A clock that moves only when a test says so. Threads: safe from any thread.

#include <atomic>

#include "core/clock.h"

namespace aldis::testing {

class FakeClock final : public Clock {
 public:
  void advance(std::chrono::nanoseconds by) {
    boot_ += by.count();
    wall_offset_ += by.count();
  }
  // The wall clock alone: a stepped clock, which must change nothing.
  void step_wall(std::chrono::nanoseconds by) { wall_offset_ += by.count(); }

  WallTime wall_now() const override {
    using namespace std::chrono;
    return WallTime{microseconds{1'790'000'000'000'000} + duration_cast<microseconds>(nanoseconds{wall_offset_})};
  }
  BootTime boot_now() const override { return BootTime{std::chrono::nanoseconds{boot_}}; }
  SteadyTime steady_now() const override { return SteadyTime{std::chrono::nanoseconds{boot_}}; }

 private:
  std::atomic<std::int64_t> boot_{1'000'000'000'000};
  std::atomic<std::int64_t> wall_offset_{0};
};

}  // namespace aldis::testing
