#pragma once
// The command line on each kind of store. Used by the tests of capabilities that are the same on all. Header only.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/sha256.h"
#include "program.h"
#include "redis/server.h"

namespace aldis::testing {

class OnEachStore : public ::testing::TestWithParam<const char*> {
 protected:
  OnEachStore() {
    if (std::string(GetParam()) == "redis") server_ = std::make_unique<RedisServer>();
  }
  Ended aldis(const Words& words, Variables more = {}, std::string_view input = {}) const {
    return sandbox.aldis(words, with_store(std::move(more)), input);
  }
  Variables environment(Variables more = {}) const { return sandbox.environment(with_store(std::move(more))); }
  bool is_local() const { return server_ == nullptr; }

  Sandbox sandbox;

 private:
  Variables with_store(Variables more) const {
    if (server_) more.try_emplace("ALDIS_STORE", server_->url());
    return more;
  }

  std::unique_ptr<RedisServer> server_;
};

// As somebody may who owns the store, and no command does: the context and, with it, its hash.
inline void change_context(const RedisServer& server, const std::string& request_id, const std::string& context) {
  const std::string key = "aldis1:{default/a}:r:" + request_id.substr(std::string("apr_").size());
  const std::string change =
      "local record = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'r')) record[4] = ARGV[2] "
      "return redis.call('HSET', KEYS[1], 'c', ARGV[1], 'r', cmsgpack.pack(record))";
  EXPECT_EQ(server.command({"EVAL", change, "1", key, context, sha256_hex(context)}), "0") << "no new field";
}

inline std::string name_of_store(const ::testing::TestParamInfo<const char*>& test) { return test.param; }

#define ALDIS_ON_EACH_STORE(fixture) \
  INSTANTIATE_TEST_SUITE_P(Stores, fixture, ::testing::Values("local", "redis"), name_of_store)

}  // namespace aldis::testing
