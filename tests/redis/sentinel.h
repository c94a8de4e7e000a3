#pragma once
// A Redis master with replicas, watched by three sentinels. Implemented in sentinel.cc.
//
// Model: the sentinels call it "aldis" and know each other and the replicas from the start. The constructor returns
// when the replicas are in sync and every sentinel sees all of them. Threads: one thread.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "redis/server.h"

namespace aldis::testing {

struct RedisSentinelsOptions {
  std::size_t replicas = 1;
  std::chrono::milliseconds down_after{500};  // until a silent server is thought down
  RedisServerOptions server = {};             // of master and replicas
  RedisServerOptions sentinel = {};           // of the sentinels
};

class RedisSentinels {
 public:
  explicit RedisSentinels(RedisSentinelsOptions options = {});

  std::string url() const;  // redis+sentinel://ADDRESS,ADDRESS,ADDRESS/aldis or rediss+sentinel://…
  const std::vector<std::unique_ptr<RedisServer>>& servers() const { return servers_; }  // the first master first
  const std::vector<std::unique_ptr<RedisServer>>& sentinels() const { return sentinels_; }

  RedisServer& master() const;  // as the first sentinel sees it
  // Kills the master and waits until every sentinel names another and that one is master.
  void fail_over() const;
  void wait_for_master_change(const RedisServer& former) const;

 private:
  void start_sentinels();

  RedisSentinelsOptions options_;
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<RedisServer>> sentinels_;
};

}  // namespace aldis::testing
