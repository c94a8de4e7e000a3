#include "telemetry/event_table.h"

#include <algorithm>
#include <cstring>

#include "core/failure.h"
#include "core/try.h"

namespace aldis::telemetry {
namespace {

using telemetry_detail::is_name;
using telemetry_detail::width_of;
using Kind = TelemetryField::Kind;

// Why this field cannot be reported; empty: it can.
std::string_view problem_of(const TelemetryField& field) {
  if (!is_name(field.name)) return "a name is [a-z][a-z0-9_]{0,47}";
  switch (field.kind) {
    case Kind::boolean:
      return field.least == 0 && field.most == 1 ? "" : "a boolean is 0 or 1";
    case Kind::integer:
      return field.least <= field.most ? "" : "its least is more than its most";
    case Kind::choice: {
      const auto count = static_cast<std::uint64_t>(field.most) + 1;
      if (field.least != 0 || field.values == nullptr || count == 0 || count > limits::kTelemetryValuesMax)
        return "a choice has 1 to 256 values";
      return std::all_of(field.values, field.values + count, is_name) ? "" : "a value is [a-z][a-z0-9_]{0,47}";
    }
  }
  return "its kind is not known";
}

Result<void> check(const DeclaredEvent& event) {
  if (!is_name(event.name))
    return fail(ErrorCode::invalid_argument, "event \"{}\": a name is [a-z][a-z0-9_]{{0,47}}", event.name);
  if (event.fields.size() > limits::kTelemetryFieldsMax)
    return fail(ErrorCode::invalid_argument, "event \"{}\" has more than 16 fields", event.name);
  std::size_t bytes = 0;
  for (const TelemetryField& field : event.fields) {
    if (const auto problem = problem_of(field); !problem.empty())
      return fail(ErrorCode::invalid_argument, "event \"{}\", field \"{}\": {}", event.name, field.name, problem);
    if (std::ranges::count(event.fields, field.name, &TelemetryField::name) > 1)
      return fail(ErrorCode::invalid_argument, "event \"{}\" has two fields \"{}\"", event.name, field.name);
    bytes += width_of(field.least, field.most);
  }
  if (bytes > limits::kTelemetryRecordValueBytesMax)
    return fail(ErrorCode::invalid_argument, "event \"{}\": its values take {} bytes, more than 48; narrow the bounds",
                event.name, bytes);
  return {};
}

template <class T>
std::byte* store(std::byte* out, std::uint64_t value) {
  const T narrow = static_cast<T>(value);
  std::memcpy(out, &narrow, sizeof narrow);
  return out + sizeof narrow;
}

template <class T>
std::uint64_t load(const std::byte*& in) {
  T narrow = 0;
  std::memcpy(&narrow, in, sizeof narrow);
  in += sizeof narrow;
  return narrow;
}

std::byte* store(std::byte* out, std::uint64_t value, std::size_t width) {
  if (width == 1) return store<std::uint8_t>(out, value);
  if (width == 2) return store<std::uint16_t>(out, value);
  return width == 4 ? store<std::uint32_t>(out, value) : store<std::uint64_t>(out, value);
}

std::uint64_t load(const std::byte*& in, std::size_t width) {
  if (width == 1) return load<std::uint8_t>(in);
  if (width == 2) return load<std::uint16_t>(in);
  return width == 4 ? load<std::uint32_t>(in) : load<std::uint64_t>(in);
}

}  // namespace

Result<EventTable> EventTable::make(std::span<const DeclaredEvent> events) {
  if (events.size() > limits::kTelemetryEventsMax)
    return fail(ErrorCode::invalid_argument, "{} events are declared, more than 64", events.size());
  EventTable table;
  for (const DeclaredEvent& declared : events) {
    ALDIS_TRY(check(declared));
    Event event{.name = std::string(declared.name), .fields = {}, .is_error = declared.is_error};
    for (const TelemetryField& field : declared.fields) {
      Field copy{std::string(field.name), field.kind, field.least, field.most, {}};
      if (field.kind == Kind::choice) copy.values.assign(field.values, field.values + field.most + 1);
      event.fields.push_back(std::move(copy));
    }
    table.events_.push_back(std::move(event));
  }
  return table;
}

bool EventTable::pack(std::size_t event, std::span<const std::int64_t> values, PackedValues& out) const noexcept {
  if (event >= events_.size() || values.size() != events_[event].fields.size()) return false;
  std::byte* at = out.data();
  const std::int64_t* value = values.data();
  for (const Field& field : events_[event].fields) {
    const std::int64_t cut = std::clamp(*value, field.least, field.most);
    if (cut != *value && field.kind != Kind::integer) return false;
    // Unsigned: the distance of two 64-bit integers may not fit into a signed one.
    at = store(at, static_cast<std::uint64_t>(cut) - static_cast<std::uint64_t>(field.least),
               width_of(field.least, field.most));
    ++value;
  }
  return true;
}

EventRecord EventTable::unpack(std::size_t event, const PackedValues& values, std::chrono::sys_seconds time) const {
  const Event& declared = events_[event];
  EventRecord record{.time = time,
                     .severity = declared.is_error ? Severity::error : Severity::information,
                     .name = declared.name,
                     .attributes = {}};
  record.attributes.reserve(declared.fields.size());
  const std::byte* at = values.data();
  for (const Field& field : declared.fields) {
    const auto value = static_cast<std::int64_t>(load(at, width_of(field.least, field.most)) +
                                                 static_cast<std::uint64_t>(field.least));
    Attribute& attribute = record.attributes.emplace_back(field.name);
    if (field.kind == Kind::boolean) attribute.value = value != 0;
    if (field.kind == Kind::integer) attribute.value = value;
    if (field.kind == Kind::choice) attribute.value = field.values[static_cast<std::size_t>(value)];
  }
  return record;
}

}  // namespace aldis::telemetry
