// Scripts and reads on a real cluster: who serves what, and what happens while that changes.

#include "redis/cluster.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <thread>

#include "engines/redis/groups.h"
#include "redis/client_world.h"
#include "redis/eventually.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr std::chrono::nanoseconds kShort = 300ms;  // for calls that must fail

SteadyTime soon() { return SystemClock{}.steady_now() + 10s; }

std::string list_of(const std::string& group) { return group + ":list"; }

// One of the other masters.
RedisServer& other_master(RedisCluster& cluster, HashSlot slot) {
  for (const std::size_t candidate : {0, 6000, 12000}) {
    if (&cluster.master_of(candidate) != &cluster.master_of(slot)) return cluster.master_of(candidate);
  }
  ADD_FAILURE() << "there is one master only";
  return cluster.master_of(slot);
}

TEST(RedisClientOnACluster, finds_the_server_of_each_group_from_any_of_them) {
  RedisCluster cluster;
  const auto client = connect("redis+cluster://" + cluster.nodes()[2]->address());
  const Groups groups("t");
  for (unsigned shard = 0; shard < 16; ++shard) {
    const std::string group = groups.mailbox_shard(shard);
    EXPECT_EQ(length_after(*client, "w", group), 1);
    EXPECT_EQ(cluster.master_of(slot_of(group)).command({"LLEN", list_of(group)}), "1");
  }
}

TEST(RedisClientOnACluster, rings_by_sharded_channels) {
  RedisCluster cluster;
  const Result<Reply> reply = connect(cluster.url())->run(kArguments, kGroup, {});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->elements.front().text, "SPUBLISH");
}

TEST(RedisClientOnACluster, reads_from_all_servers_in_the_order_of_the_requests) {
  RedisCluster cluster;
  const auto client = connect(cluster.url());
  const Groups groups("t");
  std::vector<ReadRequest> requests;
  for (unsigned shard = 0; shard < kMailboxShards; ++shard) {
    const std::string group = groups.mailbox_shard(shard);
    for (unsigned i = 0; i < shard % 3; ++i) length_after(*client, "w", group);
    requests.push_back(length_of(group));
  }
  requests.push_back({.group = kGroup, .commands = {{"LLEN", list_of(kGroup)}, {"EXISTS", list_of(kGroup)}}});
  const auto replies = client->read(requests);
  ASSERT_TRUE(replies) << replies.error().message;
  for (unsigned shard = 0; shard < kMailboxShards; ++shard) EXPECT_EQ((*replies)[shard].integer, shard % 3);
  EXPECT_EQ(replies->back().elements.size(), 2);
}

TEST(RedisClientOnACluster, knows_its_masters) {
  RedisCluster cluster;
  const auto client = connect(cluster.url());
  const auto masters = client->topology().masters(soon());
  ASSERT_TRUE(masters) << masters.error().message;
  std::set<std::string> names;
  for (const auto& master : *masters) names.insert(master->name());
  std::set<std::string> expected;
  for (const auto& node : cluster.nodes()) expected.insert(node->address());
  EXPECT_EQ(names, expected);
}

TEST(RedisClientOnACluster, follows_a_slot_that_moved) {
  RedisCluster cluster;
  const auto client = connect(cluster.url());
  const HashSlot slot = slot_of(kGroup);
  EXPECT_EQ(length_after(*client), 1);
  RedisServer& to = other_master(cluster, slot);
  cluster.begin_move(slot, to);
  cluster.move_keys(slot, to);
  cluster.end_move(slot, to);
  EXPECT_EQ(length_after(*client), 2);
  const std::vector requests = {length_of()};
  EXPECT_EQ((*client->read(requests)).front().integer, 2);
  EXPECT_EQ((*client->topology().node_of(kGroup, soon()))->name(), to.address());
}

