#pragma once
// How long from a send in one process to the take in another. Used by the wake-up rows; implemented in stage.cc.
//
// Threads: one thread; `record_take` from the reading process.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "measure.h"

namespace aldis::bench {

inline constexpr std::size_t kWakeUpRounds = 3'000;

class Stage {
 public:
  Stage();
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Runs `reader` in a child, which calls record_take once a round; times from just before `send` to the reader's take.
  Samples run(const std::function<void()>& reader, const std::function<void(std::size_t round)>& send);
  void record_take();

  // A word that both processes see, for a yardstick that wakes by futex.
  std::atomic<std::uint32_t>& bell() { return shared_->bell; }

 private:
  struct Shared {
    std::atomic<std::uint32_t> bell{0};
    std::atomic<std::uint32_t> taken{0};
    std::atomic<std::int64_t> taken_at{0};
  };

  Shared* shared_;
};

}  // namespace aldis::bench
