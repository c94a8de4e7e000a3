#pragma once
// How much of a call's time is left, where a call takes several. Used by redis_events.cc and redis_event_groups.cc.
// Header only.
//
// Model: it begins when it is made. Threads: one thread.

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/clock.h"

namespace aldis {

class Patience {
 public:
  // `at_most`: a patience of the caller's own; none: the call timeout.
  Patience(const Clock& clock, std::optional<std::chrono::nanoseconds> at_most, std::chrono::nanoseconds call_timeout)
      : clock_(clock),
        begin_(clock.steady_now()),
        whole_(std::min(at_most.value_or(call_timeout), call_timeout)),
        is_own_(at_most.has_value()) {}

  std::chrono::nanoseconds left() const {
    return std::max(whole_ - (clock_.steady_now() - begin_), std::chrono::nanoseconds{0});
  }
  // None: the caller has no patience of its own.
  std::optional<std::chrono::nanoseconds> own_left() const { return is_own_ ? std::optional(left()) : std::nullopt; }

 private:
  const Clock& clock_;
  const SteadyTime begin_;
  const std::chrono::nanoseconds whole_;
  const bool is_own_;
};

}  // namespace aldis
