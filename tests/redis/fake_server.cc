#include "redis/fake_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace aldis::testing {
namespace {

FileDescriptor listen_at(const sockaddr* address, socklen_t length) {
  FileDescriptor listener(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener.get(), address, length) != 0 || ::listen(listener.get(), 8) != 0) std::abort();
  return listener;
}

FileDescriptor listen_on_loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return listen_at(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

FileDescriptor listen_on_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return listen_at(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::uint16_t port_of(const FileDescriptor& listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) std::abort();
  return ntohs(address.sin_port);
}

}  // namespace

bool write_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool read_until(int connection, std::string_view end) {
  std::string seen;
  char byte = 0;
  while (!seen.ends_with(end)) {
    if (::recv(connection, &byte, 1, 0) != 1) return false;
    seen += byte;
  }
  return true;
}

void read_for_ever(int connection) {
  char chunk[4096];
  while (::recv(connection, chunk, sizeof chunk, 0) > 0) {
  }
}

FakeServer::FakeServer(Behaviour behaviour)
    : behaviour_(std::move(behaviour)),
      listener_(listen_on_loopback()),
      endpoint_{.host = "127.0.0.1", .port = port_of(listener_)},
      thread_([this] { serve(); }) {}

FakeServer::FakeServer(Behaviour behaviour, const std::string& unix_path)
    : behaviour_(std::move(behaviour)),
      listener_(listen_on_socket(unix_path)),
      endpoint_{.unix_path = unix_path},
      thread_([this] { serve(); }) {}

FakeServer::~FakeServer() {
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
    if (connection_ >= 0) ::shutdown(connection_, SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void FakeServer::serve() {
  for (;;) {
    const FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.is_open()) return;
    take(connection.get());
    behaviour_(connection.get());
    take(-1);
  }
}

// A connection that comes while the server ends is cut off at once.
void FakeServer::take(int connection) {
  const MutexLock lock(mutex_);
  connection_ = connection;
  if (is_ending_ && connection >= 0) ::shutdown(connection, SHUT_RDWR);
}

}  // namespace aldis::testing
