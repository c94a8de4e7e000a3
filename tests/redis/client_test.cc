// Scripts and reads on one real server, and what the client makes of its troubles.

#include "engines/redis/client.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "aldis/limits.h"
#include "redis/chaos_proxy.h"
#include "redis/client_world.h"
#include "redis/eventually.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::nanoseconds kShort = 200ms;  // for calls that must fail

Reply number(std::int64_t value) { return {.kind = Reply::Kind::integer, .integer = value}; }
Reply text(std::string value) { return {.kind = Reply::Kind::text, .text = std::move(value)}; }

// A count of INFO commandstats: how often the server was asked to do `command`.
std::string calls_of(const RedisServer& server, const std::string& command) {
  const std::string stats = server.command({"INFO", "commandstats"});
  const std::string line = field_of(stats, "cmdstat_" + command);
  const std::size_t begin = line.find("calls=") + 6;
  return line.empty() ? "0" : line.substr(begin, line.find(',') - begin);
}

TEST(RedisClientOnAServer, runs_a_script_with_its_group_and_the_ring_command_before_the_arguments) {
  const RedisServer server;
  const auto client = connect(server.url());
  const std::string_view arguments[] = {"a\0b\r\n", ""};
  const Result<Reply> reply = client->run(kArguments, kGroup, arguments);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->elements, (std::vector{text("PUBLISH"), text(std::string(arguments[0])), text("")}));
}

TEST(RedisClientOnAServer, sends_the_text_of_a_script_once_and_again_when_the_server_forgot_it) {
  const RedisServer server;
  const auto client = connect(server.url());
  EXPECT_EQ(length_after(*client), 1);
  EXPECT_EQ(length_after(*client), 2);
  EXPECT_EQ(calls_of(server, "eval"), "1");
  server.command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(length_after(*client), 3);
  EXPECT_EQ(calls_of(server, "eval"), "2");
}

TEST(RedisClientOnAServer, finds_it_again_after_a_restart) {
  RedisServer server;
  const auto client = connect(server.url());
  EXPECT_EQ(length_after(*client), 1);
  server.restart();
  EXPECT_EQ(length_after(*client), 1) << "nothing was persisted";
}

TEST(RedisClientOnAServer, waits_for_one_that_is_down) {
  RedisServer server;
  const auto client = connect(server.url(), 60s);
  server.kill();
  const std::jthread caller([&] { EXPECT_EQ(length_after(*client), 1); });
  server.restart();
}

TEST(RedisClientOnAServer, makes_a_new_connection_where_those_that_were_idle_are_dead_without_a_word) {
  const RedisServer server;
  ChaosProxy network(server.port());
  const auto client = connect("redis://" + network.address(), 4s);
  EXPECT_EQ(length_after(*client), 1);
  network.stall_present();
  EXPECT_EQ(length_after(*client), 2);
  network.stall_present();
  const std::vector requests = {length_of()};
  const auto replies = client->read(requests);
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ(replies->front(), number(2));
}

TEST(RedisClientOnAServer, says_at_the_deadline_what_was_wrong_and_what_to_do) {
  RedisServer server;
  const auto client = connect(server.url(), kShort);
  server.kill();
  const Result<Reply> reply = append(*client, "w");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(reply.error().retryable);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr(server.address()), HasSubstr("refused"), HasSubstr("attempts"),
                                           HasSubstr("is the server running")));
}

TEST(RedisClientOnAServer, gives_up_on_one_that_is_stopped) {
  const RedisServer server;
  const auto client = connect(server.url(), kShort);
  server.stop();
  const Result<Reply> reply = append(*client, "w");
  const std::vector requests = {length_of()};
  const auto replies = client->read(requests);
  server.go_on();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("it may have been done")) << "and will be, when the server goes on";
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, ErrorCode::unavailable);
  EXPECT_THAT(replies.error().message, Not(HasSubstr("may have been done")));
}

TEST(RedisClientOnAServer, is_refused_at_once_when_nobody_listens) {
  RedisServer server;
  server.kill();
  const auto client = try_connect(server.url(), 24h);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::unavailable);
  EXPECT_THAT(client.error().message, HasSubstr(server.address()));
}

TEST(RedisClientOnAServer, gives_up_a_read_sooner_if_it_is_told_to) {
  const RedisServer server;
  const auto client = connect(server.url(), 24h);
  server.stop();
  const std::vector requests = {length_of()};
  const auto replies = client->read(requests, kShort);
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, ErrorCode::unavailable);
}

