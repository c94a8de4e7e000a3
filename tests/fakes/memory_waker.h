#pragma once
// The twin of the doorbell: topics are counters under one mutex.
//
// Model: without a FakeClock `sleep` waits on a condition variable. With one it never waits: if nothing rang, it moves
// the clock by the whole of `at_most`, so a waiting call lives through hours in microseconds. Do not use that kind
// where another thread is to ring while somebody sleeps. It knows which rings were lost, so a recheck rings those
// alone: who sleeps longer than that depends on nothing else. Threads: safe from any thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/mutex.h"
#include "fakes/fake_clock.h"
#include "ports/waker.h"

namespace aldis::testing {

// What the in-memory stores call after a change; none: every mailbox.
using Ring = std::function<void(const std::optional<Topic>&)>;

class MemoryWaker final : public Waker {
 public:
  explicit MemoryWaker(std::shared_ptr<FakeClock> clock = nullptr,
                       std::chrono::nanoseconds recheck = std::chrono::seconds{1});

  std::unique_ptr<Subscription> subscribe(std::span<const Topic> topics) override;
  const Subscription& any() const override { return any_; }
  void sleep(const Subscription& subscription, std::uint64_t rings, std::chrono::nanoseconds at_most,
             const std::stop_token& stop) override;
  std::chrono::nanoseconds recheck_interval() const override { return recheck_; }

  void ring(const std::optional<Topic>& topic);
  // A ring that nobody hears before the recheck that follows.
  void lose(const std::optional<Topic>& topic);

  // How long each sleep so far was allowed to take.
  std::vector<std::chrono::nanoseconds> sleeps() const;

 private:
  using Counter = std::atomic<std::uint64_t>;
  class Listener final : public Subscription {
   public:
    explicit Listener(std::vector<std::shared_ptr<Counter>> counters) : counters_(std::move(counters)) {}
    std::uint64_t rings() const override;

   private:
    const std::vector<std::shared_ptr<Counter>> counters_;
  };

  void ring_key(const std::string& key) ALDIS_REQUIRES(mutex_);
  void sleep_until_rung(const Subscription& subscription, std::uint64_t rings, std::chrono::nanoseconds at_most,
                        const std::stop_token& stop) ALDIS_REQUIRES(mutex_);

  const std::shared_ptr<FakeClock> clock_;
  const std::chrono::nanoseconds recheck_;
  mutable Mutex mutex_;
  ConditionVariable rung_;
  std::map<std::string, std::weak_ptr<Counter>> counters_ ALDIS_GUARDED_BY(mutex_);
  std::vector<std::string> lost_ ALDIS_GUARDED_BY(mutex_);  // keys
  std::chrono::nanoseconds slept_since_lost_ ALDIS_GUARDED_BY(mutex_) = {};
  std::vector<std::chrono::nanoseconds> sleeps_ ALDIS_GUARDED_BY(mutex_);
  const std::shared_ptr<Counter> all_rings_ = std::make_shared<Counter>(0);
  const Listener any_{{all_rings_}};
};

}  // namespace aldis::testing
