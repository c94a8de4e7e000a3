// Scripts on a real master that Sentinels watch.

#include "redis/sentinel.h"

#include <gmock/gmock.h>

#include <thread>

#include "redis/client_world.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedisClientUnderSentinels, finds_the_master_although_the_first_of_them_is_dead) {
  const RedisSentinels sentinels;
  sentinels.sentinels().front()->kill();
  EXPECT_EQ(length_after(*connect(sentinels.url())), 1);
  EXPECT_EQ(sentinels.servers().front()->command({"LLEN", kGroup + ":list"}), "1");
}

TEST(RedisClientUnderSentinels, goes_on_with_the_replica_that_takes_over) {
  const RedisSentinels sentinels;
  const auto client = connect(sentinels.url(), 60s);
  EXPECT_EQ(length_after(*client), 1);
  const std::string killed = sentinels.servers().front()->address();
  std::jthread killer([&] { sentinels.fail_over(); });
  for (int i = 0; i < 50; ++i) EXPECT_GT(length_after(*client), 0);
  killer.join();
  EXPECT_GT(length_after(*client), 0);
  EXPECT_NE((*client->topology().node_of(kGroup, SteadyTime::max()))->name(), killed);
}

TEST(RedisClientUnderSentinels, follows_a_master_that_they_exchange_in_peace) {
  const RedisSentinels sentinels;
  const auto client = connect(sentinels.url(), 60s);
  EXPECT_EQ(length_after(*client), 1);
  const RedisServer& former = *sentinels.servers().front();
  const auto is_begun = [&] {
    return sentinels.sentinels().front()->command({"SENTINEL", "FAILOVER", "aldis"}) == "OK";
  };
  ASSERT_TRUE(eventually(is_begun));
  sentinels.wait_for_master_change(former);
  EXPECT_EQ(length_after(*client), 2);
}

TEST(RedisClientUnderSentinels, is_opened_during_a_failover_once_it_is_over) {
  const RedisSentinels sentinels;
  const RedisServer& former = *sentinels.servers().front();
  sentinels.servers().front()->kill();
  const auto client = connect(sentinels.url(), 60s);
  ASSERT_TRUE(client);
  EXPECT_EQ(length_after(*client), 1);
  EXPECT_NE((*client->topology().node_of(kGroup, SteadyTime::max()))->name(), former.address());
}

TEST(RedisClientUnderSentinels, is_refused_at_the_deadline_when_no_master_comes) {
  const RedisSentinels sentinels({.replicas = 0});
  sentinels.servers().front()->kill();
  const auto client = try_connect(sentinels.url(), 300ms);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::unavailable);
  EXPECT_THAT(client.error().message, AllOf(HasSubstr(sentinels.servers().front()->address()), HasSubstr("attempts")));
}

TEST(RedisClientUnderSentinels, is_refused_at_once_when_none_of_them_answers) {
  const RedisSentinels sentinels;
  for (const auto& sentinel : sentinels.sentinels()) sentinel->kill();
  const auto client = try_connect(sentinels.url(), 24h);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::unavailable);
}

TEST(RedisClientUnderSentinels, says_that_a_server_is_none_of_them) {
  const RedisServer server;
  const auto client = try_connect("redis+sentinel://" + server.address() + "/aldis", 24h);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(client.error().message, AllOf(HasSubstr("is no Sentinel: use redis://"), Not(HasSubstr("ERR"))));
}

TEST(RedisClientUnderSentinels, names_the_options_of_their_password) {
  const RedisServer guarded({.password = "secret"});
  const auto client = try_connect("redis+sentinel://:secret@" + guarded.address() + "/aldis", 24h);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(client.error().message, HasSubstr("sentinel_password"));
}

TEST(RedisClientUnderSentinels, says_that_they_do_not_know_the_master_s_name) {
  const RedisSentinels sentinels;
  std::string url = sentinels.url();
  url.replace(url.rfind("/aldis"), 6, "/other");
  const auto client = try_connect(url, 24h);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(client.error().message, HasSubstr("other"));
}

TEST(RedisClientUnderSentinels, says_that_a_sentinel_is_one_to_who_asks_for_a_server) {
  const RedisSentinels sentinels;
  const auto client = try_connect("redis://" + sentinels.sentinels().front()->address());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(client.error().message, HasSubstr("redis+sentinel://"));
}

}  // namespace
}  // namespace aldis::testing
