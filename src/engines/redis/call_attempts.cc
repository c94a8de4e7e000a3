#include "engines/redis/call_attempts.h"

#include <algorithm>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/mutex.h"
#include "engines/redis/lot.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

constexpr int kAttemptsPerCall = 3;

}  // namespace

nanoseconds pause_bound(unsigned failures) {
  nanoseconds bound = limits::kRedisPauseMin;
  for (unsigned i = 1; i < failures && bound < limits::kRedisPauseMax; ++i) bound *= 2;
  return std::min(bound, limits::kRedisPauseMax);
}

CallAttempts::CallAttempts(const Clock& clock, nanoseconds timeout, bool divided)
    : clock_(clock), begin_(clock.steady_now()), deadline_(begin_ + timeout), divided_(divided) {}

SteadyTime CallAttempts::attempt_deadline(bool in_part) const {
  if (!divided_ && !in_part) return deadline_;
  const nanoseconds share = std::min<nanoseconds>((deadline_ - begin_) / kAttemptsPerCall, limits::kRedisSilenceMax);
  return std::min(deadline_, clock_.steady_now() + share);
}

void CallAttempts::fail_by(std::string cause, std::string_view advice) {
  must_pause_ = true;
  if (!cause_.empty() && clock_.steady_now() >= deadline_) return;  // it was cut short: what was before says more
  cause_ = std::move(cause);
  advice_ = advice;
}

void CallAttempts::turn_away(std::string cause, std::string_view advice) {
  fail_by(std::move(cause), advice);
  must_pause_ = ++turned_away_ > limits::kRedisRedirectsMax;
}

bool CallAttempts::go_on() {
  if (must_pause_) pause();
  must_pause_ = false;
  ++attempts_;
  return clock_.steady_now() < deadline_;
}

Error CallAttempts::failure() const {
  const std::chrono::duration<double> spent = deadline_ - begin_;
  return make_error(ErrorCode::unavailable, "{} (attempts: {}, within {:.1f} s{}){}{}", cause_, attempts_ - 1,
                    spent.count(), in_doubt_ ? "; it may have been done" : "", advice_.empty() ? "" : ": ", advice_);
}

Error CallAttempts::failure_by(Error final) const {
  if (in_doubt_) final.message += " (an attempt before may have been done)";
  return final;
}

void CallAttempts::pause() {
  ++failures_;
  const nanoseconds drawn = draw_share(clock_, pause_bound(failures_), 0, 1);
  const SteadyTime end = std::min(clock_.steady_now() + drawn, deadline_);
  Mutex mutex;
  ConditionVariable nobody_calls;
  const MutexLock lock(mutex);
  for (SteadyTime now = clock_.steady_now(); now < end; now = clock_.steady_now()) {
    nobody_calls.wait_for(mutex, end - now);
  }
}

}  // namespace aldis
