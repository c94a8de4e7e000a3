#pragma once
// The events that a client may report, as a frozen copy: what was declared, checked again, since C declares at run
// time. Used by the ring and the hand-over; implemented in event_table.cc.
//
// Model: an event's values are packed into at most 48 bytes, each as its distance from the least, in 1, 2, 4 or 8
// bytes. Integers are cut to their bounds; a choice or boolean out of bounds, a wrong count or a wrong event packs to
// nothing. Threads: const calls are safe from any thread. Errors: invalid_argument from `make`, naming the event and
// field.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/limits.h"
#include "aldis/result.h"
#include "aldis/telemetry_schema.h"
#include "telemetry/frame.h"

namespace aldis::telemetry {

struct DeclaredEvent {
  std::string_view name;
  std::span<const TelemetryField> fields;
  bool is_error = false;
};

using PackedValues = std::array<std::byte, limits::kTelemetryRecordValueBytesMax>;

class EventTable {
 public:
  static Result<EventTable> make(std::span<const DeclaredEvent> events);

  // No allocation.
  bool pack(std::size_t event, std::span<const std::int64_t> values, PackedValues& out) const noexcept;
  EventRecord unpack(std::size_t event, const PackedValues& values, std::chrono::sys_seconds time) const;

 private:
  struct Field {
    std::string name;
    TelemetryField::Kind kind;
    std::int64_t least;
    std::int64_t most;
    std::vector<std::string> values;
  };
  struct Event {
    std::string name;
    std::vector<Field> fields;
    bool is_error;
  };
  std::vector<Event> events_;
};

}  // namespace aldis::telemetry
