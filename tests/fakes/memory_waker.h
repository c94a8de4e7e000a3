#pragma once
// The twin of the doorbell: topics are counters under one mutex.
//
// Model: without a FakeClock `sleep` waits on a condition variable. With one it never waits: if the topic has not rung
// since `listen`, it moves the clock by the whole of `at_most`, so a waiting call lives through hours in microseconds.
// Do not use that kind where another thread is to ring while somebody sleeps. Threads: safe from any thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/mutex.h"
#include "fakes/fake_clock.h"
#include "ports/waker.h"

namespace aldis::testing {

// What the in-memory stores call after a change.
using Ring = std::function<void(const Topic&)>;

class MemoryWaker final : public Waker {
 public:
  explicit MemoryWaker(std::shared_ptr<FakeClock> clock = nullptr,
                       std::chrono::nanoseconds recheck = std::chrono::seconds{1});

  Listening listen(const Topic& topic) override;
  void sleep(const Listening& listening, std::chrono::nanoseconds at_most, const std::stop_token& stop) override;
  std::chrono::nanoseconds recheck_interval() const override { return recheck_; }

  // Kind::everything wakes everybody; a listener to everything is woken by every ring.
  void ring(const Topic& topic);

  // How long each sleep so far was allowed to take.
  std::vector<std::chrono::nanoseconds> sleeps() const;

 private:
  std::uint32_t channel_of(const Topic& topic) ALDIS_REQUIRES(mutex_);
  bool rang_since(const Listening& listening) ALDIS_REQUIRES(mutex_);

  const std::shared_ptr<FakeClock> clock_;
  const std::chrono::nanoseconds recheck_;
  mutable Mutex mutex_;
  ConditionVariable rung_;
  std::map<std::string, std::uint32_t, std::less<>> channels_ ALDIS_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> counts_ ALDIS_GUARDED_BY(mutex_);
  std::vector<std::chrono::nanoseconds> sleeps_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace aldis::testing