// A script names no key but its group's, so neither server could tell that some of the keys that it changes are still
// on the other. Running it where ASK points began a second list there.
TEST(RedisClientOnACluster, runs_no_script_on_half_of_a_moving_slot) {
  RedisCluster cluster;
  const auto client = connect(cluster.url(), kShort);
  const auto patient = connect(cluster.url(), 60s);
  const HashSlot slot = slot_of(kGroup);
  EXPECT_EQ(length_after(*client), 1);
  RedisServer& from = cluster.master_of(slot);
  RedisServer& to = other_master(cluster, slot);
  cluster.begin_move(slot, to);
  const Result<Reply> reply = append(*client, "w");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("migration"));

  std::jthread waiting([&] { EXPECT_EQ(length_after(*patient), 2) << "the same list, once it has moved"; });
  cluster.move_keys(slot, to);
  cluster.end_move(slot, to);
  waiting.join();
  EXPECT_EQ(to.command({"LLEN", list_of(kGroup)}), "2");
  EXPECT_NE(from.command({"LLEN", list_of(kGroup)}), "1");
}

TEST(RedisClientOnACluster, reads_a_key_of_a_moving_slot_where_it_is) {
  RedisCluster cluster;
  const auto client = connect(cluster.url());
  const HashSlot slot = slot_of(kGroup);
  EXPECT_EQ(length_after(*client), 1);
  RedisServer& to = other_master(cluster, slot);
  const std::vector<ReadRequest> requests = {length_of(),
                                             {.group = kGroup, .commands = {{"LLEN", kGroup + ":nothing"}}}};
  cluster.begin_move(slot, to);
  const auto before = client->read(requests);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->front().integer, 1) << "still on the old server";
  cluster.move_keys(slot, to);
  const auto after = client->read(requests);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->front().integer, 1) << "already on the new one";
  EXPECT_EQ(after->back().integer, 0);
}

TEST(RedisClientOnACluster, goes_on_with_the_replica_that_takes_over) {
  RedisCluster cluster({.replicas_per_master = 1});
  const auto client = connect(cluster.url() + "?replicas=1", 60s);
  const HashSlot slot = slot_of(kGroup);
  ASSERT_TRUE(append(*client, "w", kGroup, Durability::durable));
  const std::string killed = cluster.master_of(slot).address();
  std::jthread killer([&] { cluster.fail_over(slot); });
  for (int i = 0; i < 50; ++i) EXPECT_GT(length_after(*client), 1);
  killer.join();
  // A call whose answer died with the master is sent again, and this script, unlike the engine's, knows no repeats.
  EXPECT_THAT(length_after(*client), AnyOf(52, 53));
  EXPECT_NE((*client->topology().node_of(kGroup, soon()))->name(), killed);
}

TEST(RedisClientOnACluster, goes_on_although_a_master_falls_silent) {
  RedisCluster cluster({.replicas_per_master = 1});
  const auto client = connect(cluster.url(), 60s);
  EXPECT_EQ(length_after(*client), 1);
  const RedisServer& master = cluster.master_of(slot_of(kGroup));
  master.stop();
  EXPECT_EQ(length_after(*client), 2);
  master.go_on();
}

TEST(RedisClientOnACluster, follows_a_master_that_hands_over_in_peace) {
  RedisCluster cluster({.replicas_per_master = 1});
  const auto client = connect(cluster.url(), 60s);
  EXPECT_EQ(length_after(*client), 1);
  cluster.hand_over(slot_of(kGroup));
  EXPECT_EQ(length_after(*client), 2);
}

TEST(RedisClientOnACluster, says_that_a_server_is_a_cluster_to_who_asks_for_one_server) {
  const RedisCluster cluster({.masters = 1});
  const auto client = try_connect(cluster.nodes().front()->url());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(client.error().message, HasSubstr("use redis+cluster://"));
}

TEST(RedisClientOnACluster, is_refused_at_once_when_nobody_listens) {
  const RedisCluster cluster({.masters = 1});
  cluster.nodes().front()->kill();
  const auto client = try_connect(cluster.url(), 24h);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace aldis::testing
