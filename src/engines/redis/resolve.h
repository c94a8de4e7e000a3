#pragma once
// The addresses behind a host's name. Used by transport.cc; implemented in resolve.cc.
//
// Model: addresses and "localhost" are answered at once. The system's resolver takes no deadline, so it is asked on a
// thread of its own, which is left behind when the deadline comes first and ends when the resolver gives up. fork: a
// child that is forked while another thread asks about a name may get no answers about names (glibc's locks); about
// addresses and "localhost" it always does.
// Threads: safe from any thread. Errors: unavailable (unknown name, no answer in time); resource_exhausted.

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"

namespace aldis {

struct SocketAddress {
  sockaddr_storage bytes = {};
  socklen_t length = 0;
};

// At least one, in the order of preference.
Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port, const Clock& clock,
                                           SteadyTime deadline);

}  // namespace aldis
