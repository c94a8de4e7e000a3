#include "redis/chaos_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <optional>
#include <vector>

namespace aldis::testing {
namespace {

constexpr std::size_t kHeldBytesMax = 256 * 1024;
constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr int kListenBacklog = 128;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

FileDescriptor tcp_socket() { return FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

// The connection may still be under way: until then there is nothing to read and no room to write.
FileDescriptor connected_to(std::uint16_t port) {
  FileDescriptor connection = tcp_socket();
  const sockaddr_in address = loopback(port);
  const int failed = ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (failed != 0 && errno != EINPROGRESS) return {};
  return connection;
}

bool happens(double chance, std::mt19937_64& random) {
  return chance > 0 && std::uniform_real_distribution<double>(0, 1)(random) < chance;
}

// One direction of a connection.
class Pipe {
 public:
  bool has_room() const { return !ended_ && held_bytes_ < kHeldBytesMax; }
  bool is_done() const { return broken_ || (ended_ && held_.empty()); }
  std::optional<SteadyTime> due() const { return held_.empty() ? std::nullopt : std::optional(held_.front().due); }

  void take(int from, const Mischief& mischief, SteadyTime now, std::mt19937_64& random, ChaosProxy::Counts& counts) {
    std::array<char, kPieceBytes> buffer{};
    if (!has_room()) return;
    const ssize_t count = ::recv(from, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    ended_ = count <= 0;
    if (ended_) return;
    std::string bytes(buffer.data(), static_cast<std::size_t>(count));
    const std::size_t left = mischief.cut_after - std::min(taken_, mischief.cut_after);
    if (bytes.size() >= left || happens(mischief.cut_chance, random)) {
      bytes.resize(std::min(bytes.size(), left));
      ended_ = true;
      ++counts.cut;
    }
    for (char& byte : bytes) {
      if (!happens(mischief.corrupt_chance, random)) continue;
      byte = static_cast<char>(byte ^ static_cast<char>(1 + random() % 255));
      ++counts.corrupted;
    }
    taken_ += bytes.size();
    held_bytes_ += bytes.size();
    if (!bytes.empty()) held_.push_back({std::move(bytes), now + mischief.delay});
  }

  void give(int to, SteadyTime now, ChaosProxy::Counts& counts) {
    while (!held_.empty() && held_.front().due <= now) {
      std::string& bytes = held_.front().bytes;
      const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        broken_ = errno != EAGAIN && errno != EINTR;
        return;
      }
      held_bytes_ -= static_cast<std::size_t>(sent);
      counts.forwarded += static_cast<std::size_t>(sent);
      bytes.erase(0, static_cast<std::size_t>(sent));
      if (bytes.empty()) held_.pop_front();
    }
  }

 private:
  struct Piece {
    std::string bytes;
    SteadyTime due;
  };

  std::deque<Piece> held_;
  std::size_t held_bytes_ = 0;
  std::size_t taken_ = 0;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace

// A client's connection and ours to the server for it.
class ChaosProxy::Relay {
 public:
  Relay(FileDescriptor client, FileDescriptor server) : client_(std::move(client)), server_(std::move(server)) {}

  bool stalled = false;
  bool is_cut = false;  // by a test; the proxy's thread, which may be waiting for its sockets, closes them
  bool is_done() const { return is_cut || !server_.is_open() || to_server_.is_done() || to_client_.is_done(); }

  void work(const Orders& orders, std::mt19937_64& random, Counts& counts) {
    const SteadyTime now = SystemClock{}.steady_now();
    to_server_.take(client_.get(), orders.to_server, now, random, counts);
    to_client_.take(server_.get(), orders.to_client, now, random, counts);
    to_server_.give(server_.get(), now, counts);
    to_client_.give(client_.get(), now, counts);
  }

  // What to wait for, and when a piece that is held back falls due; that is `soonest`, if it is sooner.
  void watch(std::vector<pollfd>& watched, std::optional<SteadyTime>& soonest) const {
    const SteadyTime now = SystemClock{}.steady_now();
    watched.push_back(watched_for(client_.get(), to_server_, to_client_, now));
    watched.push_back(watched_for(server_.get(), to_client_, to_server_, now));
    for (const Pipe* pipe : {&to_server_, &to_client_}) {
      const auto due = pipe->due();
      if (due && *due > now && (!soonest || *due < *soonest)) soonest = due;
    }
  }

 private:
  static pollfd watched_for(int socket, const Pipe& from, const Pipe& to, SteadyTime now) {
    const bool may_write = to.due() && *to.due() <= now;
    const int events = (from.has_room() ? POLLIN : 0) | (may_write ? POLLOUT : 0);
    return {.fd = events == 0 ? -1 : socket, .events = static_cast<short>(events), .revents = 0};
  }

  FileDescriptor client_;
  FileDescriptor server_;
  Pipe to_server_;
  Pipe to_client_;
};

ChaosProxy::ChaosProxy(std::uint16_t server_port, std::uint64_t seed)
    : server_port_(server_port),
      listener_(tcp_socket()),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      random_(seed) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), kListenBacklog) != 0) std::abort();
  if (::getsockname(listener_.get(), generic, &size) != 0) std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

ChaosProxy::~ChaosProxy() {
  {
    const MutexLock lock(mutex_);
    end_ = true;
  }
  wake();
  thread_.join();
}

void ChaosProxy::serve() {
  while (work()) {
    std::vector<pollfd> watched = {{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                                   {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    std::optional<SteadyTime> soonest;
    {
      const MutexLock lock(mutex_);
      for (const Relay& relay : relays_) {
        if (!relay.stalled) relay.watch(watched, soonest);
      }
    }
    using std::chrono::milliseconds;
    const auto left = soonest ? *soonest - SystemClock{}.steady_now() : milliseconds{-1};
    const int timeout = soonest ? std::max(0, static_cast<int>(std::chrono::ceil<milliseconds>(left).count())) : -1;
    ::poll(watched.data(), watched.size(), timeout);
    std::uint64_t calls = 0;
    if (::read(wake_.get(), &calls, sizeof calls) < 0 && errno != EAGAIN) std::abort();
  }
}

bool ChaosProxy::work() {
  const MutexLock lock(mutex_);
  if (end_) return false;
  accept_all();
  for (Relay& relay : relays_) {
    if (!relay.stalled) relay.work(orders_, random_, counts_);
  }
  std::erase_if(relays_, [](const Relay& relay) { return relay.is_done(); });
  return true;
}

void ChaosProxy::accept_all() {
  while (true) {
    FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client.is_open()) return;
    const int on = 1;
    FileDescriptor server = connected_to(server_port_);
    for (const FileDescriptor* socket : {&client, &server}) {
      ::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    relays_.emplace_back(std::move(client), std::move(server));
    relays_.back().stalled = orders_.stall;
    ++counts_.connections;
  }
}

void ChaosProxy::wake() const {
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) != sizeof one) std::abort();
}

void ChaosProxy::misbehave(Direction direction, const Mischief& mischief) {
  const MutexLock lock(mutex_);
  (direction == Direction::to_server ? orders_.to_server : orders_.to_client) = mischief;
}

void ChaosProxy::misbehave(const Mischief& mischief) {
  misbehave(Direction::to_server, mischief);
  misbehave(Direction::to_client, mischief);
}

void ChaosProxy::stall() {
  const MutexLock lock(mutex_);
  orders_.stall = true;
  for (Relay& relay : relays_) relay.stalled = true;
}

void ChaosProxy::stall_present() {
  const MutexLock lock(mutex_);
  for (Relay& relay : relays_) relay.stalled = true;
}

void ChaosProxy::resume() {
  {
    const MutexLock lock(mutex_);
    orders_.stall = false;
    for (Relay& relay : relays_) relay.stalled = false;
  }
  wake();
}

void ChaosProxy::cut_all() {
  {
    const MutexLock lock(mutex_);
    counts_.cut += relays_.size();
    for (Relay& relay : relays_) relay.is_cut = true;
  }
  wake();
}

ChaosProxy::Counts ChaosProxy::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

}  // namespace aldis::testing
