#pragma once
// A bell of this process that any number of threads sleep on: one futex word. Used by the Redis waker; implemented in
// ring_word.cc.
//
// Model: the lowest bit of the word says that somebody sleeps on it, the others count rings, so ringing a bell that
// nobody sleeps on is one atomic operation. It has nothing to destroy: what a forked child inherits, sleepers of the
// parent included, may simply go. Threads: safe from any thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>

namespace aldis {

class RingWord {
 public:
  // Changes with each ring.
  std::uint32_t rings() const { return word_.load() & ~kSleeper; }
  void ring();

  // Until it has rung since it said `rings`, `at_most` has passed, or `stop` is requested (which rings).
  void sleep(std::uint32_t rings, std::chrono::nanoseconds at_most, const std::stop_token& stop);

 private:
  static constexpr std::uint32_t kSleeper = 1;
  static constexpr std::uint32_t kOneRing = 2;

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace aldis
