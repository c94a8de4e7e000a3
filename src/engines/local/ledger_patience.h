#pragma once
// How long one call on the ledger may still wait for others. Used by ledger.cc, ledger_desk.cc and ledger_report.cc;
// implemented in ledger_patience.cc.
//
// Model: the time begins with the first question, so a call that meets nobody reads no clock. Real time, whatever clock
// a test gives. Threads: one thread.

#include <chrono>
#include <type_traits>

#include "aldis/result.h"
#include "core/clock.h"
#include "core/fork_hold.h"

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

// Attempts until one is not deadline_exceeded or the patience is over; each under a ForkHold, the pauses without.
// `attempt(is_begun)` says when it has begun: then it is not made again. `give_up` makes the error of the end.
template <class Attempt, class GiveUp>
auto attempt_while_busy(LedgerPatience& patience, Attempt attempt, GiveUp give_up)
    -> std::invoke_result_t<Attempt&, bool&> {
  for (;;) {
    bool is_begun = false;
    {
      const ForkHold hold;
      auto answer = attempt(is_begun);
      if (answer || is_begun || answer.error().code != ErrorCode::deadline_exceeded) return answer;
    }
    if (!patience.pause()) return std::unexpected(give_up());
  }
}

}  // namespace aldis
