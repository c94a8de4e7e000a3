#pragma once
// The times that the API speaks. Implemented in src/core/time_format.cc.
//
// Model: durations are std::chrono. WallTime is for display and never decides anything; what decides (leases, expiry)
// is the store's own clock: the host's boot-time clock on a local board, the server's time on Redis.

#include <chrono>
#include <string>

#include "aldis/export.h"

namespace aldis {

// Microseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// ISO 8601 in UTC with microseconds: "2026-11-21T23:19:25.000000Z".
ALDIS_API std::string format_timestamp(WallTime time);

}  // namespace aldis
