#include "redis/sentinel.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using Begin = RedisServer::Begin;

constexpr std::size_t kSentinels = 3;

// In the form of the configuration: "127.0.0.1 6379".
std::string spaced(const RedisServer& server) { return "127.0.0.1 " + std::to_string(server.port()); }

std::string master_port_as_seen_by(const RedisServer& sentinel) {
  const std::string address = sentinel.try_command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "aldis"}).value_or("");
  return address.substr(address.find('\n') + 1);
}

// SENTINEL MASTER answers names and values, a line each.
std::string master_field(const RedisServer& sentinel, const std::string& name) {
  const std::string fields = "\n" + sentinel.try_command({"SENTINEL", "MASTER", "aldis"}).value_or("") + "\n";
  const std::size_t found = fields.find("\n" + name + "\n");
  if (found == std::string::npos) return "";
  const std::size_t begin = found + name.size() + 2;
  return fields.substr(begin, fields.find('\n', begin) - begin);
}

}  // namespace

RedisSentinels::RedisSentinels(RedisSentinelsOptions options) : options_(std::move(options)) {
  servers_.push_back(std::make_unique<RedisServer>(options_.server));
  RedisServerOptions replica = options_.server;
  replica.lines.push_back("replicaof " + spaced(*servers_.front()));
  for (std::size_t i = 0; i < options_.replicas; ++i) servers_.push_back(std::make_unique<RedisServer>(replica));
  start_sentinels();
  const bool all_see_all = eventually([this] {
    const bool in_sync = std::ranges::all_of(servers_, [](const auto& server) {
      return server->info("role") == "master" || server->info("master_link_status") == "up";
    });
    return in_sync && std::ranges::all_of(sentinels_, [this](const auto& sentinel) {
             return master_field(*sentinel, "num-other-sentinels") == std::to_string(kSentinels - 1) &&
                    master_field(*sentinel, "num-slaves") == std::to_string(options_.replicas) &&
                    master_field(*sentinel, "flags") == "master";
           });
  });
  EXPECT_TRUE(all_see_all) << "the sentinels do not see each other and the replicas";
}

void RedisSentinels::start_sentinels() {
  RedisServerOptions sentinel = options_.sentinel;
  sentinel.role = RedisServerOptions::Role::sentinel;
  sentinel.lines.insert(sentinel.lines.end(),
                        {"sentinel monitor aldis " + spaced(*servers_.front()) + " 2",
                         "sentinel down-after-milliseconds aldis " + std::to_string(options_.down_after.count()),
                         "sentinel failover-timeout aldis 3000"});
  if (!options_.server.password.empty()) {
    sentinel.lines.push_back("sentinel auth-pass aldis " + options_.server.password);
  }
  for (std::size_t i = 0; i < kSentinels; ++i) sentinels_.push_back(std::make_unique<RedisServer>(sentinel));
}

std::string RedisSentinels::url() const {
  const bool is_tls = options_.server.listen == RedisServerOptions::Listen::on_tls;
  std::string text = is_tls ? "rediss+sentinel://" : "redis+sentinel://";
  for (const auto& sentinel : sentinels_) text += (sentinel == sentinels_.front() ? "" : ",") + sentinel->address();
  return text + "/aldis";
}

RedisServer& RedisSentinels::master() const {
  const std::string port = master_port_as_seen_by(*sentinels_.front());
  for (const auto& server : servers_) {
    if (std::to_string(server->port()) == port) return *server;
  }
  ADD_FAILURE() << "the first sentinel names no master of ours: " << port;
  return *servers_.front();
}

void RedisSentinels::fail_over() const {
  RedisServer& former = master();
  former.kill();
  wait_for_master_change(former);
}

void RedisSentinels::wait_for_master_change(const RedisServer& former) const {
  const std::string former_port = std::to_string(former.port());
  const bool all_agree = eventually([&] {
    const std::string port = master_port_as_seen_by(*sentinels_.front());
    const bool same = std::ranges::all_of(
        sentinels_, [&](const auto& sentinel) { return master_port_as_seen_by(*sentinel) == port; });
    return same && port != former_port && master().info("role") == "master";
  });
  EXPECT_TRUE(all_agree) << "the sentinels chose no other master";
}

}  // namespace aldis::testing
