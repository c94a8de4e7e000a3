#pragma once
// How a tool declares what it may report: an event is a struct whose members are enumerators, booleans and bounded
// integers, and whose names are compile-time constants. Header only; telemetry.h uses it.
//
// Model: there is no type for text, so a path, an argument or a message cannot be put into an event; a member of any
// other type, a name that is not [a-z][a-z0-9_]{0,47}, too many fields or values do not compile. An enumeration says
// its names in a function beside it, found by its argument; the names stand in the order of the values 0, 1, 2…, and an
// enumerator beyond them drops its event, which is counted:
//
//   enum class Command { list, fail };
//   consteval auto telemetry_names(Command) { return aldis::telemetry_values("list", "fail"); }
//
//   struct CommandRun {
//     Command command;
//     aldis::Bounded<0, 10'000> rows;
//
//     static constexpr auto telemetry =
//         aldis::telemetry_event("command_run", aldis::telemetry_field("command", &CommandRun::command),
//                                aldis::telemetry_field("rows", &CommandRun::rows));
//   };
//
// Limits: limits.h, "Telemetry". Threads: constants and values.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "aldis/bounded.h"
#include "aldis/limits.h"
#include "aldis/telemetry_values.h"

namespace aldis {

namespace telemetry_detail {

// Not constexpr: a schema that calls one of these does not compile, and the compiler names it.
void an_event_has_too_many_fields();
void an_event_has_two_fields_of_one_name();
void an_event_does_not_fit_into_one_record();

template <class T>
struct IsBounded : std::false_type {};
template <std::int64_t Least, std::int64_t Most>
struct IsBounded<Bounded<Least, Most>> : std::true_type {};

// What a field may be. Anything else, free text above all, is refused here.
template <class T>
concept Reportable = std::same_as<T, bool> || IsBounded<T>::value || Declared<T>;

// Bytes that a value between the bounds takes in a record.
constexpr std::size_t width_of(std::int64_t least, std::int64_t most) {
  const std::uint64_t span = static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least);
  return span <= 0xff ? 1 : span <= 0xffff ? 2 : span <= 0xffff'ffff ? 4 : 8;
}

}  // namespace telemetry_detail

// A field as tables hold it, whatever language declared it.
struct TelemetryField {
  enum class Kind : std::uint8_t { boolean, integer, choice };

  std::string_view name;
  Kind kind = Kind::boolean;
  std::int64_t least = 0;
  std::int64_t most = 1;
  const std::string_view* values = nullptr;  // of a choice: most + 1 names
};

template <class Event, class T>
struct TelemetryMember {
  std::string_view name;
  T Event::* member;

  constexpr TelemetryField field() const {
    if constexpr (std::same_as<T, bool>) {
      return {.name = name};
    } else if constexpr (std::is_enum_v<T>) {
      const auto& names = telemetry_detail::kNames<T>;
      return {.name = name,
              .kind = TelemetryField::Kind::choice,
              .most = static_cast<std::int64_t>(names.size()) - 1,
              .values = names.data()};
    } else {
      return {.name = name, .kind = TelemetryField::Kind::integer, .least = T::kLeast, .most = T::kMost};
    }
  }

  constexpr std::int64_t value_in(const Event& event) const {
    if constexpr (telemetry_detail::IsBounded<T>::value) {
      return (event.*member).value();
    } else {
      return static_cast<std::int64_t>(event.*member);
    }
  }
};

template <class Event, telemetry_detail::Reportable T>
consteval TelemetryMember<Event, T> telemetry_field(std::string_view name, T Event::* member) {
  return {telemetry_detail::checked_name(name), member};
}

template <class Event, class T>
consteval TelemetryMember<Event, bool> telemetry_field(std::string_view, T Event::*) {
  static_assert(
      telemetry_detail::Reportable<T>,
      "a telemetry field is a bool, an aldis::Bounded<...>, or an enumeration with telemetry_names beside it");
  return {};
}

template <class Event, class... T>
struct TelemetryEventSchema {
  std::string_view name;
  std::tuple<TelemetryMember<Event, T>...> members;

  constexpr std::array<TelemetryField, sizeof...(T)> fields() const {
    return std::apply([](const auto&... member) { return std::array<TelemetryField, sizeof...(T)>{member.field()...}; },
                      members);
  }
  constexpr std::array<std::int64_t, sizeof...(T)> values(const Event& event) const {
    return std::apply(
        [&](const auto&... member) { return std::array<std::int64_t, sizeof...(T)>{member.value_in(event)...}; },
        members);
  }
};

template <class Event, class... T>
consteval auto telemetry_event(std::string_view name, TelemetryMember<Event, T>... members) {
  if (sizeof...(T) > limits::kTelemetryFieldsMax) telemetry_detail::an_event_has_too_many_fields();
  const TelemetryEventSchema<Event, T...> schema{telemetry_detail::checked_name(name), {members...}};
  const auto fields = schema.fields();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    bytes += telemetry_detail::width_of(fields[i].least, fields[i].most);
    for (std::size_t j = 0; j < i; ++j) {
      if (fields[i].name == fields[j].name) telemetry_detail::an_event_has_two_fields_of_one_name();
    }
  }
  if (bytes > limits::kTelemetryRecordValueBytesMax) telemetry_detail::an_event_does_not_fit_into_one_record();
  return schema;
}

namespace telemetry_detail {

template <class Event, class Schema>
struct IsSchemaOf : std::false_type {};
template <class Event, class... T>
struct IsSchemaOf<Event, TelemetryEventSchema<Event, T...>> : std::true_type {};

// What a client can report.
template <class Event>
concept Described = IsSchemaOf<Event, std::remove_const_t<decltype(Event::telemetry)>>::value;

template <Described... Events>
consteval bool have_different_names() {
  const std::array<std::string_view, sizeof...(Events)> names{Events::telemetry.name...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return false;
    }
  }
  return true;
}

}  // namespace telemetry_detail

}  // namespace aldis
