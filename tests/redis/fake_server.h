#pragma once
// A server of a test that says what the test wants, whatever RESP allows. Implemented in fake_server.cc.
//
// Model: it listens on a port of 127.0.0.1 or on a Unix socket; a thread serves one connection after the other by the
// test's function, which gets the descriptor and closes nothing. The end cuts the connection off and joins the thread.
// Threads: one thread.

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "core/file_descriptor.h"
#include "core/mutex.h"
#include "engines/redis/endpoint.h"

namespace aldis::testing {

// What a behaviour is made of. False: the client has gone.
bool write_all(int connection, std::string_view bytes);
bool read_until(int connection, std::string_view end);  // reads and forgets, until what was read ends so
void read_for_ever(int connection);

class FakeServer {
 public:
  using Behaviour = std::function<void(int connection)>;

  explicit FakeServer(Behaviour behaviour);
  FakeServer(Behaviour behaviour, const std::string& unix_path);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  void serve();
  void take(int connection);

  Behaviour behaviour_;
  FileDescriptor listener_;
  Endpoint endpoint_;
  Mutex mutex_;
  int connection_ ALDIS_GUARDED_BY(mutex_) = -1;
  bool is_ending_ ALDIS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace aldis::testing
