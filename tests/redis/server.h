#pragma once
// A real redis-server of a test's own. Implemented in server.cc; cluster.h and sentinel.h put several together.
//
// Model: it runs in a scratch directory, listens on a Unix socket there and, unless told otherwise, on a port of
// 127.0.0.1 that it keeps for life. It is ready when the constructor returns; when it cannot be, the test fails with
// its log. Killed with SIGKILL at the end, or with the thread that made it. Threads: one thread, but `command`,
// `try_command`, `stop` and `go_on` from any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fakes/scratch_directory.h"
#include "redis/certificates.h"
#include "redis/clock_file.h"
#include "redis/loopback_port.h"
#include "redis/server_process.h"

namespace aldis::testing {

struct RedisServerOptions {
  enum class Listen { on_socket, on_tcp, on_tls };
  enum class Role { alone, cluster_node, sentinel };

  Listen listen = Listen::on_tcp;
  std::optional<ServerTls> tls = {};  // for on_tls
  std::string password = {};          // requirepass
  std::string acl = {};               // lines of an ACL file; the test's own commands need no user of theirs
  bool append_only = false;           // with appendfsync always
  Role role = Role::alone;
  const ClockFile* clock = nullptr;  // the server's wall clock; must outlive it
  Words lines = {};                  // more lines of redis.conf: "maxmemory 10mb"
};

class RedisServer {
 public:
  enum class Begin { started, later };

  explicit RedisServer(RedisServerOptions options = {}, Begin begin = Begin::started);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  std::string url() const;         // redis://127.0.0.1:PORT, rediss://… or, on a socket only, socket_url()
  std::string socket_url() const;  // redis+unix://PATH
  std::string address() const;     // 127.0.0.1:PORT
  std::uint16_t port() const { return port_.number(); }
  std::uint16_t bus_port() const { return bus_port_.number(); }  // of a cluster node
  std::string file(std::string_view name) const { return directory_.file(name); }
  pid_t pid() const { return process_.pid(); }

  void start();        // does not wait
  void kill();         // SIGKILL
  void restart();      // kills it if it runs, then starts it again: same directory, same port; waits until it is ready
  void stop() const;   // SIGSTOP
  void go_on() const;  // SIGCONT
  void wait_until_ready();

  // See admin.h for answers. Without an answer, `command` fails the test.
  std::string command(const Words& words) const;
  std::optional<std::string> try_command(const Words& words) const;

  // The value after "field:" in INFO, or in any answer of that form.
  std::string info(std::string_view field) const;

 private:
  void write_configuration() const;
  std::string socket_path() const { return directory_.file("redis.sock"); }

  ScratchDirectory directory_;
  RedisServerOptions options_;
  LoopbackPort port_;
  LoopbackPort bus_port_;
  ServerProcess process_;
};

// "ok" of "cluster_state:ok\r\n…".
std::string field_of(std::string_view text, std::string_view name);

}  // namespace aldis::testing
