// What a server says of itself when it is greeted, and whether that will do.

#include "engines/redis/node.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <string_view>

#include "redis/fake_server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string text(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}

std::string hello(std::string_view version, std::string_view mode, std::string_view role = "master") {
  return "*6\r\n" + text("version") + text(version) + text("mode") + text(mode) + text("role") + text(role);
}

// Greets a server that answers HELLO so.
struct Greeting {
  Greeting(const std::string& answer, bool is_cluster)
      : server([answer](int peer) {
          if (read_until(peer, "aldis\r\n") && write_all(peer, "+OK\r\n") && read_until(peer, "HELLO\r\n$1\r\n2\r\n") &&
              write_all(peer, answer)) {
            read_for_ever(peer);
          }
        }),
        node(std::make_shared<Node>(server.endpoint(), Node::Access{.settings = std::make_shared<ConnectionSettings>(),
                                                                    .is_cluster = is_cluster,
                                                                    .clock = &clock})),
        connection(node->connect(clock.steady_now() + 30s)) {}

  SystemClock clock;
  FakeServer server;
  std::shared_ptr<Node> node;
  Result<std::unique_ptr<Connection>> connection;
};

std::string refusal(const std::string& answer, bool is_cluster = false) {
  const Greeting greeting(answer, is_cluster);
  if (greeting.connection) return "";
  EXPECT_EQ(greeting.connection.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(greeting.connection.error().message, HasSubstr(greeting.node->name()));
  return greeting.connection.error().message;
}

TEST(RedisNode, takes_a_server_of_6_2_or_newer) {
  for (const std::string_view version : {"6.2.0", "7", "7.0.15", "8.0-rc1", "10.0.0"}) {
    EXPECT_EQ(refusal(hello(version, "standalone")), "");
  }
}

TEST(RedisNode, refuses_an_older_one_and_names_both_versions) {
  for (const std::string_view version : {"6.0.16", "6", "5.9.9"}) {
    EXPECT_THAT(refusal(hello(version, "standalone")), AllOf(HasSubstr(version), HasSubstr("6.2")));
  }
  EXPECT_THAT(refusal("-ERR unknown command `HELLO`, with args beginning with: `2`\r\n"),
              AllOf(HasSubstr("older than 6.0"), HasSubstr("6.2")));
}

TEST(RedisNode, refuses_another_kind_of_server_than_the_url_names) {
  EXPECT_THAT(refusal(hello("7.0.15", "cluster"), false), HasSubstr("redis+cluster://"));
  EXPECT_THAT(refusal(hello("7.0.15", "standalone"), true), HasSubstr("use redis://"));
  EXPECT_THAT(refusal(hello("7.0.15", "sentinel")), HasSubstr("redis+sentinel://"));
}

TEST(RedisNode, rings_by_sharded_channels_where_a_cluster_has_them) {
  EXPECT_EQ(Greeting(hello("7.0.0", "cluster"), true).node->ring_command(), "SPUBLISH");
  EXPECT_EQ(Greeting(hello("6.2.14", "cluster"), true).node->ring_command(), "PUBLISH");
  EXPECT_EQ(Greeting(hello("7.0.0", "standalone"), false).node->ring_command(), "PUBLISH");
}

TEST(RedisNode, knows_a_replica) {
  EXPECT_TRUE(Greeting(hello("7.0.15", "standalone", "slave"), false).node->is_replica());
  EXPECT_FALSE(Greeting(hello("7.0.15", "standalone"), false).node->is_replica());
}

}  // namespace
}  // namespace aldis::testing
