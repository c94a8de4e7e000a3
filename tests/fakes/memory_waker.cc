#include "fakes/memory_waker.h"

#include <algorithm>

namespace aldis::testing {
namespace {

constexpr char kMailbox = 'm';

std::string key_of(const Topic& topic) {
  switch (topic.kind) {
    case Topic::Kind::mailbox:
      return kMailbox + std::string(topic.name);
    case Topic::Kind::agent:
      return 'a' + std::string(topic.name);
    case Topic::Kind::heartbeats:
      return "h";
    case Topic::Kind::signal:
      return 's' + std::string(topic.name);
    case Topic::Kind::approval:
      return 'p' + std::string(topic.name);
    case Topic::Kind::approvals:
      return "P";
    case Topic::Kind::stream:
      return 'e' + std::string(topic.name);
    case Topic::Kind::streams:
      return "E";
  }
  return {};
}

// "": every mailbox.
std::string key_of(const std::optional<Topic>& topic) { return topic ? key_of(*topic) : std::string(); }

}  // namespace

std::uint64_t MemoryWaker::Listener::rings() const {
  std::uint64_t rings = 0;
  for (const auto& counter : counters_) rings += *counter;
  return rings;
}

MemoryWaker::MemoryWaker(std::shared_ptr<FakeClock> clock, std::chrono::nanoseconds recheck)
    : clock_(std::move(clock)), recheck_(recheck) {}

std::unique_ptr<Subscription> MemoryWaker::subscribe(std::span<const Topic> topics) {
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Counter>> counters;
  for (const Topic& topic : topics) {
    std::weak_ptr<Counter>& known = counters_[key_of(topic)];
    counters.push_back(known.expired() ? std::make_shared<Counter>(0) : known.lock());
    known = counters.back();
  }
  return std::make_unique<Listener>(std::move(counters));
}

void MemoryWaker::sleep(const Subscription& subscription, std::uint64_t rings, std::chrono::nanoseconds at_most,
                        const std::stop_token& stop) {
  const MutexLock lock(mutex_);
  sleeps_.push_back(at_most);
  std::chrono::nanoseconds left = at_most;
  if (!lost_.empty()) {
    const std::chrono::nanoseconds first = std::min(left, recheck_ - slept_since_lost_);
    sleep_until_rung(subscription, rings, first, stop);
    left -= first;
    slept_since_lost_ += first;
    if (slept_since_lost_ < recheck_) return;
    for (const std::string& key : std::exchange(lost_, {})) ring_key(key);
  }
  sleep_until_rung(subscription, rings, left, stop);
}

void MemoryWaker::sleep_until_rung(const Subscription& subscription, std::uint64_t rings,
                                   std::chrono::nanoseconds at_most, const std::stop_token& stop) {
  if (!clock_) {
    rung_.wait_for(mutex_, stop, at_most, [&] { return subscription.rings() != rings; });
  } else if (subscription.rings() == rings && !stop.stop_requested()) {
    clock_->advance(at_most);
  }
}

void MemoryWaker::ring_key(const std::string& key) {
  const auto concerns = [&](const std::string& other) {
    return key.empty() ? other.front() == kMailbox : other == key;
  };
  bool heard = false;
  for (auto known = counters_.begin(); known != counters_.end();) {
    const std::shared_ptr<Counter> counter = known->second.lock();
    if (counter && concerns(known->first)) {
      ++*counter;
      heard = true;
    }
    known = counter ? std::next(known) : counters_.erase(known);
  }
  if (heard) ++*all_rings_;
}

void MemoryWaker::ring(const std::optional<Topic>& topic) {
  const MutexLock lock(mutex_);
  ring_key(key_of(topic));
  rung_.notify_all();
}

void MemoryWaker::lose(const std::optional<Topic>& topic) {
  const MutexLock lock(mutex_);
  if (lost_.empty()) slept_since_lost_ = {};
  lost_.push_back(key_of(topic));
}

std::vector<std::chrono::nanoseconds> MemoryWaker::sleeps() const {
  const MutexLock lock(mutex_);
  return sleeps_;
}

}  // namespace aldis::testing
