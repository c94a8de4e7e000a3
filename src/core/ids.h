#pragma once
// Ids: a prefix and 26 characters of Crockford base32 of a time-ordered 128-bit value (the layout of ULID: 48 bits of
// milliseconds since 1970, 80 random bits). Implemented in ids.cc.
//
// Model: unique across processes and hosts (80 bits from getrandom), ordered by their time of making, made by the
// client. Threads: safe from any thread; each thread has its own random pool, thrown away in a forked child.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/time.h"

namespace aldis {

struct Id128 {
  std::array<std::uint8_t, 16> bytes{};  // big-endian: byte order is time order

  auto operator<=>(const Id128&) const = default;
  bool is_nil() const { return *this == Id128{}; }
};

Id128 make_id(WallTime now);

// "sig_01JD…": `prefix` includes the underscore.
std::string format_id(std::string_view prefix, const Id128& id);
// Nothing if the prefix or the 26 characters are wrong. Lower case is accepted; I, L, O read as 1, 1, 0 (Crockford).
std::optional<Id128> parse_id(std::string_view prefix, std::string_view text);

inline constexpr std::string_view kSignalIdPrefix = "sig_";
inline constexpr std::string_view kIncarnationPrefix = "inc_";
inline constexpr std::string_view kApprovalIdPrefix = "apr_";

}  // namespace aldis
