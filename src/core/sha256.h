#pragma once
// SHA-256 (FIPS 180-4), by libsodium; implemented in sha256.cc. Threads: safe from any thread.

#include <string>
#include <string_view>

namespace aldis {

std::string sha256_hex(std::string_view bytes);  // 64 lower-case hexadecimal digits

}  // namespace aldis
