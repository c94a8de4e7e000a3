#pragma once
// Time on the clock that decides in a store: the host's boot-time clock on a local board, the server's time on Redis.
// Never comparable across stores, so it is a type of its own.

#include <chrono>

namespace aldis {

struct StoreClockTag {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<StoreClockTag>;
  static constexpr bool is_steady = false;
};
using StoreTime = StoreClockTag::time_point;

}  // namespace aldis
