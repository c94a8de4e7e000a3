#pragma once
// How long one call on the ledger may still wait for others. Header: ledger_patience.h; implemented in
// ledger_patience.cc; used by ledger.cc and ledger_desk.cc.
//
// Model: the time begins with the first question, so a call that meets nobody reads no clock. Real time, whatever clock
// a test gives. Threads: one thread.

#include <chrono>

#include "core/clock.h"

namespace aldis {

class LedgerPatience {
 public:
  explicit LedgerPatience(std::chrono::nanoseconds at_most) : at_most_(at_most) {}

  std::chrono::nanoseconds at_most() const { return at_most_; }
  // Zero when it is over.
  std::chrono::nanoseconds left();
  // Sleeps for a moment, longer each time up to a millisecond. False, at once: it is over.
  bool pause();

 private:
  const SystemClock clock_;
  const std::chrono::nanoseconds at_most_;
  SteadyTime deadline_ = SteadyTime::max();
  int pauses_ = 0;
};

}  // namespace aldis
