// The servers, clocks, certificates and the proxy that other tests lean on.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "redis/chaos_proxy.h"
#include "redis/cluster.h"
#include "redis/eventually.h"
#include "redis/sentinel.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Listen = RedisServerOptions::Listen;

TEST(ServerProcessOfATest, names_the_package_of_a_program_that_is_missing) {
  const ScratchDirectory directory;
  ServerProcess server(
      {.words = {"no-such-server"}, .environment = {}, .log_file = directory.file("log"), .package = "some-package"});
  server.start();
  EXPECT_NONFATAL_FAILURE(eventually([&] { return !server.is_running(); }), "apt-get install some-package");
}

// A client that says PING and shows what comes back: by itself, or "" when the connection ends or stays silent.
class Pinger {
 public:
  explicit Pinger(std::uint16_t port) : connection_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::connect(connection_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  void say_ping() const { ::send(connection_.get(), "PING\r\n", 6, MSG_NOSIGNAL); }
  std::string hear(std::chrono::milliseconds patience = 20s) const {
    const timeval limit{.tv_sec = patience / 1s, .tv_usec = patience % 1s / 1us};
    ::setsockopt(connection_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::array<char, 64> bytes{};
    const ssize_t count = ::recv(connection_.get(), bytes.data(), bytes.size(), 0);
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }
  std::string ping() const {
    say_ping();
    return hear();
  }

 private:
  FileDescriptor connection_;
};

TEST(RedisServerOfATest, answers_on_its_socket_and_port) {
  const RedisServer server;
  EXPECT_EQ(server.command({"SET", "a", "1"}), "OK");
  EXPECT_EQ(server.command({"GET", "a"}), "1");
  EXPECT_EQ(server.info("tcp_port"), std::to_string(server.port()));
  EXPECT_EQ(server.url(), "redis://127.0.0.1:" + std::to_string(server.port()));
}

TEST(RedisServerOfATest, keeps_its_data_over_a_kill_when_it_appends) {
  RedisServer server({.append_only = true});
  server.command({"SET", "a", "1"});
  server.kill();
  EXPECT_FALSE(server.try_command({"PING"}));
  server.restart();
  EXPECT_EQ(server.command({"GET", "a"}), "1");
}

TEST(RedisServerOfATest, forgets_its_data_at_a_kill_otherwise) {
  RedisServer server;
  server.command({"SET", "a", "1"});
  server.restart();
  EXPECT_EQ(server.command({"GET", "a"}), "");
}

TEST(RedisServerOfATest, takes_a_password_and_users) {
  const RedisServer with_password({.password = "secret"});
  EXPECT_EQ(with_password.command({"ACL", "WHOAMI"}), "default");
  const RedisServer with_users({.acl = "user default off\nuser agent on >secret ~aldis1:* &aldis1:* +@all\n"});
  EXPECT_THAT(with_users.command({"ACL", "LIST"}), HasSubstr("user agent on"));
}

TEST(RedisServerOfATest, stands_still_between_stop_and_go_on) {
  const RedisServer server;
  const Pinger client(server.port());
  server.stop();
  client.say_ping();
  EXPECT_EQ(client.hear(50ms), "");
  server.go_on();
  EXPECT_EQ(client.hear(), "+PONG\r\n");
}

// What redis-cli says to PING.
std::string ping_by_command(const RedisServer& server, const std::string& options) {
  const std::string file = server.file("said");
  const std::string command = "redis-cli -p " + std::to_string(server.port()) + " " + options + " PING";
  EXPECT_NE(std::system((command + " > " + file + " 2>&1").c_str()), -1);
  std::ifstream said(file);
  return {std::istreambuf_iterator<char>(said), {}};
}

TEST(RedisServerOfATest, speaks_tls_and_asks_for_a_certificate_when_it_should) {
  const Certificates made;
  const std::string trust = "--tls --cacert " + made.authority();
  const std::string identity = " --cert " + made.client().certificate + " --key " + made.client().key;
  const std::string foreign = " --cert " + made.foreign_client().certificate + " --key " + made.foreign_client().key;
  const RedisServer open({.listen = Listen::on_tls, .tls = made.tls()});
  EXPECT_EQ(ping_by_command(open, trust), "PONG\n");
  EXPECT_NE(ping_by_command(open, "--tls --cacert " + made.foreign_authority()), "PONG\n");
  const RedisServer strict({.listen = Listen::on_tls, .tls = made.tls(true)});
  EXPECT_EQ(ping_by_command(strict, trust + identity), "PONG\n");
  EXPECT_NE(ping_by_command(strict, trust), "PONG\n");
  EXPECT_NE(ping_by_command(strict, trust + foreign), "PONG\n");
}

TEST(StoppedClock, moves_only_as_told_and_keys_expire_by_it) {
  ClockFile clock;
  const RedisServer server({.listen = Listen::on_socket, .clock = &clock});
  const std::string before = server.command({"TIME"});
  EXPECT_EQ(before, "1790000000\n0");
  server.command({"SET", "a", "1", "PX", "1000"});
  clock.advance(999ms);
  EXPECT_EQ(server.command({"PTTL", "a"}), "1");
  clock.advance(2ms);
  EXPECT_EQ(server.command({"GET", "a"}), "");
  clock.advance(-1h);
  EXPECT_EQ(server.command({"TIME"}), "1789996401\n1000");
  EXPECT_EQ(server.command({"EVAL", "return redis.call('TIME')[1]", "0"}), "1789996401");
}

const std::string kFoo = "foo";
constexpr std::size_t kSlotOfFoo = 12182;

TEST(RedisClusterOfATest, serves_every_slot) {
  RedisCluster cluster;
  EXPECT_THAT(cluster.nodes().front()->command({"SET", kFoo, "1"}), HasSubstr("MOVED 12182"));
  EXPECT_EQ(cluster.master_of(kSlotOfFoo).command({"SET", kFoo, "1"}), "OK");
  EXPECT_EQ(&cluster.master_of(0), cluster.nodes()[0].get());
}

TEST(RedisClusterOfATest, fails_over_when_a_master_is_killed) {
  RedisCluster cluster({.replicas_per_master = 1});
  RedisServer& former = cluster.master_of(kSlotOfFoo);
  ASSERT_EQ(former.command({"SET", kFoo, "1"}), "OK");
  ASSERT_EQ(former.command({"WAIT", "1", "5000"}), "1");
  cluster.fail_over(kSlotOfFoo);
  RedisServer& next = cluster.master_of(kSlotOfFoo);
  EXPECT_NE(&next, &former);
  EXPECT_EQ(next.command({"GET", kFoo}), "1");
  former.restart();
  cluster.wait_until_ok();
  EXPECT_EQ(former.info("role"), "slave");
  cluster.hand_over(kSlotOfFoo);
  EXPECT_EQ(&cluster.master_of(kSlotOfFoo), &former);
}

TEST(RedisClusterOfATest, moves_a_slot_and_says_ask_meanwhile) {
  RedisCluster cluster;
  RedisServer& from = cluster.master_of(kSlotOfFoo);
  RedisServer& to = *cluster.nodes()[0];
  from.command({"SET", kFoo, "1"});
  cluster.begin_move(kSlotOfFoo, to);
  EXPECT_EQ(from.command({"GET", kFoo}), "1");
  cluster.move_keys(kSlotOfFoo, to);
  EXPECT_EQ(from.command({"GET", kFoo}), "ASK 12182 " + to.address());
  cluster.end_move(kSlotOfFoo, to);
  EXPECT_EQ(from.command({"GET", kFoo}), "MOVED 12182 " + to.address());
  EXPECT_EQ(to.command({"GET", kFoo}), "1");
}

TEST(RedisClusterOfATest, bears_a_clock_that_jumps) {
  ClockFile clock;
  RedisCluster cluster({.replicas_per_master = 1, .clock = &clock});
  RedisServer& master = cluster.master_of(kSlotOfFoo);
  for (const auto jump : {24h * 9, -24h * 9, 1h, -24h * 9, 24h * 18}) {
    clock.advance(jump);
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(master.command({"SET", kFoo, "1", "PX", "1000"}), "OK") << jump;
      ASSERT_EQ(master.command({"EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", "{foo}2"}), "OK") << jump;
    }
    ASSERT_EQ(master.try_command({"WAIT", "1", "0"}), "1") << jump;
    cluster.wait_until_ok();
  }
  EXPECT_EQ(&cluster.master_of(kSlotOfFoo), &master);
  EXPECT_EQ(master.info("sync_full"), "1");
}

TEST(RedisClusterOfATest, speaks_tls) {
  const Certificates certificates;
  RedisServerOptions node{.listen = Listen::on_tls, .tls = certificates.tls()};
  const RedisCluster cluster({.masters = 1, .replicas_per_master = 1, .server = node});
  EXPECT_THAT(cluster.url(), HasSubstr("rediss+cluster://127.0.0.1:"));
}

TEST(RedisSentinelsOfATest, choose_another_master_when_theirs_is_killed) {
  const RedisSentinels sentinels;
  RedisServer& former = sentinels.master();
  ASSERT_EQ(former.command({"SET", "a", "1"}), "OK");
  ASSERT_EQ(former.command({"WAIT", "1", "5000"}), "1");
  sentinels.fail_over();
  EXPECT_NE(&sentinels.master(), &former);
  EXPECT_EQ(sentinels.master().command({"GET", "a"}), "1");
}

bool verifies(const std::string& authority, const std::string& certificate, const std::string& more = "") {
  const std::string command = "openssl verify -CAfile " + authority + " " + more + " " + certificate;
  return std::system((command + " > /dev/null 2>&1").c_str()) == 0;
}

TEST(CertificatesOfATest, are_valid_for_what_they_say_and_nothing_else) {
  const Certificates made;
  EXPECT_TRUE(verifies(made.authority(), made.server().certificate, "-purpose sslserver -verify_ip 127.0.0.1"));
  EXPECT_TRUE(verifies(made.authority(), made.server().certificate, "-purpose sslserver -verify_hostname localhost"));
  EXPECT_TRUE(verifies(made.authority(), made.client().certificate, "-purpose sslclient"));
  EXPECT_FALSE(verifies(made.authority(), made.client().certificate, "-purpose sslserver"));
  EXPECT_TRUE(verifies(made.authority(), made.server_of_another_name().certificate));
  EXPECT_FALSE(verifies(made.authority(), made.server_of_another_name().certificate, "-verify_ip 127.0.0.1"));
  EXPECT_FALSE(verifies(made.authority(), made.foreign_server().certificate));
  EXPECT_TRUE(verifies(made.foreign_authority(), made.foreign_client().certificate, "-purpose sslclient"));
}

TEST(ChaosProxyOfATest, forwards_faithfully_until_told_otherwise) {
  const RedisServer server;
  const ChaosProxy proxy(server.port());
  const Pinger client(proxy.port());
  EXPECT_EQ(client.ping(), "+PONG\r\n");
  EXPECT_EQ(client.ping(), "+PONG\r\n");
  EXPECT_EQ(proxy.counts().connections, 1U);
  EXPECT_EQ(proxy.counts().forwarded, 2 * (6U + 7U));
}

TEST(ChaosProxyOfATest, cuts_at_a_byte_or_at_once) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  proxy.misbehave(ChaosProxy::Direction::to_client, {.cut_after = 9});
  const Pinger client(proxy.port());
  EXPECT_EQ(client.ping(), "+PONG\r\n");
  EXPECT_EQ(client.ping(), "+P");
  EXPECT_EQ(client.hear(), "");
  proxy.behave();
  const Pinger next(proxy.port());
  EXPECT_EQ(next.ping(), "+PONG\r\n");
  proxy.cut_all();
  EXPECT_EQ(next.hear(), "");
  EXPECT_EQ(proxy.counts().cut, 2U);
}

