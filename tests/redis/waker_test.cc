// The waker on a real server: what rings for whom, what sleeps, and what the recheck finds.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

#include "core/ids.h"
#include "engines/redis/redis_waker.h"
#include "ports/signal_address.h"
#include "redis/waking.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

class RedisWakerTest : public ::testing::Test {
 protected:
  void publish(const std::string& channel, const std::string& message = "") const {
    server_.command({"PUBLISH", channel, message});
  }

  // Whether publishing rings it; what comes first comes first, so a ring of `witness` proves that there was none.
  bool is_rung_by(const Subscription& subscription, const std::string& channel, const std::string& message = "") const {
    const std::string id(26, '0');
    const auto witness = waking_.subscribe({{Topic::Kind::signal, id}});
    waking_.settle();
    const std::uint64_t before = subscription.rings();
    const std::uint64_t heard = witness->rings();
    publish(channel, message);
    publish(Groups(kNamespace).mailbox_shard(0) + "!s:" + id);
    EXPECT_TRUE(waking_.rings(*witness, heard));
    return subscription.rings() != before;
  }

  RedisServer server_;
  Waking waking_{server_.url()};
};

TEST_F(RedisWakerTest, a_mailbox_rings_for_its_agent_and_for_each_broadcast) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  EXPECT_TRUE(is_rung_by(*reader, mailbox_channel("reader")));
  EXPECT_TRUE(is_rung_by(*reader, broadcast_channel(), "stop"));
  EXPECT_FALSE(is_rung_by(*reader, mailbox_channel("another")));
  EXPECT_FALSE(is_rung_by(*reader, heartbeat_channel("reader"), "reader"));
}

TEST_F(RedisWakerTest, an_agent_rings_for_itself_and_not_for_others_of_its_shard) {
  const auto watcher = waking_.subscribe({agent("worker")});
  EXPECT_TRUE(is_rung_by(*watcher, heartbeat_channel("worker"), "worker"));
  EXPECT_FALSE(is_rung_by(*watcher, heartbeat_channel("worker"), "worker-2"));
}

TEST_F(RedisWakerTest, heartbeats_ring_for_every_agent) {
  const auto watcher = waking_.subscribe({{Topic::Kind::heartbeats, {}}});
  for (const std::string name : {"a", "b", "worker", "another"}) {
    EXPECT_TRUE(is_rung_by(*watcher, heartbeat_channel(name), name)) << name;
  }
}

TEST_F(RedisWakerTest, a_receipt_rings_where_its_signal_lives) {
  const Groups groups(kNamespace);
  const Id128 made = make_id(SystemClock{}.wall_now());
  const std::string to_reader = format_id("", address_signal(made, "reader"));
  const std::string to_all = format_id("", address_signal(made, std::nullopt));
  const auto sent = waking_.subscribe({{Topic::Kind::signal, to_reader}});
  const auto broadcast = waking_.subscribe({{Topic::Kind::signal, to_all}});
  EXPECT_TRUE(is_rung_by(*sent, groups.mailbox("reader") + "!s:" + to_reader));
  EXPECT_TRUE(is_rung_by(*broadcast, groups.broadcasts() + "!s:" + to_all));
  EXPECT_FALSE(is_rung_by(*broadcast, groups.mailbox("reader") + "!s:" + to_reader));
}

TEST_F(RedisWakerTest, an_approval_rings_for_its_own_request_and_for_all) {
  const std::string channel = Groups(kNamespace).approvals() + "!";
  const std::string id(26, '7');
  const auto one = waking_.subscribe({{Topic::Kind::approval, id}});
  const auto all = waking_.subscribe({{Topic::Kind::approvals, {}}});
  EXPECT_TRUE(is_rung_by(*one, channel, id));
  EXPECT_FALSE(is_rung_by(*one, channel, std::string(26, '8')));
  EXPECT_TRUE(is_rung_by(*all, channel, id));
  EXPECT_TRUE(is_rung_by(*all, channel, std::string(26, '8')));
}

TEST_F(RedisWakerTest, a_stream_rings_for_itself_and_the_registry_for_all) {
  const Groups groups(kNamespace);
  const auto deploy = waking_.subscribe({{Topic::Kind::stream, "deploy"}});
  const auto streams = waking_.subscribe({{Topic::Kind::streams, {}}});
  EXPECT_TRUE(is_rung_by(*deploy, groups.stream("deploy") + "!"));
  EXPECT_FALSE(is_rung_by(*deploy, groups.stream("build") + "!"));
  EXPECT_FALSE(is_rung_by(*deploy, groups.streams() + "!", "build"));
  EXPECT_TRUE(is_rung_by(*streams, groups.streams() + "!", "build"));
  EXPECT_FALSE(is_rung_by(*streams, groups.stream("deploy") + "!"));
}

