#include "engines/redis/call_attempts.h"

#include <algorithm>
#include <utility>

#include "aldis/limits.h"
#include "core/bytes.h"
#include "core/failure.h"
#include "core/ids.h"
#include "core/mutex.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

constexpr int kAttemptsPerCall = 3;
constexpr std::string_view kUnreachable = "is the server running, and is its address right?";

// In [0, 1): from the random half of an id.
double draw_lot(const Clock& clock) {
  const Id128 id = make_id(clock.wall_now());
  const auto bits = ByteReader({reinterpret_cast<const char*>(id.bytes.data()) + 8, 8}).number<std::uint64_t>();
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

nanoseconds pause_bound(unsigned failures) {
  nanoseconds bound = limits::kRedisPauseMin;
  for (unsigned i = 1; i < failures && bound < limits::kRedisPauseMax; ++i) bound *= 2;
  return std::min(bound, limits::kRedisPauseMax);
}

CallAttempts::CallAttempts(const Clock& clock, nanoseconds timeout, bool divided)
    : clock_(clock), begin_(clock.steady_now()), deadline_(begin_ + timeout), divided_(divided) {}

SteadyTime CallAttempts::attempt_deadline() const {
  if (!divided_) return deadline_;
  const nanoseconds share = std::min<nanoseconds>((deadline_ - begin_) / kAttemptsPerCall, limits::kRedisSilenceMax);
  return std::min(deadline_, clock_.steady_now() + share);
}

void CallAttempts::fail_by(std::string cause, std::string_view advice) {
  must_pause_ = true;
  if (!cause_.empty() && clock_.steady_now() >= deadline_) return;  // it was cut short: what was before says more
  cause_ = std::move(cause);
  advice_ = advice;
}

void CallAttempts::fail_by(const Error& error) { fail_by(error.message, kUnreachable); }

void CallAttempts::turn_away(std::string cause, std::string_view advice) {
  fail_by(std::move(cause), advice.empty() ? kUnreachable : advice);
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
  return make_error(ErrorCode::unavailable, "{} (attempts: {}, within {:.1f} s){}{}", cause_, attempts_ - 1,
                    spent.count(), advice_.empty() ? "" : ": ", advice_);
}

void CallAttempts::pause() {
  ++failures_;
  const double lot = draw_lot(clock_);
  const nanoseconds drawn{static_cast<nanoseconds::rep>(static_cast<double>(pause_bound(failures_).count()) * lot)};
  const SteadyTime end = std::min(clock_.steady_now() + drawn, deadline_);
  Mutex mutex;
  ConditionVariable nobody_calls;
  const MutexLock lock(mutex);
  for (SteadyTime now = clock_.steady_now(); now < end; now = clock_.steady_now()) {
    nobody_calls.wait_for(mutex, end - now);
  }
}

}  // namespace aldis
