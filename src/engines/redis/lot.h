#pragma once
// Draws lots, so that many processes that lost the same server do not come back at the same moment. Header only.
// Threads: safe from any thread.

#include <chrono>
#include <cstdint>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/ids.h"

namespace aldis {

// In [0, 1): from the random half of an id.
inline double draw_lot(const Clock& clock) {
  const Id128 id = make_id(clock.wall_now());
  const auto bits = ByteReader({reinterpret_cast<const char*>(id.bytes.data()) + 8, 8}).number<std::uint64_t>();
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

// Between `low` and `high` times `whole`.
inline std::chrono::nanoseconds draw_share(const Clock& clock, std::chrono::nanoseconds whole, double low,
                                           double high) {
  const double share = low + (high - low) * draw_lot(clock);
  return std::chrono::nanoseconds{static_cast<std::int64_t>(static_cast<double>(whole.count()) * share)};
}

}  // namespace aldis
