#include "fakes/memory_waker.h"

#include <algorithm>

namespace aldis::testing {
namespace {

constexpr std::uint32_t kEverything = 0;  // counts every ring
constexpr std::uint32_t kHeartbeats = 1;

}  // namespace

MemoryWaker::MemoryWaker(std::shared_ptr<FakeClock> clock, std::chrono::nanoseconds recheck)
    : clock_(std::move(clock)), recheck_(recheck), counts_{0, 0} {}

std::uint32_t MemoryWaker::channel_of(const Topic& topic) {
  if (topic.kind == Topic::Kind::everything) return kEverything;
  if (topic.kind == Topic::Kind::heartbeats) return kHeartbeats;
  const auto next = static_cast<std::uint32_t>(counts_.size());
  const auto [found, inserted] = channels_.try_emplace(std::string(topic.agent), next);
  if (inserted) counts_.push_back(0);
  return found->second;
}

bool MemoryWaker::rang_since(const Listening& listening) { return counts_[listening.channel] != listening.value; }

Listening MemoryWaker::listen(const Topic& topic) {
  const MutexLock lock(mutex_);
  const std::uint32_t channel = channel_of(topic);
  return {channel, counts_[channel]};
}

void MemoryWaker::sleep(const Listening& listening, std::chrono::nanoseconds at_most, const std::stop_token& stop) {
  const MutexLock lock(mutex_);
  sleeps_.push_back(at_most);
  if (clock_) {
    if (!rang_since(listening) && !stop.stop_requested()) clock_->advance(at_most);
    return;
  }
  rung_.wait_for(mutex_, stop, at_most, [&]() ALDIS_REQUIRES(mutex_) { return rang_since(listening); });
}

void MemoryWaker::ring(const Topic& topic) {
  const MutexLock lock(mutex_);
  if (topic.kind == Topic::Kind::everything) {
    std::ranges::for_each(counts_, [](std::uint32_t& count) { ++count; });
  } else {
    ++counts_[channel_of(topic)];
    ++counts_[kEverything];
  }
  rung_.notify_all();
}

std::vector<std::chrono::nanoseconds> MemoryWaker::sleeps() const {
  const MutexLock lock(mutex_);
  return sleeps_;
}

}  // namespace aldis::testing
