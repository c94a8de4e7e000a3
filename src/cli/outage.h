#pragma once
// What a command that follows a store does while the store is away. Used by `approvals watch` and `events tail
// --follow`; implemented in outage.cc.
//
// Model: the first failure is told on stderr, the next ones are not until it worked again. Between two attempts it
// pauses, longer each time, or until it is to stop. Threads: one thread. Errors: none.

#include <chrono>
#include <stop_token>

#include "aldis/error.h"

namespace aldis::cli {

class Outage {
 public:
  explicit Outage(std::stop_token stop) : stop_(std::move(stop)) {}

  // After a failure. False, at once: trying again does not help.
  bool outlast(const Error& error);
  // After one that passes whatever it is.
  void wait(const Error& error);
  // It works.
  void end() { pause_ = {}; }

 private:
  const std::stop_token stop_;
  std::chrono::nanoseconds pause_{};  // after the last failure; 0: there was none since it worked
};

}  // namespace aldis::cli
