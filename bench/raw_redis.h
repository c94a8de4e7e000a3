#pragma once
// The yardstick of the Redis rows: bare hiredis, one blocking connection. Implemented in raw_redis.cc.
//
// Threads: one thread. Stops the benchmark when the server does not answer.

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <vector>

namespace aldis::bench {

class RawRedis {
 public:
  explicit RawRedis(const std::string& host, int port);

  // The answer, which must not be an error; freed with the next call.
  const redisReply& command(const std::vector<std::string>& words);

  // Microseconds of the server's own time a call of this command took on average since the last reset.
  double server_microseconds(const std::string& command_name);
  void reset_statistics() { command({"CONFIG", "RESETSTAT"}); }

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };

  std::unique_ptr<redisContext, Free> context_;
  std::unique_ptr<redisReply, Free> reply_;
};

}  // namespace aldis::bench
