#pragma once
// CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells damaged records of telemetry from sound ones. Header only. Not
// Boost's: that fills its table when it is first used, 30 µs of a process that lives for a millisecond.
// Threads: a function of its argument.

#include <array>
#include <cstdint>
#include <string_view>

namespace aldis {

constexpr std::uint32_t crc32c(std::string_view bytes) {
  constexpr auto kTable = [] {
    std::array<std::uint32_t, 16> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      table[i] = i;
      for (int bit = 0; bit < 4; ++bit) table[i] = table[i] >> 1 ^ (table[i] & 1) * 0x82f63b78;
    }
    return table;
  }();
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    crc = crc >> 4 ^ kTable[crc & 15];
    crc = crc >> 4 ^ kTable[crc & 15];
  }
  return ~crc;
}

static_assert(crc32c("123456789") == 0xe3069283);

}  // namespace aldis
