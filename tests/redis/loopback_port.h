#pragma once
// A TCP port of 127.0.0.1 that nobody else gets. Implemented in loopback_port.cc.
//
// Model: a socket stays bound to the port and never listens, so the kernel gives it to no other socket that asks for
// any port, while a server that names it (with SO_REUSEADDR, as Redis does) may bind it, also again after its death.
// Threads: const calls are safe.

#include <cstdint>

#include "core/file_descriptor.h"

namespace aldis::testing {

class LoopbackPort {
 public:
  LoopbackPort();

  std::uint16_t number() const { return number_; }

 private:
  FileDescriptor reservation_;
  std::uint16_t number_ = 0;
};

}  // namespace aldis::testing
