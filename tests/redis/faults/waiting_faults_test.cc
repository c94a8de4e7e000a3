// Those who wait while the server goes and comes back.

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <iostream>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "aldis/workspace.h"
#include "core/clock.h"
#include "redis/chaos_proxy.h"
#include "redis/eventually.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kCallTimeout = 2s;
constexpr auto kHeardWithin = 20s;  // a recheck (5 s), a dead connection (5 s more), and a busy machine

Workspace join(const std::string& url) {
  return *Workspace::open({.store = url, .namespace_name = "faults", .call_timeout = kCallTimeout});
}

struct Heard {
  Result<WaitOutcome> outcome;
  std::chrono::nanoseconds after;  // the sending
};

// Until somebody listens there, and nobody has asked anything for a while: whoever listens sleeps.
bool is_asleep_at(const RedisServer& server) {
  constexpr int kQuietLooks = 50;
  std::string before;
  int quiet = 0;
  return eventually([&] {
    const std::string calls = server.info("cmdstat_evalsha") + server.info("cmdstat_eval");
    quiet = calls == before && server.info("pubsub_channels") != "0" ? quiet + 1 : 0;
    before = calls;
    return quiet == kQuietLooks;
  });
}

// Waits as "reader" by one store, disturbs, and sends by another.
Heard disturbed_wait(const std::string& reader_url, const RedisServer& server, const std::function<void()>& disturb) {
  auto reader = *CoordinationSignals::open(join(reader_url), "reader");
  auto waiting = std::async(std::launch::async, [&] { return reader.wait_for_signal({}, {}, 60s); });
  EXPECT_TRUE(is_asleep_at(server));
  disturb();
  auto sender = *CoordinationSignals::open(join(server.url()), "sender");
  const SteadyTime sent_at = SystemClock{}.steady_now();
  EXPECT_TRUE(sender.signal("work", "reader"));
  auto outcome = waiting.get();
  const auto after = SystemClock{}.steady_now() - sent_at;
  std::cout << "[ heard   ] " << after / 1ms << " ms after it was sent\n";
  return {std::move(outcome), after};
}

void expect_delivered_in_time(const Heard& heard) {
  ASSERT_TRUE(heard.outcome) << heard.outcome.error().message;
  EXPECT_TRUE(std::holds_alternative<Delivered>(*heard.outcome)) << heard.outcome->index();
  EXPECT_LT(heard.after, kHeardWithin);
}

TEST(Waiting, goes_on_when_the_server_was_killed_and_is_back) {
  RedisServer server({.append_only = true});
  expect_delivered_in_time(disturbed_wait(server.url(), server, [&] { server.restart(); }));
}

TEST(Waiting, goes_on_when_its_subscription_is_half_open) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  expect_delivered_in_time(disturbed_wait("redis://" + proxy.address(), server, [&] { proxy.stall_present(); }));
}

TEST(OnSignal, goes_on_when_the_server_was_away_and_calls_once_a_signal) {
  RedisServer server({.append_only = true});
  auto reader = *CoordinationSignals::open(join(server.url()), "reader");
  auto sender = *CoordinationSignals::open(join(server.url()), "sender");
  std::atomic<int> calls = 0;
  std::atomic<int> errors = 0;
  const std::stop_source stop;
  ASSERT_TRUE(
      reader.on_signal({}, {}, [&](const SignalNews&) { ++calls; }, stop.get_token(), [&](const Error&) { ++errors; }));
  ASSERT_TRUE(sender.signal("work", "reader"));
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
  server.kill();
  EXPECT_TRUE(eventually([&] { return errors > 0; }));
  server.restart();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sender.signal("work", "reader"));
  EXPECT_TRUE(eventually([&] { return calls == 11; }));
  EXPECT_EQ(errors, 1);
  const auto left = reader.get_pending_signals();
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
}

TEST(KeepAlive, outlives_an_outage_and_is_not_lost) {
  RedisServer server({.append_only = true});
  HeartbeatCoordinator heart(join(server.url()));
  std::atomic<int> losses = 0;
  ASSERT_TRUE(heart.start_heartbeat("agent", {.ttl = 60s}));
  ASSERT_TRUE(heart.keep_alive(100ms, [&](const Error&) { ++losses; }));
  const auto before = heart.get_agent_status("agent");
  ASSERT_TRUE(before) << before.error().message;
  server.kill();
  let_pass(500ms);
  server.restart();
  EXPECT_TRUE(eventually([&] {
    const auto now = heart.get_agent_status("agent");
    return now && now->lease_expires_at > before->lease_expires_at + 500ms;
  }));
  EXPECT_EQ(losses, 0);
}

}  // namespace
}  // namespace aldis::testing