TEST_F(RedisWakerTest, one_subscription_hears_several_topics) {
  const auto waiter = waking_.subscribe({mailbox("reader"), agent("source"), mailbox("second")});
  EXPECT_TRUE(is_rung_by(*waiter, mailbox_channel("reader")));
  EXPECT_TRUE(is_rung_by(*waiter, mailbox_channel("second")));
  EXPECT_TRUE(is_rung_by(*waiter, heartbeat_channel("source"), "source"));
}

TEST_F(RedisWakerTest, a_subscription_rings_once_it_can_hear) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  EXPECT_TRUE(waking_.rings(*reader, 0));
}

TEST_F(RedisWakerTest, any_rings_with_every_ring) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  waking_.settle();
  EXPECT_TRUE(is_rung_by(waking_->any(), mailbox_channel("reader")));
}

TEST_F(RedisWakerTest, sleep_ends_at_a_ring_that_came_before_it) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  waking_.settle();
  const std::uint64_t before = reader->rings();
  publish(mailbox_channel("reader"));
  ASSERT_TRUE(eventually([&] { return reader->rings() != before; }));
  waking_->sleep(*reader, before, kNever, {});
}

TEST_F(RedisWakerTest, sleep_ends_when_its_time_is_over) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  waking_.settle();
  waking_->sleep(*reader, reader->rings(), 10ms, {});
  waking_->sleep(*reader, reader->rings(), 0ns, {});
}

TEST_F(RedisWakerTest, sleep_ends_when_a_stop_is_requested) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  waking_.settle();
  std::jthread sleeper([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) waking_->sleep(*reader, reader->rings(), kNever, stop);
  });
  sleeper.request_stop();
}

TEST_F(RedisWakerTest, a_hundred_sleepers_wake_only_for_what_is_theirs) {
  constexpr int kSleepers = 100;
  std::latch woken(kSleepers / 2);
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  std::vector<std::jthread> sleepers;
  for (int i = 0; i < kSleepers; ++i) {
    subscriptions.push_back(waking_.subscribe({mailbox(i % 2 == 0 ? "even" : "odd")}));
  }
  waking_.settle();
  for (const auto& subscription : subscriptions) {
    const std::uint64_t before = subscription->rings();
    sleepers.emplace_back([&, before, is_even = sleepers.size() % 2 == 0](const std::stop_token& stop) {
      while (!stop.stop_requested() && subscription->rings() == before) {
        waking_->sleep(*subscription, before, kNever, stop);
      }
      EXPECT_TRUE(is_even || stop.stop_requested());
      if (is_even) woken.count_down();
    });
  }
  publish(mailbox_channel("even"));
  woken.wait();
}

TEST_F(RedisWakerTest, ten_thousand_topics_share_one_connection) {
  constexpr int kTopics = 10'000;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (int i = 0; i < kTopics; ++i) subscriptions.push_back(waking_.subscribe({mailbox(fmt::format("agent-{}", i))}));
  for (const auto& subscription : subscriptions) ASSERT_TRUE(waking_.rings(*subscription, 0));
  waking_.settle();
  EXPECT_EQ(server_.info("pubsub_channels"), std::to_string(kTopics + 2));  // all broadcasts', and settle's
  EXPECT_TRUE(is_rung_by(*subscriptions.front(), mailbox_channel("agent-0")));
  EXPECT_TRUE(is_rung_by(*subscriptions.back(), mailbox_channel("agent-9999")));
  EXPECT_FALSE(is_rung_by(*subscriptions.back(), mailbox_channel("agent-0")));
  EXPECT_TRUE(is_rung_by(*subscriptions[5000], broadcast_channel(), "stop"));
  const std::string pubsub_clients = server_.command({"CLIENT", "LIST", "TYPE", "pubsub"});
  EXPECT_EQ(std::ranges::count(pubsub_clients, '\n'), 1);
}

TEST_F(RedisWakerTest, what_nobody_waits_for_is_unsubscribed_after_a_while) {
  const Waking hasty(server_.url(), {.recheck = kNever, .linger = 20ms});
  {
    const auto reader = hasty.subscribe({mailbox("reader")});
    ASSERT_TRUE(hasty.rings(*reader, 0));
    ASSERT_TRUE(eventually([&] { return server_.info("pubsub_channels") == "2"; }));
  }
  EXPECT_TRUE(eventually([&] { return server_.info("pubsub_channels") == "0"; }));
  const auto reader = hasty.subscribe({mailbox("reader")});
  ASSERT_TRUE(hasty.rings(*reader, 0));
  const std::uint64_t before = reader->rings();
  EXPECT_TRUE(eventually([&] {
    publish(mailbox_channel("reader"));
    return reader->rings() != before;
  }));
}

