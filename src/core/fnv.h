#pragma once
// FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): a hash that is the same in every process and on every machine, for what
// is stored or agreed on. Header only. Threads: pure.

#include <cstdint>
#include <string_view>

namespace aldis {

constexpr std::uint64_t fnv1a_64(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace aldis
