#include "engines/local/ledger_time.h"

#include <algorithm>

namespace aldis {
namespace {

// From `now` to the moment, on the clock that decides.
std::chrono::nanoseconds until(std::int64_t boot, std::int64_t boot_ns, std::int64_t wall_us, const LedgerNow& now) {
  if (boot == now.boot) return std::chrono::nanoseconds{boot_ns} - now.boot_time.time_since_epoch();
  // Nearer than the far ends of time, which overflow nanoseconds.
  const std::chrono::microseconds apart = wall_time(wall_us) - now.wall;
  constexpr std::chrono::microseconds kFar = std::chrono::days{36'500};
  return std::clamp(apart, -kFar, kFar);
}

}  // namespace

LedgerStamp stamp_of(const LedgerNow& now) {
  return {now.boot, now.boot_time.time_since_epoch().count(), wall_us(now.wall)};
}

LedgerDeadline deadline_after(const LedgerNow& now, std::chrono::nanoseconds after) {
  const auto wall = now.wall + std::chrono::duration_cast<std::chrono::microseconds>(after);
  return {now.boot, (now.boot_time + after).time_since_epoch().count(), wall_us(wall)};
}

std::chrono::nanoseconds remaining(const LedgerDeadline& deadline, const LedgerNow& now) {
  return until(deadline.boot, deadline.boot_ns, deadline.wall_us, now);
}

std::chrono::nanoseconds age_of(const LedgerStamp& stamp, const LedgerNow& now) {
  return std::max(std::chrono::nanoseconds::zero(), -until(stamp.boot, stamp.boot_ns, stamp.wall_us, now));
}

}  // namespace aldis
