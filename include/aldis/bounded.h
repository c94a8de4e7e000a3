#pragma once
// A whole number that telemetry may report: one between bounds. Header only; used by telemetry_schema.h.
//
// Model: a number beyond the bounds is cut to them, so that a surprising number cannot tell anything surprising. Made
// from any integer type, and from nothing else. Threads: a value.

#include <concepts>
#include <cstdint>
#include <utility>

namespace aldis {

template <std::int64_t Least, std::int64_t Most>
class Bounded {
 public:
  static_assert(Least <= Most);
  static constexpr std::int64_t kLeast = Least;
  static constexpr std::int64_t kMost = Most;

  constexpr Bounded() = default;
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  constexpr Bounded(T value)  // NOLINT(google-explicit-constructor): a number is meant to become one
      : value_(std::cmp_less(value, Least)     ? Least
               : std::cmp_greater(value, Most) ? Most
                                               : static_cast<std::int64_t>(value)) {}
  constexpr std::int64_t value() const { return value_; }

 private:
  std::int64_t value_ = Least;
};

}  // namespace aldis
