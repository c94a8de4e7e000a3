#include "redis/loopback_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>

namespace aldis::testing {

LoopbackPort::LoopbackPort() : reservation_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  ::setsockopt(reservation_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(reservation_.get(), generic, size) != 0) std::abort();
  if (::getsockname(reservation_.get(), generic, &size) != 0) std::abort();
  number_ = ntohs(address.sin_port);
}

}  // namespace aldis::testing
