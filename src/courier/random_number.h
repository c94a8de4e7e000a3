#pragma once
// A random number, for names, nonces and jitter. Used by batches.cc and delivery.cc. Header only.
//
// Model: the random half of an id, 64 bits from the kernel. Threads: safe from any thread.

#include <chrono>
#include <cstdint>

#include "core/bytes.h"
#include "core/ids.h"

namespace aldis::courier {

inline std::uint64_t random_number(std::chrono::sys_seconds now) {
  const Id128 id = make_id(now);
  return ByteReader({reinterpret_cast<const char*>(id.bytes.data()) + 8, 8}).number<std::uint64_t>();
}

}  // namespace aldis::courier
