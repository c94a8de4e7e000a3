#pragma once
// Whether a store rings a topic, asked alike of engines that ring before a call returns and of those whose rings come
// over a connection. Header only.
//
// Model: a subscription may ring for no reason, so silence is shown by one call of several that nothing rang for.

#include <chrono>
#include <span>
#include <stop_token>

#include "contract/engines.h"

namespace aldis::testing {

class Listening {
 public:
  static constexpr int kCallsForSilence = 5;
  static constexpr auto kPatience = std::chrono::seconds{30};  // of a test that fails

  Listening(Waker& waker, const EngineKind& kind) : waker_(waker), rings_at_once_(kind.rings_at_once) {}

  // Whether it rang since `rings`, or will.
  bool hears(const Subscription& subscription, std::uint64_t rings) const {
    if (!rings_at_once_) waker_.sleep(subscription, rings, kPatience, {});
    return subscription.rings() != rings;
  }

  template <class Call>
  bool rings(std::span<const Topic> topics, Call call) const {
    const auto subscription = waker_.subscribe(topics);
    const std::uint64_t before = subscription->rings();
    call();
    return hears(*subscription, before);
  }
  template <class Call>
  bool rings(const Topic& topic, Call call) const {
    return rings(std::span(&topic, 1), call);
  }

  template <class Call>
  bool is_silent(const Topic& topic, Call call) const {
    const auto subscription = waker_.subscribe({&topic, 1});
    for (int calls = 0; calls < kCallsForSilence; ++calls) {
      const std::uint64_t before = subscription->rings();
      call();
      if (subscription->rings() == before) return true;
    }
    return false;
  }

 private:
  Waker& waker_;
  const bool rings_at_once_;
};

}  // namespace aldis::testing
