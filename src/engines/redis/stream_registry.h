#pragma once
// Which streams a namespace has, and how many events could not be published: what a process tells and asks the one
// group of keys that all streams share. Used by redis_events.cc and redis_event_groups.cc; implemented in
// stream_registry.cc and scripts/event_register.lua, event_count_dropped.lua.
//
// Model: a stream is registered before anybody makes it, and again by each process that uses it, every
// limits::kRedisStreamRegistration while it does; so one that is used is soon known again if the registry was lost,
// which in a cluster can happen to it alone. One that nobody registered for limits::kStreamIdle and a bit leaves: by
// then its own keys are gone. Threads: safe from any thread. Errors: the client's; resource_exhausted beyond
// limits::kStreamsMax.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/mutex.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"

namespace aldis {

class StreamRegistry {
 public:
  // `clock` times what this process told lately.
  StreamRegistry(std::shared_ptr<RedisClient> client, const Groups& groups, std::shared_ptr<const Clock> clock);

  // For a stream that is about to be made. Once it succeeded the stream is listed, and whoever waits for all of them
  // knows.
  Result<void> announce(std::string_view type, std::optional<std::chrono::nanoseconds> at_most = {});
  // For one that is there, after the call that used it: without a call of its own if that was told lately. It is as
  // well later: after a server that did not answer, no stream is told of for an interval.
  void announce_again(std::string_view type, std::chrono::nanoseconds at_most);

  Result<std::vector<std::string>> types();  // in byte order

  void count_dropped(std::uint64_t events);
  // What was counted, to the registry. What is not answered stays counted here, and is told again under the same name.
  void hand_on_dropped(std::chrono::nanoseconds at_most);
  Result<std::uint64_t> dropped();

 private:
  struct Telling {
    std::string call_id;
    std::uint64_t events = 0;
  };
  std::optional<Telling> begin_telling();
  void end_telling(const Telling& told);
  bool begin_again(std::string_view type);
  void note(std::string_view type) ALDIS_REQUIRES(mutex_);
  Result<Reply> tell(std::string_view type, Durability durability, std::optional<std::chrono::nanoseconds> at_most);

  const std::shared_ptr<RedisClient> client_;
  const std::string group_;
  const std::shared_ptr<const Clock> clock_;
  mutable Mutex mutex_;
  std::uint64_t dropped_ ALDIS_GUARDED_BY(mutex_) = 0;  // nobody was told of them
  std::optional<Telling> telling_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::string, BootTime, std::less<>> told_ ALDIS_GUARDED_BY(mutex_);
  std::optional<BootTime> went_unheard_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace aldis
