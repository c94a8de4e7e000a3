#pragma once
// When to try again what failed: later each time, until it has been calm for a while. Header only; used by the
// subscriber, whose troubles come at any time, not within one call. Threads: one. Limits: kRedisReopenMin,
// kRedisReopenMax.

#include <algorithm>
#include <chrono>

#include "aldis/limits.h"
#include "core/clock.h"
#include "engines/redis/lot.h"

namespace aldis {

class ReopenPause {
 public:
  // After trouble at `now`.
  SteadyTime next(SteadyTime now, const Clock& clock) {
    if (now - next_ > kCalm) bound_ = limits::kRedisReopenMin;
    next_ = now + draw_share(clock, bound_, 0.5, 1.0);
    bound_ = std::min(bound_ * 2, limits::kRedisReopenMax);
    return next_;
  }

 private:
  static constexpr std::chrono::nanoseconds kCalm = 5 * limits::kRedisReopenMax;

  SteadyTime next_{};
  std::chrono::nanoseconds bound_ = limits::kRedisReopenMin;
};

}  // namespace aldis
