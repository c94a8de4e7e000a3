#pragma once
// A MemoryWaker during whose sleeps things happen: one step a sleep, before the time passes. Header only. Threads: as
// MemoryWaker; the steps are one thread's.

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "fakes/memory_waker.h"

namespace aldis::testing {

class EventfulWaker final : public Waker {
 public:
  explicit EventfulWaker(std::shared_ptr<MemoryWaker> waker) : waker_(std::move(waker)) {}
  std::unique_ptr<Subscription> subscribe(std::span<const Topic> topics) override { return waker_->subscribe(topics); }
  const Subscription& any() const override { return waker_->any(); }
  void sleep(const Subscription& subscription, std::uint64_t rings, std::chrono::nanoseconds at_most,
             const std::stop_token& stop) override {
    ++sleeps;
    if (!steps.empty()) {
      const std::function<void()> step = std::move(steps.front());
      steps.pop_front();
      step();
    }
    waker_->sleep(subscription, rings, at_most, stop);
  }
  std::chrono::nanoseconds recheck_interval() const override { return waker_->recheck_interval(); }

  std::deque<std::function<void()>> steps;
  std::atomic<int> sleeps{0};

 private:
  const std::shared_ptr<MemoryWaker> waker_;
};

}  // namespace aldis::testing
