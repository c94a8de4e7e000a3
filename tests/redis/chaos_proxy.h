#pragma once
// A TCP connection that misbehaves: stands between clients and a server of a test. Implemented in chaos_proxy.cc.
//
// Model: one thread forwards every connection to 127.0.0.1:SERVER, as told at that moment; what it does at random is
// decided by its seed. Until told, it forwards faithfully. It holds at most 256 KiB a direction of a connection; beyond
// that the sender waits. Connections end with it. Threads: safe from any thread.

#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <random>
#include <string>
#include <thread>

#include "core/clock.h"
#include "core/file_descriptor.h"
#include "core/mutex.h"

namespace aldis::testing {

struct Mischief {
  std::chrono::milliseconds delay{0};                               // of every byte
  std::size_t cut_after = std::numeric_limits<std::size_t>::max();  // bytes of a connection, then it ends
  double cut_chance = 0;                                            // of a connection, at each piece that arrives
  double corrupt_chance = 0;                                        // of a byte, to become another one
};

class ChaosProxy {
 public:
  enum class Direction { to_server, to_client };

  struct Counts {
    std::uint64_t connections = 0;
    std::uint64_t cut = 0;
    std::uint64_t corrupted = 0;  // bytes
    std::uint64_t forwarded = 0;  // bytes
  };

  explicit ChaosProxy(std::uint16_t server_port, std::uint64_t seed = 1);
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void misbehave(Direction direction, const Mischief& mischief);
  void misbehave(const Mischief& mischief);  // in both directions
  void behave() { misbehave({}); }

  // Half-open: the connections stay and carry nothing. `stall_present` leaves those that come later alone.
  void stall();
  void stall_present();
  void resume();
  void cut_all();

  Counts counts() const;

 private:
  class Relay;
  struct Orders {
    Mischief to_server;
    Mischief to_client;
    bool stall = false;
  };

  void serve();
  bool work();  // false: it is to end
  void accept_all() ALDIS_REQUIRES(mutex_);
  void wake() const;

  const std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  FileDescriptor listener_;
  FileDescriptor wake_;
  mutable Mutex mutex_;
  Orders orders_ ALDIS_GUARDED_BY(mutex_);
  Counts counts_ ALDIS_GUARDED_BY(mutex_);
  std::list<Relay> relays_ ALDIS_GUARDED_BY(mutex_);
  std::mt19937_64 random_ ALDIS_GUARDED_BY(mutex_);
  bool end_ ALDIS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace aldis::testing
