#pragma once
// Times in the ledger that a stepped clock does not move, and that a reboot does not lose. Used by the local approvals
// and events. Implemented in ledger_time.cc.
//
// Model: a moment is kept on two clocks: the boot clock of one boot (a row of the table boots) and the wall clock.
// While the host runs, the boot clock decides; after a reboot only the wall clock is left. Pure functions.

#include <chrono>
#include <cstdint>
#include <string>

#include "core/clock.h"

namespace aldis {

struct LedgerNow {
  std::int64_t boot = 0;  // row of this boot in the table boots; 0: nothing was written in this boot yet
  BootTime boot_time;
  WallTime wall;
};

// A moment that has been; three columns.
struct LedgerStamp {
  std::int64_t boot = 0;
  std::int64_t boot_ns = 0;
  std::int64_t wall_us = 0;
};

// A moment that will be; likewise.
struct LedgerDeadline {
  std::int64_t boot = 0;
  std::int64_t boot_ns = 0;
  std::int64_t wall_us = 0;
};

LedgerStamp stamp_of(const LedgerNow& now);
LedgerDeadline deadline_after(const LedgerNow& now, std::chrono::nanoseconds after);

// Negative when the deadline has passed.
std::chrono::nanoseconds remaining(const LedgerDeadline& deadline, const LedgerNow& now);
// Never negative.
std::chrono::nanoseconds age_of(const LedgerStamp& stamp, const LedgerNow& now);

inline WallTime wall_time(std::int64_t wall_us) { return WallTime{std::chrono::microseconds{wall_us}}; }
inline std::int64_t wall_us(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace aldis
