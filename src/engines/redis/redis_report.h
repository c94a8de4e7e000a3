#pragma once
// What the servers of a Redis store say about themselves. Used by `aldis doctor`; implemented in redis_report.cc.
//
// Model: each master is asked once, by connections of this call's own; nothing is changed. What an ACL hides is absent.
// Threads: safe from any thread.
// Errors: `problems` holds what stood in the way of asking; masters that answered are listed all the same.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/error.h"
#include "core/clock.h"
#include "engines/redis/redis_options.h"

namespace aldis {

struct RedisServerReport {
  std::string address;
  std::string version;  // empty: unknown
  std::optional<bool> append_only;
  std::string append_fsync;                  // always, everysec, no; empty: unknown
  std::optional<bool> snapshots;             // some `save` is configured
  std::optional<unsigned> idle_seconds_max;  // `timeout`; 0: idle connections stay
  bool persistence_failed = false;           // the last write of the append-only file or the last snapshot
  std::string eviction_policy;               // empty: unknown
  std::optional<std::uint64_t> memory_used;  // bytes
  std::uint64_t memory_max = 0;              // bytes; 0: no limit
  std::optional<unsigned> replicas;          // connected ones
  std::string cluster_state;                 // ok or fail; empty: no cluster
  unsigned slots_assigned = 0;
  std::chrono::nanoseconds latency{0};      // median round trip
  std::chrono::nanoseconds clock_ahead{0};  // of ours; negative: behind
};

struct RedisReport {
  RedisOptions options;
  std::vector<RedisServerReport> masters;
  std::vector<Error> problems;
};

RedisReport inspect_redis(std::string_view store_url, SteadyTime deadline, const Clock& clock);

}  // namespace aldis
