#pragma once
// Where a signal lives, said by its id, so that a store that is spread over several places finds it by the id alone.
// Used by src/domain/signals.cc, which makes the ids, and by the engines. Header only; the layout is in
// docs/formats.md.
//
// Model: the last two bytes of an id are not random. The lowest bit of byte 14 is 1 for a broadcast, 0 for a targeted
// signal; byte 15 is the shard of the target's mailbox, 0 for a broadcast. 71 random bits remain.
// Threads: pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/fnv.h"
#include "core/ids.h"

namespace aldis {

// FNV-1a of the name, 64 bits, whose eight bytes are folded into one by exclusive or.
constexpr std::uint8_t mailbox_shard(std::string_view agent) {
  std::uint64_t hash = fnv1a_64(agent);
  hash ^= hash >> 32;
  hash ^= hash >> 16;
  hash ^= hash >> 8;
  return static_cast<std::uint8_t>(hash);
}

// `id` with the address of a signal to `target`; none: of a broadcast.
constexpr Id128 address_signal(Id128 id, std::optional<std::string_view> target) {
  id.bytes[14] = static_cast<std::uint8_t>((id.bytes[14] & 0xfe) | (target ? 0 : 1));
  id.bytes[15] = target ? mailbox_shard(*target) : std::uint8_t{0};
  return id;
}

constexpr bool is_broadcast_id(const Id128& id) { return (id.bytes[14] & 1) != 0; }
constexpr std::uint8_t shard_of_id(const Id128& id) { return id.bytes[15]; }

}  // namespace aldis
