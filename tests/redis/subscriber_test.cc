// What the subscriber does about connections that break or go silent, and about slots that move.

#include "engines/redis/subscriber.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "engines/redis/routing.h"
#include "redis/chaos_proxy.h"
#include "redis/cluster.h"
#include "redis/sentinel.h"
#include "redis/waking.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

// Whether what is published from now on is heard, sooner or later. A lost subscription is not found out by this.
template <class Publish>
bool hears(const Waking& waking, const Subscription& subscription, Publish publish) {
  const std::uint64_t before = subscription.rings();
  return eventually([&] {
    publish();
    return waking.rings(subscription, before, 100ms);
  });
}

auto publish_on(const RedisServer& server, const std::string& channel) {
  return [&server, channel] { server.command({"PUBLISH", channel, ""}); };
}

TEST(Subscriber, subscribes_again_and_rings_when_its_connection_is_killed) {
  const RedisServer server;
  const Waking waking(server.url());
  const auto reader = waking.subscribe({mailbox("reader")});
  waking.settle();
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t before = reader->rings();
    EXPECT_EQ(server.command({"CLIENT", "KILL", "TYPE", "pubsub"}), "1");
    EXPECT_TRUE(waking.rings(*reader, before));
    waking.settle();
  }
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, mailbox_channel("reader"))));
}

TEST(Subscriber, subscribes_again_when_the_server_is_back) {
  RedisServer server;
  const Waking waking(server.url());
  const auto reader = waking.subscribe({mailbox("reader")});
  waking.settle();
  const std::uint64_t before = reader->rings();
  server.kill();
  const auto late = waking.subscribe({agent("worker")});
  server.restart();
  EXPECT_TRUE(waking.rings(*reader, before));
  EXPECT_TRUE(waking.rings(*late, 0));
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, mailbox_channel("reader"))));
}

TEST(Subscriber, notices_a_half_open_connection_by_its_pings) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  const Waking waking("redis://" + proxy.address(), {.recheck = kNever, .ping_interval = 50ms, .ping_patience = 200ms});
  const auto reader = waking.subscribe({mailbox("reader")});
  waking.settle();
  const std::uint64_t before = reader->rings();
  proxy.stall_present();
  EXPECT_TRUE(waking.rings(*reader, before));
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, mailbox_channel("reader"))));
}

TEST(Subscriber, keeps_a_connection_on_which_nothing_but_pings_are_answered) {
  const RedisServer server;
  const Waking waking(server.url(), {.recheck = kNever, .ping_interval = 1ms, .ping_patience = kNever});
  const auto reader = waking.subscribe({mailbox("reader")});
  waking.settle();
  const std::uint64_t before = reader->rings();
  EXPECT_TRUE(eventually([&] {
    const std::string pings = field_of(server.command({"INFO", "commandstats"}), "cmdstat_ping");
    return pings.starts_with("calls=") && std::strtoul(pings.c_str() + 6, nullptr, 10) >= 10;
  }));
  EXPECT_EQ(reader->rings(), before);
}

TEST(Subscriber, bears_a_connection_that_is_cut_again_and_again) {
  const RedisServer server;
  ChaosProxy proxy(server.port(), 7);
  const Waking waking("redis://" + proxy.address(), {.recheck = kNever});
  const auto reader = waking.subscribe({mailbox("reader"), {Topic::Kind::heartbeats, {}}});
  proxy.misbehave({.cut_chance = 0.3});
  proxy.cut_all();
  ASSERT_TRUE(eventually([&] { return proxy.counts().cut >= 5; }));
  proxy.behave();
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, mailbox_channel("reader"))));
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, heartbeat_channel("worker"))));
}

TEST(Subscriber, bears_a_server_that_says_nonsense) {
  const RedisServer server;
  ChaosProxy proxy(server.port(), 8);
  const Waking waking("redis://" + proxy.address(), {.recheck = kNever, .ping_interval = 20ms, .ping_patience = 100ms});
  const auto reader = waking.subscribe({mailbox("reader"), {Topic::Kind::heartbeats, {}}});
  waking.settle();
  proxy.misbehave(ChaosProxy::Direction::to_client, {.corrupt_chance = 0.01});
  ASSERT_TRUE(eventually([&] {
    publish_on(server, mailbox_channel("reader"))();
    return proxy.counts().connections >= 10;
  }));
  proxy.behave();
  proxy.cut_all();
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, mailbox_channel("reader"))));
}

TEST(Subscriber, leaves_to_the_recheck_what_it_must_not_hear) {
  const RedisServer server({.acl = "user default on nopass ~* &nothing +@all\n"});
  const Waking waking(server.url(), {.recheck = 20ms});
  const auto reader = waking.subscribe({mailbox("reader")});
  ASSERT_TRUE(waking.rings(*reader, 0));
  EXPECT_TRUE(hears(waking, *reader, [&] {
    server.command({"HINCRBY", Groups(kNamespace).mailbox("reader") + ":a:reader", "v", "1"});
  }));
  EXPECT_EQ(server.info("pubsub_channels"), "0");
}

TEST(Subscriber, logs_in_and_speaks_tls) {
  const Certificates certificates;
  const RedisServer server(
      {.listen = RedisServerOptions::Listen::on_tls, .tls = certificates.tls(), .password = "secret"});
  const Waking waking(fmt::format("rediss://:secret@{}?ca={}", server.address(), certificates.authority()));
  const auto reader = waking.subscribe({mailbox("reader")});
  waking.settle();
  EXPECT_TRUE(hears(waking, *reader, publish_on(server, mailbox_channel("reader"))));
}

