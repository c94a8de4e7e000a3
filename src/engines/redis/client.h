#pragma once
// What the Redis engines call: runs a script, or reads, on whichever node owns the keys. Implemented in client.cc over
// topology.h (which node), node.h (its connections) and routing.h (what an error means).
//
// Model: every call has a deadline, `call_timeout` from its start. Inside it whatever is normal for a Redis in trouble
// is met by trying again with a growing pause, drawn by lot: a lost or refused connection, MOVED, TRYAGAIN, LOADING,
// READONLY, CLUSTERDOWN, MASTERDOWN, BUSY, a failover. NOSCRIPT is answered with the text. At the deadline the call is
// `unavailable`. A call may have been carried out although it failed (then its error says so), and may be carried out
// twice: scripts recognise the client-made id of what they did already. While a cluster moves a slot no script runs on
// its groups: a script names no key but the group's, so neither server could tell that it needs keys of both. Reads of
// one command go on meanwhile. Threads: safe from any thread; each call has a connection of its own meanwhile, from a
// bounded pool a server (a call waits, within its deadline, while all are in use). Errors: unavailable (retryable);
// permission_denied (password, ACL); resource_exhausted (the server is out of memory: OOM); failed_precondition (too
// old a server, another kind of store than the URL names); internal for an answer that no rule knows. fork: in the
// child nothing is sent; destructors close descriptors only.

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/redis/redis_options.h"
#include "engines/redis/reply.h"
#include "engines/redis/script.h"

namespace aldis {

class Topology;

// durable: with `replicas` in the options, it is done only once that many replicas have it (WAIT). durable_change: so
// is an answer that tells of a change (answer_reader.h), which takes another round trip; others are answered at once.
enum class Durability { fleeting, durable, durable_change };

// Commands that are read together, as one transaction where they are several; or a script that only reads.
struct ReadRequest {
  std::string group;
  std::vector<std::vector<std::string>> commands = {};
  const Script* script = nullptr;  // given: runs as by `run`, and there are no commands
  std::vector<std::string> arguments = {};
};

class RedisClient {
 public:
  // Makes the first connection: what is wrong with address, password or version shows here, at once. A failover that
  // Sentinels or a cluster are busy with is waited for, as in every call.
  static Result<std::shared_ptr<RedisClient>> open(RedisOptions options, std::chrono::nanoseconds call_timeout,
                                                   std::shared_ptr<const Clock> clock);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // EVALSHA with KEYS[1] = group, ARGV[1] = "PUBLISH" or "SPUBLISH" as the node wants it, then `arguments`.
  // `at_most`: a shorter time than the call timeout; so short that no part of it is kept for another server.
  Result<Reply> run(const Script& script, std::string_view group, std::span<const std::string_view> arguments,
                    Durability durability = Durability::fleeting, std::optional<std::chrono::nanoseconds> at_most = {});

  // One round trip a node. Answers in the order of the requests: the command's or script's own, the array of EXEC for
  // several commands. `at_most`: a shorter time than the call timeout.
  Result<std::vector<Reply>> read(std::span<const ReadRequest> requests,
                                  std::optional<std::chrono::nanoseconds> at_most = {});

  Topology& topology() const;  // for the subscriber, which has connections of its own

  // After a call began, for so long it may be sent again.
  std::chrono::nanoseconds call_timeout() const;

 private:
  class Impl;
  explicit RedisClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aldis
