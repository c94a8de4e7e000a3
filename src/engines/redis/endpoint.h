#pragma once
// Where a Redis server listens: a host and port, or a Unix socket. Header only; a value.

#include <compare>
#include <cstdint>
#include <string>

#include "core/format.h"

namespace aldis {

struct Endpoint {
  std::string host = {};
  std::uint16_t port = 0;
  std::string unix_path = {};  // not empty: a Unix socket, and host and port mean nothing

  // "host:port", "[::1]:port" or the path: what messages and pools call it.
  std::string to_text() const {
    if (!unix_path.empty()) return unix_path;
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
  }

  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace aldis
