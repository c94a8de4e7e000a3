#include "engines/redis/redis_waker.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "core/fork_guard.h"
#include "core/mutex.h"
#include "core/worker_thread.h"
#include "engines/redis/groups.h"
#include "engines/redis/lot.h"
#include "engines/redis/subscriber.h"
#include "engines/redis/subscription_table.h"
#include "engines/redis/topic_channels.h"
#include "engines/redis/version_recheck.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// What the threads work on. They share it, so in a forked child, which has no such threads, it never goes: it holds
// what they may have been at.
struct Shared {
  Shared(std::shared_ptr<RedisClient> the_client, std::shared_ptr<const Clock> the_clock,
         const RedisWakerTiming& the_timing)
      : client(std::move(the_client)),
        clock(std::move(the_clock)),
        timing(the_timing),
        interval(draw_share(*clock, timing.recheck, 0.8, 1.2)),
        recheck(*client, table, *clock, timing, interval) {}

  const std::shared_ptr<RedisClient> client;
  const std::shared_ptr<const Clock> clock;
  const RedisWakerTiming timing;
  const nanoseconds interval;  // of this process: not all reread at the same moment
  const ForkGuard fork_guard;
  SubscriptionTable table;
  VersionRecheck recheck;
  std::unique_ptr<Subscriber> subscriber;  // made with the threads
};

// What sleep finds behind a subscription.
class Bell : public Subscription {
 public:
  explicit Bell(RingWord& word) : word_(word) {}

  std::uint64_t rings() const final { return word_.rings(); }
  RingWord& word() const { return word_; }

 private:
  RingWord& word_;
};

class RedisSubscription final : public Bell {
 public:
  RedisSubscription(Shared& shared, std::unique_ptr<SubscriptionTable::Ear> ear)
      : Bell(ear->word()), shared_(shared), ear_(std::move(ear)) {}
  ~RedisSubscription() override {
    if (!shared_.fork_guard.in_child()) shared_.table.leave(*ear_);
  }
  RedisSubscription(const RedisSubscription&) = delete;
  RedisSubscription& operator=(const RedisSubscription&) = delete;

 private:
  Shared& shared_;
  const std::unique_ptr<SubscriptionTable::Ear> ear_;
};

class RedisWaker final : public Waker {
 public:
  RedisWaker(std::shared_ptr<Shared> shared, std::string_view namespace_name)
      : shared_(std::move(shared)), groups_(namespace_name), any_(shared_->table.any()) {}
  ~RedisWaker() override;
  RedisWaker(const RedisWaker&) = delete;
  RedisWaker& operator=(const RedisWaker&) = delete;

  std::unique_ptr<Subscription> subscribe(std::span<const Topic> topics) override;
  const Subscription& any() const override { return any_; }
  void sleep(const Subscription& subscription, std::uint64_t rings, nanoseconds at_most,
             const std::stop_token& stop) override;
  nanoseconds recheck_interval() const override { return shared_->interval; }

 private:
  bool is_running();
  bool start() ALDIS_REQUIRES(mutex_);

  const std::shared_ptr<Shared> shared_;
  const Groups groups_;
  const Bell any_;
  std::atomic<bool> running_ = false;
  Mutex mutex_;
  std::thread subscriber_ ALDIS_GUARDED_BY(mutex_);
  std::thread recheck_ ALDIS_GUARDED_BY(mutex_);
};

RedisWaker::~RedisWaker() {
  if (shared_->fork_guard.in_child()) {
    forget_worker_thread(subscriber_);
    forget_worker_thread(recheck_);
    return;
  }
  if (shared_->subscriber != nullptr) shared_->subscriber->stop();
  shared_->recheck.stop();
  if (subscriber_.joinable()) subscriber_.join();
  if (recheck_.joinable()) recheck_.join();
}

std::unique_ptr<Subscription> RedisWaker::subscribe(std::span<const Topic> topics) {
  auto ear = std::make_unique<SubscriptionTable::Ear>();
  if (!shared_->fork_guard.in_child()) {
    std::vector<Hearing> hearings;
    for (const Topic& topic : topics) std::ranges::move(hearings_of(groups_, topic), std::back_inserter(hearings));
    const bool began = shared_->table.listen(*ear, std::move(hearings));
    if (is_running() && began) shared_->subscriber->poke();
  }
  return std::make_unique<RedisSubscription>(*shared_, std::move(ear));
}

void RedisWaker::sleep(const Subscription& subscription, std::uint64_t rings, nanoseconds at_most,
                       const std::stop_token& stop) {
  if (shared_->fork_guard.in_child()) return;
  RingWord& word = static_cast<const Bell&>(subscription).word();
  if (is_running()) return word.sleep(static_cast<std::uint32_t>(rings), at_most, stop);
  word.sleep(static_cast<std::uint32_t>(rings), std::min(at_most, shared_->interval), stop);
  word.ring();
}

bool RedisWaker::is_running() {
  if (running_.load(std::memory_order_acquire)) return true;
  const MutexLock lock(mutex_);
  return start();
}

bool RedisWaker::start() {
  if (shared_->subscriber == nullptr) {
    auto made = Subscriber::make(
        {shared_->table, shared_->client->topology(), *shared_->clock, shared_->timing, shared_->client});
    if (!made) return false;
    shared_->subscriber = *std::move(made);
  }
  if (!subscriber_.joinable()) {
    auto started = start_worker_thread([shared = shared_] { shared->subscriber->run(); });
    if (!started) return false;
    subscriber_ = *std::move(started);
  }
  if (!recheck_.joinable()) {
    auto started = start_worker_thread([shared = shared_] { shared->recheck.run(); });
    if (!started) return false;
    recheck_ = *std::move(started);
  }
  shared_->subscriber->poke();
  running_.store(true, std::memory_order_release);
  return true;
}

}  // namespace

std::shared_ptr<Waker> make_redis_waker(std::shared_ptr<RedisClient> client, std::string_view namespace_name,
                                        std::shared_ptr<const Clock> clock, const RedisWakerTiming& timing) {
  auto shared = std::make_shared<Shared>(std::move(client), std::move(clock), timing);
  return std::make_shared<RedisWaker>(std::move(shared), namespace_name);
}

}  // namespace aldis
