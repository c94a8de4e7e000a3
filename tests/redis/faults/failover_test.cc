// A master that dies under load and the replica that takes over: exact with replicas=1, a loss window without.

#include <gmock/gmock.h>

#include <future>
#include <iostream>

#include "redis/cluster.h"
#include "redis/eventually.h"
#include "redis/faults/traffic.h"
#include "redis/sentinel.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kCallTimeout = 15s;  // longer than a failover, so that its calls come through
constexpr auto kLag = 300ms;        // less than what makes a replica seem dead

WorkspaceOptions store_at(const std::string& url) {
  return {.store = url, .namespace_name = "faults", .call_timeout = kCallTimeout};
}

// What docs/redis.md says of replicas=0: some of the last moment may be lost, or come twice. It is counted, and shown.
void show(const TrafficReport& report) { std::cout << "[ loss    ] " << report.text() << '\n'; }

// Kills the master while its replica has not heard of it for a while.
void kill_unheard(RedisServer& master, const RedisServer& replica) {
  replica.stop();
  master.command({"CLIENT", "KILL", "TYPE", "replica"});
  let_pass(kLag);
  master.kill();
  replica.go_on();
}

// A slot that is in use: of a key of the node that has most of them.
std::size_t busy_slot(const RedisCluster& cluster) {
  const RedisServer* fullest = nullptr;
  long keys_max = 0;
  for (const auto& node : cluster.nodes()) {
    const long keys = node->info("role") == "master" ? std::stol(node->command({"DBSIZE"})) : 0;
    if (keys > keys_max) fullest = node.get();
    keys_max = std::max(keys, keys_max);
  }
  return std::stoul(fullest->command({"CLUSTER", "KEYSLOT", fullest->command({"RANDOMKEY"})}));
}

void fail_over_and_heal(RedisCluster& cluster, Traffic& traffic) {
  traffic.wait_until_it_flows();
  const std::size_t slot = busy_slot(cluster);
  RedisServer& former = cluster.master_of(slot);
  kill_unheard(former, *cluster.replicas_of(slot).at(0));
  cluster.wait_for_master_change(slot, former);
  former.restart();  // as a replica, so that there is one again
  traffic.wait_until_it_flows();
}

TEST(ClusterFailover, loses_nothing_with_a_replica_for_each_write) {
  RedisCluster cluster({.replicas_per_master = 1});
  Traffic traffic(store_at(cluster.url() + "?replicas=1"));
  fail_over_and_heal(cluster, traffic);
  expect_nothing_wrong(traffic.end());
}

TEST(ClusterFailover, has_a_loss_window_otherwise) {
  RedisCluster cluster({.replicas_per_master = 1});
  Traffic traffic(store_at(cluster.url()), {.data_may_vanish = true});
  fail_over_and_heal(cluster, traffic);
  const TrafficReport report = traffic.end();
  show(report);
  expect_nothing_wrong(report);
}

TEST(ClusterOutage, of_a_master_without_replicas_ends_when_it_is_back) {
  RedisCluster cluster({.server = {.append_only = true}});
  WorkspaceOptions options = store_at(cluster.url());
  options.call_timeout = 2s;
  Traffic traffic(options);
  traffic.wait_until_it_flows();
  RedisServer& master = cluster.master_of(busy_slot(cluster));
  master.kill();
  let_pass(3s);  // the others find that it is dead, and answer CLUSTERDOWN
  master.restart();
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ClusterInPeace, a_master_may_hand_over_and_a_slot_may_move) {
  RedisCluster cluster({.replicas_per_master = 1});
  Traffic traffic(store_at(cluster.url() + "?replicas=1"));
  traffic.wait_until_it_flows();
  const std::size_t slot = busy_slot(cluster);
  cluster.hand_over(slot);
  traffic.wait_until_it_flows();
  const RedisServer& from = cluster.master_of(slot);
  RedisServer& to = cluster.master_of((slot + RedisCluster::kSlots / 2) % RedisCluster::kSlots);
  ASSERT_NE(&from, &to);
  cluster.begin_move(slot, to);
  let_pass(kLag);
  cluster.move_keys(slot, to);
  let_pass(kLag);
  cluster.end_move(slot, to);
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

void fail_over_and_heal(const RedisSentinels& sentinels, Traffic& traffic) {
  traffic.wait_until_it_flows();
  RedisServer& former = sentinels.master();
  kill_unheard(former, *sentinels.servers().back());
  sentinels.wait_for_master_change(former);
  former.restart();
  // Some seconds before the sentinels would.
  former.command({"REPLICAOF", "127.0.0.1", std::to_string(sentinels.master().port())});
  traffic.wait_until_it_flows();
}

TEST(SentinelFailover, loses_nothing_with_a_replica_for_each_write) {
  // It appends, so that the former master is not empty for whoever takes it for the master a moment longer.
  const RedisSentinels sentinels({.server = {.append_only = true}});
  Traffic traffic(store_at(sentinels.url() + "?replicas=1"));
  fail_over_and_heal(sentinels, traffic);
  expect_nothing_wrong(traffic.end());
}

// The same failure for one signal that is sent in the moment before it.
std::vector<CoordinationSignal> left_of_a_signal_sent_unheard(const std::string& options) {
  const RedisSentinels sentinels;
  RedisServer& former = sentinels.master();
  const RedisServer& replica = *sentinels.servers().back();
  auto sender = *CoordinationSignals::open(*Workspace::open(store_at(sentinels.url() + options)), "sender");
  auto reader = *CoordinationSignals::open(*Workspace::open(store_at(sentinels.url() + options)), "reader");
  replica.stop();
  former.command({"CLIENT", "KILL", "TYPE", "replica"});
  auto sending = std::async(std::launch::async, [&] { return sender.signal("work", "reader"); });
  EXPECT_TRUE(eventually([&] { return former.command({"DBSIZE"}) != "0"; }));
  if (options.empty()) sending.wait();
  former.kill();
  replica.go_on();
  sentinels.wait_for_master_change(former);
  former.restart();
  former.command({"REPLICAOF", "127.0.0.1", std::to_string(replica.port())});
  const auto sent = sending.get();
  EXPECT_TRUE(sent) << sent.error().message;
  const auto pending = reader.get_pending_signals();
  EXPECT_TRUE(pending) << pending.error().message;
  return pending.value();
}

TEST(SentinelFailover, keeps_a_signal_that_no_replica_had_yet_with_a_replica_for_each_write) {
  EXPECT_THAT(left_of_a_signal_sent_unheard("?replicas=1"), SizeIs(1));
}

TEST(SentinelFailover, loses_a_signal_that_no_replica_had_yet_otherwise) {
  EXPECT_THAT(left_of_a_signal_sent_unheard(""), IsEmpty());
}

}  // namespace
}  // namespace aldis::testing
