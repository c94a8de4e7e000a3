// One server that is killed, stopped, emptied of scripts, filled up, or that throws its clients out, under load.

#include <gtest/gtest.h>

#include "core/clock.h"
#include "redis/eventually.h"
#include "redis/faults/traffic.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kCallTimeout = 2s;
constexpr auto kPatientCallTimeout = 20s;  // where no call may fail, however slow the machine

WorkspaceOptions store_of(const RedisServer& server, std::chrono::nanoseconds call_timeout = kCallTimeout) {
  return {.store = server.url(), .namespace_name = "faults", .call_timeout = call_timeout};
}

TEST(ServerFault, without_one_no_call_fails) {
  const RedisServer server({.append_only = true});
  Traffic traffic(store_of(server, kPatientCallTimeout));
  traffic.wait_until_it_flows();
  let_pass(500ms);
  const TrafficReport report = traffic.end();
  EXPECT_EQ(report.failed_calls, 0U) << report.text();
  expect_nothing_wrong(report);
}

TEST(ServerFault, a_killed_server_that_appends_always_loses_nothing) {
  RedisServer server({.append_only = true});
  Traffic traffic(store_of(server));
  for (const auto down : {0ms, 300ms, 3000ms}) {
    traffic.wait_until_it_flows();
    server.kill();
    let_pass(down);
    server.restart();
  }
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ServerFault, a_killed_server_that_keeps_nothing_is_begun_anew) {
  RedisServer server;
  Traffic traffic(store_of(server), {.data_may_vanish = true});
  traffic.wait_until_it_flows();
  server.restart();
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ServerFault, a_stopped_server_is_unavailable_and_never_empty) {
  const RedisServer server({.append_only = true});
  Traffic traffic(store_of(server));
  auto keeper = *CoordinationSignals::open(*Workspace::open(store_of(server)), "keeper");
  ASSERT_TRUE(keeper.signal("fact", "keeper"));
  traffic.wait_until_it_flows();
  server.stop();
  const auto check = keeper.check_signal({"other"});
  const auto wait = keeper.wait_for_signal({"other"}, {}, 300ms);
  let_pass(1s);
  server.go_on();
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().code, ErrorCode::unavailable) << check.error().message;
  ASSERT_FALSE(wait);
  EXPECT_EQ(wait.error().code, ErrorCode::unavailable) << wait.error().message;
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ServerFault, clients_that_are_thrown_out_come_back) {
  const RedisServer server({.append_only = true});
  Traffic traffic(store_of(server));
  traffic.wait_until_it_flows();
  eventually(
      [&] {
        server.command({"CLIENT", "KILL", "TYPE", "normal"});
        server.command({"CLIENT", "KILL", "TYPE", "pubsub"});
        return false;
      },
      2s);
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ServerFault, a_reload_of_all_data_changes_nothing) {
  const RedisServer server({.append_only = true});
  Traffic traffic(store_of(server));
  for (int i = 0; i < 5; ++i) {
    traffic.wait_until_it_flows();
    EXPECT_EQ(server.command({"DEBUG", "RELOAD"}), "OK");
  }
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ServerFault, forgotten_scripts_are_loaded_again) {
  const RedisServer server({.append_only = true});
  Traffic traffic(store_of(server, kPatientCallTimeout));
  traffic.wait_until_it_flows();
  eventually([&] { return server.command({"SCRIPT", "FLUSH"}) != "OK"; }, 1s);
  traffic.wait_until_it_flows();
  const TrafficReport report = traffic.end();
  EXPECT_EQ(report.failed_calls, 0U) << report.text();
  expect_nothing_wrong(report);
}

TEST(ServerFault, a_full_server_refuses_and_drops_nothing) {
  const RedisServer server({.append_only = true, .lines = {"maxmemory-policy noeviction"}});
  Traffic traffic(store_of(server), {.memory_is_full = true});
  auto sender = *CoordinationSignals::open(*Workspace::open(store_of(server)), "sender");
  traffic.wait_until_it_flows();
  EXPECT_EQ(server.command({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  const auto refused = sender.signal("work", "nobody");
  let_pass(500ms);
  EXPECT_EQ(server.command({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted) << refused.error().message;
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
}

TEST(ServerFault, a_server_that_is_not_there_refuses_at_once) {
  RedisServer server;
  server.kill();
  const SteadyTime before = SystemClock{}.steady_now();
  const auto workspace = Workspace::open({.store = server.url(), .call_timeout = 60s});
  EXPECT_LT(SystemClock{}.steady_now() - before, 30s);
  ASSERT_FALSE(workspace);
  EXPECT_EQ(workspace.error().code, ErrorCode::unavailable) << workspace.error().message;
}

}  // namespace
}  // namespace aldis::testing