TEST_F(RedisWakerTest, a_wait_that_comes_again_soon_finds_its_channel_subscribed) {
  waking_.subscribe({mailbox("reader")});
  waking_.settle();
  const auto reader = waking_.subscribe({mailbox("reader")});
  EXPECT_EQ(reader->rings(), 0U);
  publish(mailbox_channel("reader"));
  EXPECT_TRUE(waking_.rings(*reader, 0));
}

TEST_F(RedisWakerTest, sleepers_come_and_go_while_others_are_rung) {
  std::jthread ringer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) publish(mailbox_channel("reader"));
  });
  std::vector<std::jthread> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto reader = waking_.subscribe({mailbox("reader"), agent("source")});
        EXPECT_TRUE(waking_.rings(*reader, reader->rings()));
      }
    });
  }
}

TEST_F(RedisWakerTest, in_a_forked_child_nothing_rings_and_sleep_returns_at_once) {
  auto inherited = waking_.subscribe({mailbox("reader")});
  waking_.settle();
  const std::jthread sleeper([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) waking_->sleep(*inherited, inherited->rings(), kNever, stop);
  });
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    auto own = waking_.subscribe({mailbox("reader")});
    waking_->sleep(*own, own->rings(), kNever, {});
    waking_->sleep(*inherited, inherited->rings(), kNever, {});
    waking_->sleep(waking_->any(), waking_->any().rings(), kNever, {});
    own.reset();
    inherited.reset();
    waking_.end();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(is_rung_by(*inherited, mailbox_channel("reader")));
}

