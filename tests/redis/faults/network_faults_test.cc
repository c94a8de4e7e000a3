// A network that delays, cuts, falls silent, or changes bytes, between agents and a server that is well.

#include <gtest/gtest.h>

#include "redis/certificates.h"
#include "redis/chaos_proxy.h"
#include "redis/eventually.h"
#include "redis/faults/traffic.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using Listen = RedisServerOptions::Listen;

constexpr auto kCallTimeout = 2s;

WorkspaceOptions store_at(const std::string& url) {
  return {.store = url, .namespace_name = "faults", .call_timeout = kCallTimeout};
}

WorkspaceOptions store_behind(const ChaosProxy& proxy) { return store_at("redis://" + proxy.address()); }

TEST(NetworkFault, delays_cuts_and_silence_lose_nothing) {
  const RedisServer server({.append_only = true});
  ChaosProxy proxy(server.port());
  Traffic traffic(store_behind(proxy));
  traffic.wait_until_it_flows();
  proxy.misbehave({.delay = 5ms, .cut_chance = 0.01});
  let_pass(1500ms);
  proxy.misbehave({.cut_after = 2000});
  let_pass(1500ms);
  proxy.behave();
  proxy.stall_present();
  traffic.wait_until_it_flows();
  proxy.stall();
  let_pass(2500ms);
  proxy.resume();
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
  EXPECT_GT(proxy.counts().cut, 10U);
}

TEST(NetworkFault, changed_bytes_never_get_through_tls) {
  const Certificates certificates;
  const RedisServer server({.listen = Listen::on_tls, .tls = certificates.tls(), .append_only = true});
  ChaosProxy proxy(server.port());
  Traffic traffic(store_at("rediss://" + proxy.address() + "?ca=" + certificates.authority()));
  traffic.wait_until_it_flows();
  proxy.misbehave({.corrupt_chance = 0.0002});
  let_pass(1500ms);
  // Short connections: what changes is the handshake, most of all.
  proxy.misbehave({.cut_after = 4000, .corrupt_chance = 0.001});
  let_pass(1500ms);
  proxy.behave();
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
  EXPECT_GT(proxy.counts().corrupted, 10U);
}

TEST(NetworkFault, changed_bytes_in_the_clear_hang_and_crash_nothing) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  Traffic traffic(store_behind(proxy), {.bytes_may_change = true});
  traffic.wait_until_it_flows();
  proxy.misbehave({.cut_chance = 0.001, .corrupt_chance = 0.0005});
  let_pass(2500ms);
  proxy.behave();
  traffic.wait_until_it_flows();
  expect_nothing_wrong(traffic.end());
  EXPECT_GT(proxy.counts().corrupted, 10U);
}

}  // namespace
}  // namespace aldis::testing
