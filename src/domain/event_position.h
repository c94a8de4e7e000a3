#pragma once
// Event ids and positions as text. Used by event_reader.cc, event_member.cc and events.cc; implemented in
// event_position.cc.
//
// Model, in the words of RFC 5234:
//   start    = "$" / "0" / event-id / position
//   event-id = number "-" number          ; milliseconds and ordinal, the latter at least 1
//   position = "p1" [";*"] *(";" type "=" ("0" / event-id))
// A number is decimal without leading zeros, at most kEventNumberMax. Types are valid names in ascending byte order,
// each once, at most kPositionStreamsMax. A position says behind which event each stream goes on ("0": its first
// one is next); with "*" it is of all types, and those that it does not name begin with their first event. An event
// whose time was not known, because it had left the stream, has 0 milliseconds. A value has one text and a text one
// value: what is formatted reads back the same, and the other way round.
// Threads: pure functions. Errors: invalid_argument, which says what is accepted.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aldis/limits.h"
#include "ports/event_store.h"

namespace aldis {

// Doubles count so far, and so does whatever reads JSON or Lua.
inline constexpr std::uint64_t kEventNumberMax = (std::uint64_t{1} << 53) - 1;

// As many as a namespace may have.
inline constexpr std::size_t kPositionStreamsMax = limits::kStreamsMax + kOwnEventTypes.size();

struct StreamPosition {
  std::string type;
  EventPlace after;  // 0-0: its first event is next

  bool operator==(const StreamPosition&) const = default;
};

struct ReadPosition {
  bool all_types = false;
  std::vector<StreamPosition> streams;  // in ascending order of types; empty only with all_types

  bool operator==(const ReadPosition&) const = default;
};

struct FromNew {
  bool operator==(const FromNew&) const = default;
};
struct FromOldest {
  bool operator==(const FromOldest&) const = default;
};

using ReadStart = std::variant<FromNew, FromOldest, EventPlace, ReadPosition>;

Result<ReadStart> parse_start(std::string_view text);
Result<EventPlace> parse_event_id(std::string_view text);

// REQUIRES: what the structures say.
std::string format_event_id(const EventPlace& place);
std::string format_position(const ReadPosition& position);

}  // namespace aldis