TEST_F(RedisWakerTest, its_end_is_seen_by_the_server_although_a_forked_child_holds_the_descriptor) {
  waking_.settle();
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    close(pipe_ends[1]);
    char byte = 0;
    _exit(read(pipe_ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  waking_.end();
  EXPECT_TRUE(eventually([&] { return server_.command({"CLIENT", "LIST", "TYPE", "pubsub"}).empty(); }));
  close(pipe_ends[1]);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(pipe_ends[0]);
}

TEST_F(RedisWakerTest, without_descriptors_sleep_ends_after_a_recheck_as_if_it_rang) {
  const Waking waking(server_.url(), {.recheck = 20ms});
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto reader = waking.subscribe({mailbox("reader")});
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t rings = reader->rings();
    waking->sleep(*reader, rings, kNever, {});
    EXPECT_NE(reader->rings(), rings);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  waking.settle();
  EXPECT_EQ(server_.info("pubsub_channels"), "3");
}

// Nothing is published here: versions change, as they would had the message been lost.
class Recheck : public ::testing::Test {
 protected:
  static constexpr RedisWakerTiming kHasty = {.recheck = 20ms};

  std::uint64_t versions_read() const {
    const std::string statistics = server_.command({"INFO", "commandstats"});
    std::uint64_t calls = 0;
    for (const std::string_view name : {"cmdstat_get", "cmdstat_hget"}) {
      const std::string value = field_of(statistics, name);  // "calls=12,usec=…"
      if (!value.empty()) calls += std::strtoull(value.c_str() + std::string_view("calls=").size(), nullptr, 10);
    }
    return calls;
  }

  // Three rounds without a ring: its versions are known.
  bool is_quiet(const Subscription& subscription, std::size_t channels) const {
    const std::uint64_t rings = subscription.rings();
    const std::uint64_t before = versions_read();
    return eventually([&] { return versions_read() >= before + 3 * channels; }) && subscription.rings() == rings;
  }

  RedisServer server_;
  Groups groups_{kNamespace};
  Waking waking_{server_.url(), kHasty};
};

struct Unheard {
  Topic topic;
  std::size_t channels;
  Words change;
};

TEST_F(Recheck, rings_for_what_was_not_heard) {
  const std::string id = format_id("", address_signal(make_id(SystemClock{}.wall_now()), "reader"));
  const std::vector<Unheard> all = {
      {mailbox("reader"), 2, {"HINCRBY", groups_.mailbox("reader") + ":a:reader", "v", "1"}},
      {mailbox("reader"), 2, {"INCR", groups_.broadcasts() + ":v"}},
      {agent("worker"), 1, {"INCR", groups_.heartbeats("worker") + ":v"}},
      {{Topic::Kind::heartbeats, {}}, 64, {"INCR", groups_.heartbeat_shard(63) + ":v"}},
      {{Topic::Kind::signal, id}, 1, {"HSET", groups_.mailbox("reader") + ":s:" + id, "r", std::string("\0x", 2)}},
      {{Topic::Kind::signal, id}, 1, {"DEL", groups_.mailbox("reader") + ":s:" + id}},
      {{Topic::Kind::approval, id}, 1, {"INCR", groups_.approvals() + ":v"}},
      {{Topic::Kind::approvals, {}}, 1, {"INCR", groups_.approvals() + ":v"}},
      {{Topic::Kind::stream, "deploy"}, 1, {"HINCRBY", groups_.stream("deploy") + ":h", "last", "1"}},
      {{Topic::Kind::streams, {}}, 1, {"INCR", groups_.streams() + ":v"}},
  };
  for (const auto& [topic, channels, change] : all) {
    const auto waiter = waking_.subscribe({topic});
    EXPECT_TRUE(eventually([&] { return is_quiet(*waiter, channels); })) << change[1];
    const std::uint64_t before = waiter->rings();
    server_.command(change);
    EXPECT_TRUE(waking_.rings(*waiter, before)) << change[1];
  }
}

TEST_F(Recheck, of_a_thousand_streams_is_one_batch_and_listening_one_connection) {
  std::vector<std::string> types;
  for (std::size_t i = 0; i < limits::kStreamsMax; ++i) types.push_back(fmt::format("type-{}", i));
  std::vector<Topic> topics;
  for (const std::string& type : types) topics.push_back({Topic::Kind::stream, type});
  const auto waiter = waking_->subscribe(topics);
  EXPECT_TRUE(eventually([&] { return is_quiet(*waiter, topics.size()); }));
  const std::string pubsub_clients = server_.command({"CLIENT", "LIST", "TYPE", "pubsub"});
  EXPECT_EQ(std::ranges::count(pubsub_clients, '\n'), 1);
  EXPECT_LE(std::stoul(server_.info("connected_clients")), 3U) << "the subscriber, the recheck and the test's own";
  const std::uint64_t before = waiter->rings();
  server_.command({"HINCRBY", groups_.stream(types.back()) + ":h", "last", "1"});
  EXPECT_TRUE(waking_.rings(*waiter, before));
}

TEST_F(Recheck, does_not_ring_for_what_others_wait_for) {
  const auto reader = waking_.subscribe({mailbox("reader")});
  const auto another = waking_.subscribe({mailbox("another")});
  EXPECT_TRUE(eventually([&] { return is_quiet(*reader, 3); }));
  const std::uint64_t rings = reader->rings();
  const std::uint64_t rings_of_another = another->rings();
  server_.command({"HINCRBY", groups_.mailbox("another") + ":a:another", "v", "1"});
  EXPECT_TRUE(waking_.rings(*another, rings_of_another));
  EXPECT_EQ(reader->rings(), rings);
}

TEST_F(Recheck, rings_when_the_store_does_not_answer_so_that_waiters_learn_of_it) {
  const Waking impatient(client_of(server_.url(), 50ms), kHasty);
  const auto reader = impatient.subscribe({mailbox("reader")});
  EXPECT_TRUE(eventually([&] { return is_quiet(*reader, 2); }));
  const std::uint64_t before = reader->rings();
  server_.stop();
  EXPECT_TRUE(impatient.rings(*reader, before));
  EXPECT_TRUE(impatient.rings(*reader, reader->rings())) << "once is not enough: the next wait has to learn of it too";
  server_.go_on();
  EXPECT_TRUE(eventually([&] { return is_quiet(*reader, 2); }));
}

// What would last until tomorrow does not hold the end: neither the read that is under way nor the new connection.
TEST_F(Recheck, is_no_reason_to_wait_at_the_end_for_a_silent_server) {
  Waking ending(client_of(server_.url(), 24h), {.recheck = 20ms,
                                                .recheck_patience = 100ms,
                                                .ping_interval = 10ms,
                                                .ping_patience = 10ms,
                                                .connect_patience = 24h});
  auto reader = ending.subscribe({mailbox("reader")});
  EXPECT_TRUE(eventually([&] { return is_quiet(*reader, 2); }));
  const std::uint64_t before = reader->rings();
  server_.stop();
  EXPECT_TRUE(ending.rings(*reader, before)) << "it fell silent while it was asked";
  EXPECT_TRUE(ending.rings(*reader, reader->rings()));
  reader.reset();
  ending.end();
  server_.go_on();
}

TEST_F(Recheck, says_how_often) {
  EXPECT_GE(waking_->recheck_interval(), kHasty.recheck * 8 / 10);
  EXPECT_LE(waking_->recheck_interval(), kHasty.recheck * 12 / 10);
}

}  // namespace
}  // namespace aldis::testing
