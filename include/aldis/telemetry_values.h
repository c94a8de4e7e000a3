#pragma once
// The words that telemetry may use: names of events, fields and enumerators. Header only; used by telemetry_schema.h.
//
// Model: a name is [a-z][a-z0-9_]{0,47}. An enumeration says its names in a function beside it, found by its argument,
// in the order of the values 0, 1, 2…: `consteval auto telemetry_names(Command) { return
// aldis::telemetry_values("list", "fail"); }`. What breaks a rule does not compile. Limits: limits.h, "Telemetry".
// Threads: constants.

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "aldis/limits.h"

namespace aldis {

template <class... Text>
consteval auto telemetry_values(const Text&... names) {
  return std::array<std::string_view, sizeof...(names)>{names...};
}

namespace telemetry_detail {

// Not constexpr: a schema that calls one of these does not compile, and the compiler names it.
void a_name_must_be_lower_case_words_with_underscores();
void an_enumeration_has_no_values();
void an_enumeration_has_too_many_values();
void an_enumeration_has_two_values_of_one_name();

constexpr bool is_name(std::string_view name) {
  bool fine =
      !name.empty() && name.size() <= limits::kTelemetryNameBytesMax && name.front() >= 'a' && name.front() <= 'z';
  for (const char c : name) fine = fine && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  return fine;
}

constexpr std::string_view checked_name(std::string_view name) {
  if (!is_name(name)) a_name_must_be_lower_case_words_with_underscores();
  return name;
}

template <class T>
concept Declared = std::is_enum_v<T> && requires(T value) { telemetry_names(value); };

// However they were put together.
template <std::size_t Count>
consteval std::array<std::string_view, Count> checked_values(std::array<std::string_view, Count> names) {
  if (Count == 0) an_enumeration_has_no_values();
  if (Count > limits::kTelemetryValuesMax) an_enumeration_has_too_many_values();
  for (std::size_t i = 0; i < Count; ++i) {
    checked_name(names[i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) an_enumeration_has_two_values_of_one_name();
    }
  }
  return names;
}

template <Declared T>
inline constexpr auto kNames = checked_values(telemetry_names(T{}));

}  // namespace telemetry_detail
}  // namespace aldis
