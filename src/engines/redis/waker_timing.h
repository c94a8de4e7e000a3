#pragma once
// How often the Redis waker does what. Header only; a value. The default is what a store uses; tests are in a hurry.

#include <chrono>

#include "aldis/limits.h"

namespace aldis {

struct RedisWakerTiming {
  std::chrono::nanoseconds recheck = limits::kRecheckRedis;                   // between two reads of all versions
  std::chrono::nanoseconds recheck_patience = limits::kRedisRecheckPatience;  // with one server
  std::chrono::nanoseconds ping_interval = limits::kRedisPingInterval;        // of silence, before the server is asked
  std::chrono::nanoseconds ping_patience = limits::kRedisPingPatience;  // with its answer; then the connection is dead
  std::chrono::nanoseconds linger = limits::kRedisLinger;               // of a channel, at least, after its listeners
  std::chrono::nanoseconds connect_patience = limits::kRedisConnectPatience;
};

}  // namespace aldis