TEST(RedisClientOnAServer, gives_each_advice_once) {
  RedisServer server;
  const auto client = connect(server.url(), kShort);
  server.kill();
  const Result<Reply> late = append(*client, "w");
  const auto refused = try_connect(server.url());
  ASSERT_FALSE(late);
  ASSERT_FALSE(refused);
  for (const std::string& message : {late.error().message, refused.error().message}) {
    const std::string advice = "is the server running";
    EXPECT_EQ(message.find(advice), message.rfind(advice)) << message;
    EXPECT_THAT(message, HasSubstr(advice));
  }
}

TEST(RedisClientOnAServer, reads_in_the_order_of_the_requests) {
  const RedisServer server;
  const auto client = connect(server.url());
  const std::string other = "aldis1:{t/m/01}";
  length_after(*client, "w", other);
  const std::vector<ReadRequest> requests = {
      length_of(),
      length_of(other),
      {.group = other, .commands = {{"LLEN", other + ":list"}, {"LRANGE", other + ":list", "0", "-1"}}}};
  const auto replies = client->read(requests);
  ASSERT_TRUE(replies) << replies.error().message;
  const Reply words = {.kind = Reply::Kind::array, .elements = {text("w")}};
  EXPECT_EQ(*replies,
            (std::vector<Reply>{number(0), number(1), {.kind = Reply::Kind::array, .elements = {number(1), words}}}));
}

TEST(RedisClientOnAServer, reads_more_than_fits_into_one_pipeline) {
  const RedisServer server;
  const auto client = connect(server.url());
  length_after(*client);
  const std::vector<ReadRequest> requests(2 * limits::kRedisPipelineMax + 1, length_of());
  const auto replies = client->read(requests);
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_EQ(std::ranges::count(*replies, number(1)), 2 * limits::kRedisPipelineMax + 1);
}

TEST(RedisClientOnAServer, reads_nothing_without_asking_anybody) {
  RedisServer server;
  const auto client = connect(server.url());
  server.kill();
  EXPECT_TRUE(client->read({}));
}

TEST(RedisClientOnAServer, passes_on_what_a_read_must_not_find) {
  const RedisServer server;
  const auto client = connect(server.url());
  server.command({"SET", kGroup + ":list", "x"});
  const std::vector requests = {length_of()};
  const auto replies = client->read(requests);
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, ErrorCode::internal);
  EXPECT_THAT(replies.error().message, HasSubstr("WRONGTYPE"));
}

TEST(RedisClientOnAServer, makes_no_more_connections_than_its_limit_for_64_threads) {
  const RedisServer server;
  const auto client = connect(server.url(), 60s);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 64; ++i) {
      threads.emplace_back([&] {
        const std::vector<ReadRequest> requests(8, length_of());
        for (int turn = 0; turn < 20; ++turn) {
          EXPECT_GT(length_after(*client), 0);
          EXPECT_TRUE(client->read(requests));
        }
      });
    }
  }
  EXPECT_EQ(length_after(*client), 64 * 20 + 1) << "each call was carried out once";
  const std::string clients = server.command({"CLIENT", "LIST", "TYPE", "normal"});
  std::size_t ours = 0;
  for (std::size_t at = clients.find("name=aldis"); at != std::string::npos; at = clients.find("name=aldis", at + 1))
    ++ours;
  EXPECT_LE(ours, limits::kRedisConnectionsMax);
}

TEST(RedisClientOnAServer, waits_for_a_free_connection_no_longer_than_its_deadline) {
  const RedisServer server;
  const auto client = connect(server.url(), kShort);
  const std::shared_ptr<Node> node = *client->topology().node_of(kGroup, SteadyTime::max());
  std::vector<Node::Borrowed> all;
  while (all.size() < limits::kRedisConnectionsMax) {
    auto borrowed = node->borrow(SystemClock{}.steady_now() + 10s);
    ASSERT_TRUE(borrowed) << borrowed.error().message;
    all.push_back(*std::move(borrowed));
  }
  const Result<Reply> reply = append(*client, "w");
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message, HasSubstr("in use"));
  all.back().give_back();
  all.pop_back();
  EXPECT_EQ(length_after(*client), 1);
}

TEST(RedisClientOnAServer, waits_while_it_is_busy_with_a_script_of_somebody) {
  const RedisServer server({.lines = {"busy-reply-threshold 1"}});
  const auto client = connect(server.url(), 60s);
  length_after(*client);
  std::jthread hog([&] { server.try_command({"EVAL", "while true do end", "0"}); });
  ASSERT_TRUE(eventually([&] { return server.try_command({"PING"}).value_or("").starts_with("BUSY"); }));
  const std::jthread killer(
      [&] { ASSERT_TRUE(eventually([&] { return server.try_command({"SCRIPT", "KILL"}) == "OK"; })); });
  EXPECT_EQ(length_after(*client), 2);
}

