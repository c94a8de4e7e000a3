#pragma once
// Building and reading the byte strings of docs/formats.md. Header only.
//
// Model: integers are big-endian, so that byte order is number order in keys; strings are length-prefixed (u16 in keys
// and names, u32 for payloads), so no two fields ever meet. A reader that runs out of bytes turns `ok()` false and
// returns zeros from then on: check once at the end.

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/ids.h"

namespace aldis {

class ByteWriter {
 public:
  template <std::unsigned_integral T>
  ByteWriter& number(T value) {
    char buffer[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) buffer[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
    out_.append(buffer, sizeof(T));
    return *this;
  }
  ByteWriter& signed_number(std::int64_t value) { return number(static_cast<std::uint64_t>(value)); }
  ByteWriter& real(double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return number(bits);
  }
  ByteWriter& id(const Id128& value) { return raw({reinterpret_cast<const char*>(value.bytes.data()), 16}); }
  ByteWriter& name(std::string_view value) { return number(static_cast<std::uint16_t>(value.size())).raw(value); }
  ByteWriter& blob(std::string_view value) { return number(static_cast<std::uint32_t>(value.size())).raw(value); }
  ByteWriter& raw(std::string_view value) {
    out_.append(value);
    return *this;
  }

  const std::string& bytes() const& { return out_; }
  std::string bytes() && { return std::move(out_); }
  void clear() { out_.clear(); }

 private:
  std::string out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    T value = 0;
    if (const std::string_view bytes = take(sizeof(T)); bytes.size() == sizeof(T))
      std::memcpy(&value, bytes.data(), sizeof(T));
    return std::endian::native == std::endian::little ? std::byteswap(value) : value;
  }
  std::int64_t signed_number() { return static_cast<std::int64_t>(number<std::uint64_t>()); }
  double real() {
    const auto bits = number<std::uint64_t>();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  Id128 id() {
    Id128 value;
    if (const std::string_view bytes = take(16); bytes.size() == 16) std::memcpy(value.bytes.data(), bytes.data(), 16);
    return value;
  }
  std::string_view name() { return take(number<std::uint16_t>()); }
  std::string_view blob() { return take(number<std::uint32_t>()); }
  std::string_view raw(std::size_t count) { return take(count); }
  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace aldis
