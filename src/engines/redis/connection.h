#pragma once
// One connection to a Redis server, logged in. Used by node pools, topologies and the subscriber; implemented in
// connection.cc.
//
// Model: `open` connects and logs in (AUTH, SELECT, CLIENT SETNAME aldis in one pipeline). Then commands go out as
// bytes (command.h) and replies come back in the order of the commands; a reply that is an error is a value here. After
// a failed call `usable` is false for good, as replies could no longer be told to commands. Threads: one at a time.
// Errors: those of transport.h and reply_reader.h; of open also permission_denied (the password or user is wrong or
// missing), invalid_argument (no such database).

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/redis/endpoint.h"
#include "engines/redis/redis_options.h"
#include "engines/redis/reply.h"
#include "engines/redis/reply_reader.h"
#include "engines/redis/tls.h"
#include "engines/redis/transport.h"

namespace aldis {

struct ConnectionSettings {
  Credentials credentials = {};
  unsigned database = 0;
  std::shared_ptr<const TlsContext> tls = {};  // null: clear text
  bool to_sentinel = false;                    // for messages: a Sentinel's password has options of its own
};

class Connection {
 public:
  // The clock outlives the connection.
  static Result<std::unique_ptr<Connection>> open(const ConnectionSettings& settings, const Endpoint& endpoint,
                                                  const Clock& clock, SteadyTime deadline);

  Result<void> send(std::string_view commands, SteadyTime deadline);
  Result<Reply> receive(SteadyTime deadline);

  // Sends `commands` and waits for as many replies as it holds commands.
  Result<std::vector<Reply>> exchange(std::string_view commands, std::size_t replies, SteadyTime deadline);

  // The next reply if it is here already: for who polls `descriptor` himself. Call it until it returns nothing before
  // polling again.
  Result<std::optional<Reply>> receive_now();
  int descriptor() const { return transport_->descriptor(); }

  // Before an idle connection is used again: the server has neither closed it nor sent anything. Does not wait; if
  // false the connection is not usable any more.
  bool is_quiet();

  bool usable() const { return usable_; }

 private:
  Connection(std::unique_ptr<Transport> transport, const Endpoint& endpoint);

  Result<void> log_in(const ConnectionSettings& settings, SteadyTime deadline);
  Result<std::optional<Reply>> next_reply();  // of the bytes that are here
  Error give_up(Error error);

  std::unique_ptr<Transport> transport_;
  ReplyReader reader_;
  std::string name_;
  bool usable_ = true;
};

}  // namespace aldis
