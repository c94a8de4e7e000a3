// The same commands on a Redis store, and what aldis doctor says about its servers.

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <sstream>

#include "program.h"
#include "redis/chaos_proxy.h"
#include "redis/cluster.h"
#include "redis/eventually.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class OnRedis : public ::testing::Test {
 protected:
  Ended aldis(const Words& words, Variables more = {}) {
    more.try_emplace("ALDIS_STORE", server.url());
    return sandbox.aldis(words, more);
  }
  Variables environment() const { return sandbox.environment({{"ALDIS_STORE", server.url()}}); }

  // The check of this name; of several, the worst.
  struct Check {
    std::string status;
    std::string message;
    std::string suggestion;
  };
  static Check check(const Ended& ended, std::string_view name) {
    Check worst;
    for (const auto& row : ended.rows("/data")) {
      if (std::string_view(row.at("name").as_string()) != name) continue;
      const std::string status(row.at("status").as_string());
      if (!worst.status.empty() && status == "ok") continue;
      worst = {status, std::string(row.at("message").as_string()),
               row.at("suggestion").is_string() ? std::string(row.at("suggestion").as_string()) : std::string()};
    }
    return worst;
  }

  RedisServer server;
  Sandbox sandbox;
};

TEST_F(OnRedis, a_signal_goes_from_one_process_to_another) {
  Running waiting(sandbox.command({"signals", "wait", "task", "--agent", "worker", "--timeout", "30"}), environment());
  const Ended sent = aldis({"signals", "send", "task", "--agent", "boss", "--to", "worker", "--payload", R"({"n":1})"});
  ASSERT_EQ(sent.exit_code, 0) << sent.out;
  const Ended got = waiting.wait();
  EXPECT_EQ(got.exit_code, 0) << got.out;
  EXPECT_EQ(got.text("/data/signal/signal_id"), sent.text("/data/signal_id"));
  EXPECT_EQ(got.raw(R"("payload":)", R"(,"timestamp")"), R"({"n":1})");
  EXPECT_EQ(aldis({"signals", "receipt", sent.text("/data/signal_id")}).text("/data/state"), "delivered");
  EXPECT_EQ(aldis({"signals", "check", "task", "--agent", "worker"}).exit_code, 85);
}

TEST_F(OnRedis, an_agent_that_is_killed_is_dead_at_once_with_evidence) {
  Running agent(sandbox.command({"run", "--agent", "worker", "--", "sleep", "60"}), environment());
  ASSERT_TRUE(eventually([&] { return aldis({"agents", "show", "worker"}).exit_code == 0; }));
  agent.signal(SIGKILL);
  agent.wait_for_end();
  const Ended shown = aldis({"agents", "show", "worker"});
  EXPECT_EQ(shown.text("/data/state"), "dead");
  EXPECT_THAT(shown.text("/data/evidence"), HasSubstr("process"));
}

TEST_F(OnRedis, namespaces_do_not_meet) {
  ASSERT_EQ(aldis({"agents", "beat", "--agent", "a", "--namespace", "one"}).exit_code, 0);
  EXPECT_EQ(aldis({"agents", "list", "--namespace", "one"}).rows("/data").size(), 1U);
  EXPECT_EQ(aldis({"agents", "list", "--namespace", "two"}).rows("/data").size(), 0U);
}

TEST_F(OnRedis, a_server_that_went_away_is_12_and_nobody_says_that_nothing_is_there) {
  ASSERT_EQ(aldis({"agents", "beat", "--agent", "a"}).exit_code, 0);
  server.kill();
  for (const Words& words : {Words{"agents", "list"}, Words{"signals", "check", "t", "--agent", "a"},
                             Words{"signals", "wait", "t", "--agent", "a", "--timeout", "1"},
                             Words{"signals", "pending", "--agent", "a"}, Words{"agents", "show", "a"}}) {
    const Ended ended = aldis(words);
    EXPECT_EQ(ended.exit_code, 12) << ended.out;
    EXPECT_EQ(ended.text("/error/code"), "STORE_UNAVAILABLE");
    EXPECT_THAT(ended.text("/error/message"), HasSubstr(server.address()));
  }
}

TEST_F(OnRedis, a_waiter_learns_that_the_server_went_away) {
  ASSERT_EQ(aldis({"agents", "beat", "--agent", "a"}).exit_code, 0);
  Running waiting(
      sandbox.command({"signals", "wait", "task", "--agent", "a", "--timeout", "60", "--connect-timeout", "1"}),
      environment());
  ASSERT_TRUE(eventually([&] { return server.command({"PUBSUB", "CHANNELS"}).find("!a:a") != std::string::npos; }));
  server.kill();
  EXPECT_EQ(waiting.wait().exit_code, 12);
}