TEST(ChaosProxyOfATest, corrupts_what_it_forwards) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  proxy.misbehave(ChaosProxy::Direction::to_client, {.corrupt_chance = 1});
  const Pinger client(proxy.port());
  const std::string right = "+PONG\r\n";
  const std::string answer = client.ping();
  ASSERT_EQ(answer.size(), right.size());
  for (std::size_t i = 0; i < right.size(); ++i) EXPECT_NE(answer[i], right[i]);
  EXPECT_EQ(proxy.counts().corrupted, 7U);
}

TEST(ChaosProxyOfATest, delays_what_it_forwards) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  proxy.misbehave(ChaosProxy::Direction::to_server, {.delay = 60ms});
  const Pinger client(proxy.port());
  const SteadyTime before = SystemClock{}.steady_now();
  EXPECT_EQ(client.ping(), "+PONG\r\n");
  EXPECT_GE(SystemClock{}.steady_now() - before, 60ms);
}

TEST(ChaosProxyOfATest, keeps_connections_that_carry_nothing) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  const Pinger client(proxy.port());
  EXPECT_EQ(client.ping(), "+PONG\r\n");
  proxy.stall_present();
  client.say_ping();
  EXPECT_EQ(client.hear(50ms), "");
  EXPECT_EQ(Pinger(proxy.port()).ping(), "+PONG\r\n");
  proxy.stall();
  const Pinger late(proxy.port());
  late.say_ping();
  EXPECT_EQ(late.hear(50ms), "");
  proxy.resume();
  EXPECT_EQ(client.hear(), "+PONG\r\n");
  EXPECT_EQ(late.hear(), "+PONG\r\n");
}

TEST(ChaosProxyOfATest, ends_the_connection_of_a_server_that_is_gone) {
  RedisServer server;
  const ChaosProxy proxy(server.port());
  const Pinger client(proxy.port());
  EXPECT_EQ(client.ping(), "+PONG\r\n");
  server.kill();
  EXPECT_EQ(client.hear(), "");
  EXPECT_EQ(Pinger(proxy.port()).ping(), "");
}

}  // namespace
}  // namespace aldis::testing
