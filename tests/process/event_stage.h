#pragma once
// A store with processes that publish, follow and work off events (event_worker.cc), for the event tests. Implemented
// in event_stage.cc.
//
// Model: "local", or a Redis server of the stage's own. Roles, their arguments and what they say are in
// event_worker.cc. Threads: one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "aldis/events.h"
#include "fleet.h"
#include "redis/server.h"

namespace aldis::testing {

class EventStage {
 public:
  explicit EventStage(std::string_view kind);  // "local" or "redis"

  Fleet& fleet() { return *fleet_; }
  std::string directory() const { return fleet_->options().runtime_directory; }

  // Of this process. It joins anew, so nothing stays open between two calls.
  EventStreamer events() const { return EventStreamer(fleet_->join()); }
  void publish(const std::string& type, int count = 1) const;
  void keep(const std::string& type, std::uint64_t max_length) const;

  pid_t start(Words arguments, const Words& environment = {});
  // The next line of anybody; fails the test unless it begins with that word. The words behind it.
  Words hear(std::string_view word);
  // What a worker says that begins with "ready", heard already.
  pid_t start_ready(Words arguments);

  // Returns when the process is stopped.
  static void stop(pid_t pid);
  static void wait_until_stopped(pid_t pid);
  static void go_on(pid_t pid);

 private:
  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<Fleet> fleet_;
};

std::uint64_t to_ordinal(const std::string& text);
// Of "<ms>-<ordinal>".
std::uint64_t ordinal_of_id(const std::string& event_id);
std::uint64_t ms_of_id(const std::string& event_id);
// "1" to "9", as a worker says them.
Words ordinals_between(std::uint64_t first, std::uint64_t last);

}  // namespace aldis::testing