TEST(Subscriber, follows_the_master_after_a_failover) {
  const RedisSentinels sentinels;
  const Waking waking(sentinels.url(), {.recheck = 200ms});
  const auto reader = waking.subscribe({mailbox("reader")});
  waking.settle();
  sentinels.fail_over();
  EXPECT_TRUE(hears(waking, *reader, publish_on(sentinels.master(), mailbox_channel("reader"))));
}

class SubscriberOfACluster : public ::testing::Test {
 protected:
  static std::size_t slot_of_mailbox(std::string_view agent) { return slot_of(Groups(kNamespace).mailbox(agent)); }

  auto publish(std::string_view agent) {
    return
        [this, agent] { cluster_.master_of(slot_of_mailbox(agent)).command({"SPUBLISH", mailbox_channel(agent), ""}); };
  }
  bool is_subscribed(const RedisServer& server, std::string_view agent) const {
    const std::string channel = mailbox_channel(agent);
    return server.command({"PUBSUB", "SHARDNUMSUB", channel}) == channel + "\n1";
  }

  RedisCluster cluster_{{.replicas_per_master = 1}};
};

TEST_F(SubscriberOfACluster, hears_every_master) {
  const Waking waking(cluster_.url());
  const auto watcher = waking.subscribe({{Topic::Kind::heartbeats, {}}});
  for (unsigned shard = 0; shard < kHeartbeatShards; ++shard) {
    const std::string group = Groups(kNamespace).heartbeat_shard(shard);
    EXPECT_TRUE(hears(waking, *watcher, [&] {
      cluster_.master_of(slot_of(group)).command({"SPUBLISH", group + "!", "worker"});
    })) << shard;
  }
}

TEST_F(SubscriberOfACluster, follows_a_slot_that_moves) {
  const Waking waking(cluster_.url());
  const auto reader = waking.subscribe({mailbox("reader")});
  RedisServer& from = cluster_.master_of(slot_of_mailbox("reader"));
  ASSERT_TRUE(eventually([&] { return is_subscribed(from, "reader"); }));
  RedisServer& to = *cluster_.nodes()[&from == cluster_.nodes()[0].get() ? 1 : 0];
  cluster_.begin_move(slot_of_mailbox("reader"), to);
  cluster_.move_keys(slot_of_mailbox("reader"), to);
  const std::uint64_t before = reader->rings();
  cluster_.end_move(slot_of_mailbox("reader"), to);
  EXPECT_TRUE(waking.rings(*reader, before));
  EXPECT_TRUE(eventually([&] { return is_subscribed(to, "reader"); }));
  EXPECT_TRUE(hears(waking, *reader, publish("reader")));
}

TEST_F(SubscriberOfACluster, finds_the_master_of_a_slot_that_moved_before_it_asked) {
  const auto client = client_of(cluster_.url());
  RedisServer& from = cluster_.master_of(slot_of_mailbox("reader"));
  RedisServer& to = *cluster_.nodes()[&from == cluster_.nodes()[0].get() ? 1 : 0];
  cluster_.begin_move(slot_of_mailbox("reader"), to);
  cluster_.end_move(slot_of_mailbox("reader"), to);
  const Waking waking(client, {.recheck = kNever});
  const auto reader = waking.subscribe({mailbox("reader")});
  EXPECT_TRUE(eventually([&] { return is_subscribed(to, "reader"); }));
  EXPECT_TRUE(hears(waking, *reader, publish("reader")));
}

TEST_F(SubscriberOfACluster, follows_a_failover_while_the_others_go_on) {
  const Waking waking(cluster_.url(), {.recheck = 200ms});
  const auto reader = waking.subscribe({mailbox("reader")});
  RedisServer& former = cluster_.master_of(slot_of_mailbox("reader"));
  ASSERT_TRUE(eventually([&] { return is_subscribed(former, "reader"); }));
  cluster_.fail_over(slot_of_mailbox("reader"));
  EXPECT_TRUE(eventually([&] { return is_subscribed(cluster_.master_of(slot_of_mailbox("reader")), "reader"); }));
  EXPECT_TRUE(hears(waking, *reader, publish("reader")));
  former.restart();
  cluster_.wait_until_ok();
  cluster_.hand_over(slot_of_mailbox("reader"));
  EXPECT_TRUE(eventually([&] { return is_subscribed(former, "reader"); }));
  EXPECT_TRUE(hears(waking, *reader, publish("reader")));
}

TEST_F(SubscriberOfACluster, is_not_delayed_by_a_master_that_is_silent) {
  const Waking waking(
      cluster_.url(),
      {.recheck = kNever, .ping_interval = 10ms, .ping_patience = 20ms, .connect_patience = 2 * kServerPatience});
  const auto deaf = waking.subscribe({{Topic::Kind::heartbeats, {}}});
  const auto reader = waking.subscribe({mailbox("reader")});
  RedisServer& healthy = cluster_.master_of(slot_of_mailbox("reader"));
  ASSERT_TRUE(eventually([&] { return is_subscribed(healthy, "reader"); }));
  RedisServer& silent = *cluster_.nodes()[&healthy == cluster_.nodes()[0].get() ? 1 : 0];
  silent.stop();
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t before = reader->rings();
    healthy.command({"SPUBLISH", mailbox_channel("reader"), ""});
    ASSERT_TRUE(waking.rings(*reader, before));
  }
  silent.go_on();
}

}  // namespace
}  // namespace aldis::testing