TEST(RedisClientOnAServer, names_a_full_memory_as_what_it_is) {
  const RedisServer server;
  const auto client = connect(server.url());
  server.command({"CONFIG", "SET", "maxmemory", "1"});
  const Result<Reply> reply = append(*client, "w");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::resource_exhausted);
  EXPECT_THAT(reply.error().message, HasSubstr("maxmemory"));
}

std::string with_login(const RedisServer& server, const std::string& login) {
  return "redis://" + login + "@" + server.address();
}

TEST(RedisLogin, with_a_wrong_password_is_denied_at_once_and_does_not_repeat_it) {
  const RedisServer server({.password = "right"});
  EXPECT_EQ(length_after(*connect(with_login(server, ":right"))), 1);
  for (const std::string& url : {with_login(server, ":wr0ng"), with_login(server, "nobody:wr0ng"), server.url()}) {
    const auto client = try_connect(url, 24h);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::permission_denied) << client.error().message;
    EXPECT_THAT(client.error().message, Not(HasSubstr("wr0ng")));
  }
}

TEST(RedisLogin, that_changes_while_connected_is_denied_on_the_next_connection) {
  const RedisServer server({.acl = "user agent on >right ~* &* +@all\n"});
  const auto client = connect(with_login(server, "agent:right"), 24h);
  server.command({"ACL", "SETUSER", "agent", "resetpass", ">other"});
  server.command({"CLIENT", "KILL", "USER", "agent"});
  const Result<Reply> reply = append(*client, "w");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::permission_denied) << reply.error().message;
}

TEST(RedisLogin, without_the_rights_for_a_script_or_its_keys_is_denied) {
  const RedisServer server({.acl = "user narrow on >pass ~aldis1:{t/* &aldis1:{t/* +@all -@scripting\n"
                                   "user writer on >pass ~aldis1:{t/* &aldis1:{t/* +@all -rpush\n"
                                   "user reader on >pass ~aldis1:{t/* &aldis1:{t/* +evalsha +eval +rpush +llen\n"});
  EXPECT_EQ(length_after(*connect(with_login(server, "reader:pass"))), 1) << "this is all that it takes";
  for (const std::string user : {"narrow", "writer"}) {
    const Result<Reply> reply = append(*connect(with_login(server, user + ":pass"), 24h), "w");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::permission_denied) << reply.error().message;
  }
  const Result<Reply> foreign = append(*connect(with_login(server, "reader:pass"), 24h), "w", "aldis1:{other/m/00}");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::permission_denied) << foreign.error().message;
}

TEST(RedisReplicas, that_must_have_a_write_have_it_when_the_call_returns) {
  const RedisServer master;
  const RedisServer replica({.lines = {"replicaof 127.0.0.1 " + std::to_string(master.port())}});
  ASSERT_TRUE(eventually([&] { return replica.info("master_link_status") == "up"; }));
  const auto client = connect(master.url() + "?replicas=1", 60s);
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(append(*client, "w", kGroup, Durability::durable));
    EXPECT_EQ(replica.command({"LLEN", kGroup + ":list"}), std::to_string(i));
  }
}

TEST(RedisReplicas, that_are_missing_make_a_durable_call_unavailable_and_no_other) {
  const RedisServer server;
  const auto client = connect(server.url() + "?replicas=1", 500ms);
  EXPECT_EQ(length_after(*client), 1);
  const Result<Reply> reply = append(*client, "w", kGroup, Durability::durable);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("0 of the 1 replicas"), HasSubstr("it may have been done")));
}

TEST(RedisKinds, are_told_apart_at_the_first_connection) {
  const RedisServer master;
  const auto as_cluster = try_connect("redis+cluster://" + master.address());
  ASSERT_FALSE(as_cluster);
  EXPECT_EQ(as_cluster.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(as_cluster.error().message, HasSubstr("use redis://"));

  const RedisServer replica({.lines = {"replicaof 127.0.0.1 " + std::to_string(master.port())}});
  const auto as_master = try_connect(replica.url());
  ASSERT_FALSE(as_master);
  EXPECT_EQ(as_master.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(as_master.error().message, HasSubstr("replica"));
}

}  // namespace
}  // namespace aldis::testing
