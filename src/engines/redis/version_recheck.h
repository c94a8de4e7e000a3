#pragma once
// Finds what was published and not heard: a connection broke, a server was busy failing over. Used by redis_waker.cc;
// implemented in version_recheck.cc.
//
// Model: every so often a thread reads the versions of all channels that somebody listens to, a server after the other,
// and rings those that are not as they were. Where a server cannot be asked its channels ring too: the waiters then
// hear from the store itself what is wrong. Servers that failed come last the next time, so that they delay nobody.
// Threads: `run` is the thread's; `stop` is safe from any. Errors: none.

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "core/clock.h"
#include "core/ring_word.h"
#include "engines/redis/client.h"
#include "engines/redis/endpoint.h"
#include "engines/redis/subscription_table.h"
#include "engines/redis/waker_timing.h"

namespace aldis {

class VersionRecheck {
 public:
  // All that is given outlives it. The interval is this process's own, about that of the timing.
  VersionRecheck(RedisClient& client, SubscriptionTable& table, const Clock& clock, const RedisWakerTiming& timing,
                 std::chrono::nanoseconds interval);

  // Until `stop`, which does not wait for the read that is under way.
  void run();
  void stop();

 private:
  using Channels = std::vector<std::shared_ptr<const Channel>>;
  using ByServer = std::map<Endpoint, Channels>;
  using Part = std::span<const std::shared_ptr<const Channel>>;

  void check_all();
  ByServer share_out();
  bool check_server(Part channels);
  bool check(Part channels);
  void note_unread(Part channels);

  RedisClient& client_;
  SubscriptionTable& table_;
  const Clock& clock_;
  const RedisWakerTiming& timing_;
  const std::chrono::nanoseconds interval_;
  RingWord bell_;  // rings at the end
  std::atomic<bool> stopped_ = false;
  std::set<Endpoint> failed_;  // the last time
};

}  // namespace aldis