TEST_F(OnRedis, the_second_signal_ends_what_hangs_in_a_stopped_server) {
  for (const Words& words : {Words{"events", "tail", "--follow"}, Words{"signals", "wait", "t", "--agent", "a"}}) {
    server.stop();
    Words patient = words;
    patient.insert(patient.end(), {"--connect-timeout", "25"});
    Running hanging(sandbox.command(patient), environment());
    wait_until_blocked(hanging.pid(), SIGINT);
    hanging.signal(SIGINT);
    wait_until_open(hanging.pid(), SIGINT);
    hanging.signal(SIGINT);
    EXPECT_EQ(hanging.wait().exit_code, -SIGINT) << "130 is what it answers when the server is given up";
    server.go_on();
  }
}

TEST_F(OnRedis, an_event_of_a_signal_keeps_the_end_of_a_process_waiting_for_no_second_connection) {
  ChaosProxy proxy(server.port());
  proxy.misbehave({.delay = std::chrono::milliseconds{100}});  // far beyond what an event may cost
  const Words send = {"signals", "send", "go", "--to", "bob", "--agent", "alice"};
  const Variables through_proxy = {{"ALDIS_STORE", "redis://" + proxy.address()}};
  ASSERT_EQ(aldis(send, through_proxy).exit_code, 0);
  const std::uint64_t connections = proxy.counts().connections;
  Variables streaming = through_proxy;
  streaming["ALDIS_STREAM_EVENTS"] = "1";
  ASSERT_EQ(aldis(send, streaming).exit_code, 0);
  EXPECT_EQ(proxy.counts().connections, 2 * connections);
  EXPECT_EQ(check(aldis({"doctor"}), "dropped_events").status, "ok") << "it was on its way";
}

TEST_F(OnRedis, a_wrong_password_is_permission_denied_and_no_password_is_shown) {
  RedisServer locked({.password = "correct-horse"});
  std::string url = locked.url();
  url.insert(url.find("://") + 3, ":hunter2@");
  const Ended ended = aldis({"agents", "list"}, {{"ALDIS_STORE", url}});
  EXPECT_EQ(ended.exit_code, 7) << ended.out;
  EXPECT_THAT(ended.out, Not(HasSubstr("hunter2")));
}

TEST_F(OnRedis, a_password_may_be_in_a_file) {
  RedisServer locked({.password = "correct-horse"});
  const std::string file = sandbox.write_file("password", "correct-horse\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  EXPECT_EQ(sandbox.aldis({"agents", "list", "--store", locked.url() + "?password_file=" + file}).exit_code, 0);
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  const Ended open = sandbox.aldis({"agents", "list", "--store", locked.url() + "?password_file=" + file});
  EXPECT_EQ(open.exit_code, 4);
  EXPECT_THAT(open.text("/error/message"), HasSubstr("chmod 600"));
}

TEST_F(OnRedis, doctor_finds_a_well_kept_server_well) {
  RedisServer kept({.append_only = true, .lines = {"maxmemory 100mb", "maxmemory-policy noeviction"}});
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", kept.url()}});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  for (const char* name : {"store", "clock", "version", "persistence", "eviction", "memory", "clock_skew", "latency",
                           "replicas", "encryption", "round_trip"}) {
    EXPECT_EQ(check(ended, name).status, "ok") << name << ": " << check(ended, name).message;
  }
  EXPECT_THAT(check(ended, "version").message, HasSubstr(kept.info("redis_version")));
}

TEST_F(OnRedis, doctor_warns_of_what_may_lose_signals) {
  RedisServer careless({.lines = {"maxmemory 100mb", "maxmemory-policy allkeys-lru"}});
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", careless.url()}});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_EQ(check(ended, "persistence").status, "warn");
  EXPECT_THAT(check(ended, "persistence").suggestion, HasSubstr("appendonly"));
  EXPECT_EQ(check(ended, "eviction").status, "warn");
  EXPECT_THAT(check(ended, "eviction").message, HasSubstr("allkeys-lru"));
}

