#include "engines/redis/transport.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"
#include "engines/redis/resolve.h"
#include "engines/redis/wait_for_socket.h"

namespace aldis {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

// How long recv itself waits. Near a deadline poll does, which is one more system call and ends in time.
constexpr timeval kReceiveSlice{0, 50'000};
constexpr auto kReceiveSliceLength = std::chrono::microseconds{kReceiveSlice.tv_usec};

ErrorCode code_of(int reason) {
  switch (reason) {
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ErrorCode::resource_exhausted;
    default:
      return ErrorCode::unavailable;
  }
}

constexpr std::string_view kUnreachable = "is the server running, and is its address right?";

std::unexpected<Error> cannot_connect(const std::string& name, int reason) {
  Error error = system_error(code_of(reason), fmt::format("cannot connect to the Redis server at {}", name), reason);
  if (error.code == ErrorCode::unavailable) error.message += fmt::format(": {}", kUnreachable);
  return std::unexpected(std::move(error));
}

std::unexpected<Error> out_of_time(const std::string& name) {
  return fail(ErrorCode::unavailable, "the Redis server at {} did not answer in time: {}", name, kUnreachable);
}

Result<FileDescriptor> connect_to(const SocketAddress& address, const std::string& name, const Clock& clock,
                                  SteadyTime deadline) {
  FileDescriptor socket =
      own_descriptor(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return cannot_connect(name, errno);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.length) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return cannot_connect(name, errno);
    if (!wait_for_socket(socket.get(), POLLOUT, clock, deadline)) return cannot_connect(name, ETIMEDOUT);
    int reason = 0;
    socklen_t length = sizeof reason;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &reason, &length) != 0) reason = errno;
    if (reason != 0) return cannot_connect(name, reason);
  }
  const int on = 1;  // commands are whole when they are sent
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

Result<FileDescriptor> connect_tcp(const Endpoint& endpoint, const Clock& clock, SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(const auto addresses, resolve(endpoint.host, endpoint.port, clock, deadline));
  Result<FileDescriptor> socket = FileDescriptor();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const SteadyTime now = clock.steady_now();
    const auto share = (deadline - now) / static_cast<long>(addresses.size() - i);
    socket = connect_to(addresses[i], endpoint.to_text(), clock, now + share);
    if (socket) break;
  }
  return socket;
}

// A full backlog is nothing that poll can wait for: here connect itself waits, as long as SO_SNDTIMEO says.
Result<FileDescriptor> connect_unix(const std::string& path, const Clock& clock, SteadyTime deadline) {
  using std::chrono::microseconds;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "{} is too long for a Unix socket: at most {} bytes", path,
                sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, path.data(), path.size());

  FileDescriptor socket = own_descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return cannot_connect(path, errno);
  int outcome = 0;
  do {
    const auto left = std::chrono::ceil<microseconds>(deadline - clock.steady_now());
    if (left <= microseconds::zero()) return cannot_connect(path, ETIMEDOUT);
    const timeval at_most{left.count() / 1'000'000, left.count() % 1'000'000};
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &at_most, sizeof at_most);
    outcome = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (outcome != 0 && errno == EINTR);
  if (outcome != 0) return cannot_connect(path, errno == EAGAIN ? ETIMEDOUT : errno);
  return socket;
}

}  // namespace

Transport::Transport(FileDescriptor socket, const Endpoint& endpoint, const Clock& clock)
    : socket_(std::move(socket)), name_(endpoint.to_text()), may_want_tls_(endpoint.unix_path.empty()), clock_(clock) {
  // From now on it blocks where no flag says otherwise.
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) & ~O_NONBLOCK);
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveSlice, sizeof kReceiveSlice);
}

Result<std::unique_ptr<Transport>> Transport::connect(const Endpoint& endpoint, const TlsContext* tls,
                                                      const Clock& clock, SteadyTime deadline) {
  const bool is_unix = !endpoint.unix_path.empty();
  ALDIS_TRY_ASSIGN(FileDescriptor socket, is_unix ? connect_unix(endpoint.unix_path, clock, deadline)
                                                  : connect_tcp(endpoint, clock, deadline));
  std::unique_ptr<Transport> transport(new Transport(std::move(socket), endpoint, clock));
  if (tls != nullptr) ALDIS_TRY(transport->start_tls(*tls, endpoint.host, deadline));
  return transport;
}

