#pragma once
// Waiting on a real server, for the tests of the waker and of its subscriber. Header only.
//
// Model: nothing is rechecked unless the test says so: what rings was heard. Threads: safe from any thread.

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/format.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_waker.h"
#include "engines/redis/store_url.h"
#include "redis/eventually.h"
#include "redis/server.h"

namespace aldis::testing {

inline constexpr std::string_view kNamespace = "waking";
inline constexpr std::chrono::nanoseconds kNever = std::chrono::hours{1};

inline std::shared_ptr<RedisClient> client_of(const std::string& url,
                                              std::chrono::nanoseconds call_timeout = std::chrono::seconds{5}) {
  Result<RedisOptions> options = parse_store_url(url);
  if (!options) ADD_FAILURE() << options.error().message;
  auto client = RedisClient::open(*std::move(options), call_timeout, std::make_shared<SystemClock>());
  if (!client) ADD_FAILURE() << client.error().message;
  return client.value_or(nullptr);
}

class Waking {
 public:
  explicit Waking(const std::string& url, const RedisWakerTiming& timing = {.recheck = kNever})
      : Waking(client_of(url), timing) {}
  explicit Waking(std::shared_ptr<RedisClient> client, const RedisWakerTiming& timing)
      : waker_(make_redis_waker(std::move(client), kNamespace, std::make_shared<SystemClock>(), timing)) {}

  Waker& waker() const { return *waker_; }
  Waker* operator->() const { return waker_.get(); }

  std::unique_ptr<Subscription> subscribe(std::initializer_list<Topic> topics) const {
    return waker_->subscribe(std::vector<Topic>(topics));
  }

  // Whether it has rung since it said `rings`, or does in time.
  bool rings(const Subscription& subscription, std::uint64_t since,
             std::chrono::nanoseconds patience = kServerPatience) const {
    const SteadyTime end = SystemClock{}.steady_now() + patience;
    while (subscription.rings() == since) {
      const std::chrono::nanoseconds left = end - SystemClock{}.steady_now();
      if (left <= std::chrono::nanoseconds::zero()) return false;
      waker_->sleep(subscription, since, left, {});
    }
    return true;
  }

  void end() { waker_.reset(); }

  // What was subscribed before is confirmed and has rung, where one server holds everything: it answers in order.
  void settle() const {
    const auto last = subscribe({{Topic::Kind::signal, next_signal()}});
    EXPECT_TRUE(rings(*last, 0)) << "no confirmation";
  }

 private:
  std::string next_signal() const { return fmt::format("{:026}", ++signals_); }

  std::shared_ptr<Waker> waker_;
  mutable std::uint64_t signals_ = 0;
};

inline Topic mailbox(std::string_view agent) { return {Topic::Kind::mailbox, agent}; }
inline Topic agent(std::string_view name) { return {Topic::Kind::agent, name}; }

inline std::string mailbox_channel(std::string_view agent) {
  return fmt::format("{}!a:{}", Groups(kNamespace).mailbox(agent), agent);
}
inline std::string broadcast_channel() { return Groups(kNamespace).broadcasts() + "!"; }
inline std::string heartbeat_channel(std::string_view agent) { return Groups(kNamespace).heartbeats(agent) + "!"; }

}  // namespace aldis::testing
