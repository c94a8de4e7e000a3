#pragma once
// Which streams a namespace has, and how many events could not be published: what a process tells and asks the one
// group of keys that all streams share. Used by redis_events.cc and redis_event_groups.cc; implemented in
// stream_registry.cc and scripts/event_register.lua, event_count_dropped.lua.
//
// Model: a stream is registered before a process uses it first, and again every limits::kRedisStreamRegistration while
// it does; so none with events is unknown for longer, even if the registry was lost. One that nobody registered for
// limits::kStreamIdle and a bit leaves: by then its own keys are gone. Threads: safe from any thread. Errors: the
// client's; resource_exhausted beyond limits::kStreamsMax.

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

  // Once it succeeded the stream is listed. Without a call if that was told lately.
  Result<void> announce(std::string_view type, std::optional<std::chrono::nanoseconds> at_most = {});
  // For a stream that is there. Tried once in the interval; a failure is for the next time.
  void announce_again(std::string_view type);

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
  bool was_told(std::string_view type) const;
  void note(std::string_view type);
  Result<void> tell(std::string_view type, std::optional<std::chrono::nanoseconds> at_most);

  const std::shared_ptr<RedisClient> client_;
  const std::string group_;
  const std::shared_ptr<const Clock> clock_;
  mutable Mutex mutex_;
  std::uint64_t dropped_ ALDIS_GUARDED_BY(mutex_) = 0;  // nobody was told of them
  std::optional<Telling> telling_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::string, BootTime, std::less<>> told_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace aldis