Result<void> Transport::start_tls(const TlsContext& context, const std::string& host, SteadyTime deadline) {
  may_want_tls_ = false;
  ALDIS_TRY_ASSIGN(tls_, TlsSession::make(context, host));
  for (std::string cipher;; cipher.clear()) {
    const Result<bool> done = tls_->shake_hands();
    Result<void> sent = send_raw(tls_->take_output(), deadline);  // also the alert that says what is wrong
    if (!done) {
      return fail(done.error().code, "no TLS with the Redis server at {}: {}", name_, done.error().message);
    }
    if (*done) return sent;
    if (const auto received = receive_raw(cipher, deadline); !received) {  // a Redis without TLS waits for more
      return fail(received.error().code,
                  "no TLS with the Redis server at {}: it gave no answer. Is it running, and is this the port that "
                  "speaks TLS? Without TLS use redis://",
                  name_);
    }
    tls_->receive(cipher);
  }
}

Result<void> Transport::send(std::string_view bytes, SteadyTime deadline) {
  if (tls_ == nullptr) return send_raw(bytes, deadline);
  ALDIS_TRY(named(tls_->encrypt(bytes)));
  return send_raw(tls_->take_output(), deadline);
}

Result<void> Transport::send_raw(std::string_view bytes, SteadyTime deadline) {
  while (!bytes.empty()) {
    if (clock_.steady_now() >= deadline) return out_of_time(name_);
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      wait_for_socket(socket_.get(), POLLOUT, clock_, deadline);
    } else if (errno != EINTR) {
      return std::unexpected(lost(errno));
    }
  }
  return {};
}

Result<std::size_t> Transport::receive(std::string& out, SteadyTime deadline) {
  const std::size_t before = out.size();
  for (;;) {
    if (tls_ == nullptr) return receive_raw(out, deadline);
    ALDIS_TRY(named(tls_->decrypt(out)));
    if (out.size() > before) return out.size() - before;
    std::string cipher;
    ALDIS_TRY(receive_raw(cipher, deadline));
    tls_->receive(cipher);
  }
}

Result<std::size_t> Transport::receive_raw(std::string& out, SteadyTime deadline) {
  for (;;) {
    const auto left = deadline - clock_.steady_now();
    if (left <= std::chrono::nanoseconds::zero()) return out_of_time(name_);
    const bool may_wait = left > kReceiveSliceLength;
    if (!may_wait) wait_for_socket(socket_.get(), POLLIN, clock_, deadline);
    ALDIS_TRY_ASSIGN(const std::size_t received, receive_raw_once(out, may_wait ? 0 : MSG_DONTWAIT));
    if (received > 0) return received;
  }
}

Result<std::size_t> Transport::receive_raw_once(std::string& out, int flags) {
  char chunk[kChunkBytes];
  for (;;) {
    const ssize_t received = recv(socket_.get(), chunk, sizeof chunk, flags);
    if (received == 0) return std::unexpected(lost(0));
    if (received > 0) {
      may_want_tls_ = false;
      out.append(chunk, static_cast<std::size_t>(received));
      return static_cast<std::size_t>(received);
    }
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) return std::unexpected(lost(errno));
    if (flags == 0) return 0;  // the caller looks at its deadline
  }
}

Result<bool> Transport::receive_now(std::string& out) {
  const std::size_t before = out.size();
  for (;;) {
    std::string cipher;
    ALDIS_TRY_ASSIGN(const std::size_t received, receive_raw_once(tls_ == nullptr ? out : cipher, MSG_DONTWAIT));
    if (tls_ == nullptr || received == 0) return received > 0;
    tls_->receive(cipher);
    ALDIS_TRY(named(tls_->decrypt(out)));
    if (out.size() > before) return true;
  }
}

// A server that speaks only TLS ends what does not begin with it.
Error Transport::lost(int reason) const {
  Error error = reason == 0
                    ? make_error(ErrorCode::unavailable, "the Redis server at {} closed the connection", name_)
                    : system_error(ErrorCode::unavailable,
                                   fmt::format("the connection to the Redis server at {} is lost", name_), reason);
  error.message += may_want_tls_ ? ": is the server running? If it speaks TLS at this port, use rediss://"
                                 : fmt::format(": {}", kUnreachable);
  return error;
}

Result<void> Transport::named(Result<void> result) const {
  if (result) return result;
  return fail(result.error().code, "TLS with the Redis server at {} failed: {}", name_, result.error().message);
}

}  // namespace aldis
