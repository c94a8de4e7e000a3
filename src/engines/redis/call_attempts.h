#pragma once
// One call's time, its attempts, and what they failed by. Used by client.cc; implemented in call_attempts.cc.
//
// Model: between attempts there is a pause whose bound doubles from kRedisPauseMin to kRedisPauseMax, and whose length
// is drawn by lot below it, so that the callers of a server that comes back do not come all at once. Some trouble costs
// no pause, kRedisRedirectsMax times: a redirection, a connection that died idle. Threads: one thread; but
// `pause_bound` is pure. Limits: those named, and kRedisSilenceMax.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "aldis/error.h"
#include "core/clock.h"

namespace aldis {

// How long the pause after the `failures`th failure can be.
std::chrono::nanoseconds pause_bound(unsigned failures);

class CallAttempts {
 public:
  // `divided`: an attempt gets a part of the time, as the next one may find a server that answers.
  CallAttempts(const Clock& clock, std::chrono::nanoseconds timeout, bool divided);

  // `in_part`: of an attempt that gets a part of the time in any case, as what it goes by may be dead unnoticed.
  SteadyTime attempt_deadline(bool in_part = false) const;

  // What an attempt failed by, as a sentence that names the server, and what the user can do about it if the sentence
  // does not say so itself.
  void fail_by(std::string cause, std::string_view advice = {});
  // The same, for trouble that the next attempt need not wait for.
  void turn_away(std::string cause, std::string_view advice = {});

  // An attempt to change something was sent, and its end is not known.
  void leave_in_doubt() { in_doubt_ = true; }

  // Pauses if the attempt failed. False: the time is over.
  bool go_on();

  Error failure() const;                // after go_on said so
  Error failure_by(Error final) const;  // that no other attempt would cure

 private:
  void pause();

  const Clock& clock_;
  const SteadyTime begin_;
  const SteadyTime deadline_;
  const bool divided_;
  std::string cause_;
  std::string_view advice_;
  unsigned attempts_ = 1;
  unsigned failures_ = 0;
  std::size_t turned_away_ = 0;
  bool must_pause_ = false;
  bool in_doubt_ = false;
};

}  // namespace aldis
