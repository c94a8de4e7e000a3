#pragma once
// Waits for what another process does in its own time and tells nobody. Header only. Threads: safe from any thread.

#include <poll.h>

#include <chrono>

#include "core/clock.h"

namespace aldis::testing {

inline constexpr std::chrono::seconds kServerPatience{30};

// Whether `condition` came true in time; looks every few milliseconds.
template <class Condition>
bool eventually(Condition condition, std::chrono::nanoseconds patience = kServerPatience) {
  constexpr int kPauseMilliseconds = 5;
  const SteadyTime end = SystemClock{}.steady_now() + patience;
  while (!condition()) {
    if (SystemClock{}.steady_now() >= end) return false;
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
  return true;
}

// For a fault that has to last.
inline void let_pass(std::chrono::nanoseconds time) {
  eventually([] { return false; }, time);
}

}  // namespace aldis::testing
