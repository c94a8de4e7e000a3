#pragma once
// A Redis Cluster of a test's own. Implemented in cluster.cc.
//
// Model: the masters share the slots evenly, in order; each has its replicas. The nodes are told of each other by the
// nodes.conf that they start with, so there is nothing to agree on. The constructor returns when every node says
// cluster_state:ok and every replica is in sync. With a clock of the test, which may jump by days, forwards and
// backwards, nothing fails over by itself. Threads: one thread.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redis/server.h"

namespace aldis::testing {

struct RedisClusterOptions {
  std::size_t masters = 3;
  std::size_t replicas_per_master = 0;
  std::chrono::milliseconds node_timeout{1000};  // until a silent node is thought dead; not with a clock
  RedisServerOptions server = {};                // of every node
  ClockFile* clock = nullptr;                    // of every node; it is moved by some seconds at the start
};

class RedisCluster {
 public:
  explicit RedisCluster(RedisClusterOptions options = {});

  std::string url() const;  // redis+cluster://… or rediss+cluster://…
  const std::vector<std::unique_ptr<RedisServer>>& nodes() const { return nodes_; }  // masters of the start first

  static constexpr std::size_t kSlots = 16384;
  RedisServer& master_of(std::size_t slot);  // as the cluster sees it now
  std::vector<RedisServer*> replicas_of(std::size_t slot);

  // Kills the master of the slot and waits until a replica has taken over and all that live say so.
  void fail_over(std::size_t slot);
  void wait_for_master_change(std::size_t slot, const RedisServer& former);
  // The same in peace: a replica becomes master without a loss, the master its replica.
  void hand_over(std::size_t slot);
  // A slot moves to another master in three steps; between the first and the last the old one says ASK for the keys
  // that it has no more.
  void begin_move(std::size_t slot, RedisServer& to);
  void move_keys(std::size_t slot, RedisServer& to);
  void end_move(std::size_t slot, RedisServer& to);

  void wait_until_ok();

 private:
  std::string node_id(std::size_t index) const;
  std::string slots_of(std::size_t master) const;  // "0-5460"
  void write_nodes(std::size_t self) const;
  std::string id_of(const RedisServer& node) const;

  RedisClusterOptions options_;
  std::string id_prefix_;
  std::vector<std::unique_ptr<RedisServer>> nodes_;
};

}  // namespace aldis::testing