TEST_F(OnRedis, doctor_warns_of_an_audit_log_before_it_is_full) {
  const Words request = {"approvals", "request", "deploy", "--agent", "worker", "--no-wait"};
  EXPECT_EQ(aldis(request).exit_code, 0);
  EXPECT_EQ(check(aldis({"doctor"}), "audit_log").status, "ok");
  const auto is_so_long = [this](const char* entries) {
    server.command({"HSET", "aldis1:{default/a}:m", "n", entries});
    return check(aldis({"doctor"}), "audit_log");
  };
  EXPECT_EQ(is_so_long("899999").status, "ok");
  EXPECT_EQ(is_so_long("900000").status, "warn");
  EXPECT_THAT(is_so_long("999999").suggestion, HasSubstr("aldis audit export --rotate >> "));
  EXPECT_EQ(aldis(request).exit_code, 0) << "it holds that one yet";
  EXPECT_EQ(check(aldis({"doctor"}), "audit_log").status, "fail");
  const Ended refused = aldis(request);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.text("/error/message"), HasSubstr("aldis audit export --rotate"));
}

TEST_F(OnRedis, what_doctor_suggests_is_a_command) {
  RedisServer careless({.lines = {"maxmemory-policy allkeys-lru", "timeout 300"}});
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", careless.url()}});
  for (const char* name : {"persistence", "eviction", "timeout"}) {
    EXPECT_EQ(check(ended, name).status, "warn") << ended.out;
    std::istringstream commands(check(ended, name).suggestion);
    for (std::string command; std::getline(commands >> std::ws, command, ';');) {
      std::istringstream words(command);
      EXPECT_EQ(careless.command({std::istream_iterator<std::string>(words), {}}), "OK") << command;
    }
  }
  const Ended again = aldis({"doctor"}, {{"ALDIS_STORE", careless.url()}});
  for (const char* name : {"persistence", "eviction", "timeout"}) EXPECT_EQ(check(again, name).status, "ok") << name;
  EXPECT_EQ(check(again, "memory").status, "warn") << "no maxmemory";
}

TEST_F(OnRedis, doctor_says_what_is_wrong_with_a_password) {
  RedisServer locked({.password = "correct-horse"});
  std::string url = locked.url();
  url.insert(url.find("://") + 3, ":hunter2@");
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", url}});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(check(ended, "store").suggestion, HasSubstr("correct the user and password"));
  EXPECT_THAT(ended.out, Not(HasSubstr("hunter2")));
}

TEST_F(OnRedis, doctor_sees_a_clock_that_is_wrong) {
  ClockFile clock;
  RedisServer late({.clock = &clock});
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", late.url()}});
  EXPECT_EQ(check(ended, "clock_skew").status, "warn") << ended.out;
}

TEST_F(OnRedis, doctor_fails_when_replicas_are_asked_for_that_are_not_there) {
  const Ended ended = aldis({"doctor", "--connect-timeout", "1"}, {{"ALDIS_STORE", server.url() + "?replicas=1"}});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(check(ended, "replicas").status, "fail") << ended.out;
}

TEST_F(OnRedis, doctor_looks_at_every_master_of_a_cluster) {
  RedisCluster cluster({.masters = 3});
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", cluster.url()}});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_EQ(check(ended, "cluster").status, "ok") << ended.out;
  const auto rows = ended.rows("/data");
  EXPECT_EQ(
      std::ranges::count_if(rows, [](const auto& row) { return row.at("name") == boost::json::value("version"); }), 3);
}

TEST_F(OnRedis, doctor_looks_at_the_masters_that_live) {
  RedisCluster cluster({.masters = 3});
  cluster.nodes().back()->kill();
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", cluster.url()}});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(check(ended, "servers").status, "fail") << ended.out;
  EXPECT_THAT(check(ended, "servers").message, HasSubstr(cluster.nodes().back()->address()));
  EXPECT_THAT(check(ended, "version").message, HasSubstr(cluster.nodes().front()->address()));
}

TEST_F(OnRedis, doctor_does_not_guess_what_it_may_not_ask) {
  for (const bool append_only : {true, false}) {
    RedisServer strict({.acl = "user ann on >secret ~* &* +@all -config", .append_only = append_only});
    std::string url = strict.url();
    url.insert(url.find("://") + 3, "ann:secret@");
    const Check found = check(aldis({"doctor"}, {{"ALDIS_STORE", url}}), "persistence");
    EXPECT_EQ(found.status, "warn");
    EXPECT_THAT(found.message, append_only ? HasSubstr("does not tell") : HasSubstr("snapshots at most"));
  }
}

TEST_F(OnRedis, doctor_says_what_an_acl_hides) {
  RedisServer strict({.acl = "user ann on >secret ~* &* +@all -info -config"});
  std::string url = strict.url();
  url.insert(url.find("://") + 3, "ann:secret@");
  const Ended ended = aldis({"doctor"}, {{"ALDIS_STORE", url}});
  EXPECT_EQ(check(ended, "persistence").status, "warn") << ended.out;
  EXPECT_THAT(check(ended, "persistence").suggestion, HasSubstr("+info"));
}

}  // namespace
}  // namespace aldis::testing
