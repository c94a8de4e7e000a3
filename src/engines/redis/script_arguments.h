#pragma once
// How values become arguments of scripts. Used by the engines that run them. Header only. Threads: pure functions.

#include <chrono>
#include <string>

#include "core/ids.h"
#include "engines/redis/client.h"

namespace aldis {

// Rounded up, so that nothing ends early.
inline std::string microseconds_text(std::chrono::nanoseconds duration) {
  return std::to_string(std::chrono::ceil<std::chrono::microseconds>(duration).count());
}

inline std::string milliseconds_text(std::chrono::nanoseconds duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

// The 26 characters by which keys and answers name something.
inline std::string short_id(const Id128& id) { return format_id("", id); }

// How long a script remembers the answer to a call: for as long as the client may repeat it, and on the safe side.
inline std::chrono::nanoseconds operation_kept(const RedisClient& client) {
  return client.call_timeout() + std::chrono::seconds{1};
}

}  // namespace aldis
