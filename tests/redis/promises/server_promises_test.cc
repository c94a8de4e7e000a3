// A server that is full, that grants less than asked, that was demoted; and what a session leaves and costs there.

#include <gmock/gmock.h>

#include <future>
#include <sstream>
#include <vector>

#include "redis/eventually.h"
#include "redis/promises/agents.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kSent = 10;  // of what fills a server
constexpr std::size_t kHeavyBytes = 200 * 1024;

Json heavy_payload() { return *Json::parse(R"({"text":")" + std::string(kHeavyBytes, 'x') + R"("})"); }

// Everything that a session of agents does, in some order, on one store.
void have_a_session(const std::string& url) {
  const Workspace workspace = join(url);
  auto boss = act_as("boss", workspace);
  auto worker = act_as("worker", workspace);
  HeartbeatCoordinator heart(workspace);
  ASSERT_TRUE(heart.start_heartbeat("worker"));
  EXPECT_EQ(take(worker), "nothing");
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(heart.beat("running", i / 40.0));
  for (int i = 0; i < 5; ++i) send(boss, "worker");
  const std::string news = boss.broadcast("news")->signal_id;
  const auto kept = worker.check_signal({"work"}, {}, {.acknowledge_within = 60s, .take_id = "mine"});
  ASSERT_TRUE(worker.acknowledge(told_by(kept)));
  ASSERT_TRUE(worker.check_signal({}, {}, {.acknowledge_within = 60s}));
  EXPECT_EQ(told_by(worker.check_signal({"news"})), news);
  EXPECT_TRUE(boss.receipt(news));
  EXPECT_TRUE(boss.receipt(told_by(kept)));
  const auto brief = boss.signal("brief", "worker", {}, 1ms);
  ASSERT_TRUE(brief);
  EXPECT_TRUE(eventually([&] { return boss.receipt(brief->signal_id)->state == ReceiptState::expired; }));
  EXPECT_EQ(told_by(worker.check_signal({"brief"})), "expired " + brief->signal_id);
  EXPECT_EQ(told_by(worker.wait_for_signal({"other"}, {}, 100ms)), "nothing");
  EXPECT_THAT(*worker.get_pending_signals(), SizeIs(3));
  EXPECT_EQ(worker.clear_signals(), 3U);
  EXPECT_THAT(*heart.list(), SizeIs(1));
  ASSERT_TRUE(heart.watch([](const StateChange&) { return false; }, {}));
  ASSERT_TRUE(heart.stop_heartbeat());
}

std::vector<std::string> keys_without_an_end(const RedisServer& server) {
  std::istringstream keys(server.command({"SCAN", "0", "COUNT", "100000"}));
  std::string key;
  std::getline(keys, key);
  EXPECT_EQ(key, "0") << "not all in one answer";
  std::vector<std::string> endless;
  std::size_t seen = 0;
  while (std::getline(keys, key)) {
    ++seen;
    if (server.command({"PTTL", key}) == "-1") endless.push_back(key);
  }
  EXPECT_GT(seen, 5U);
  return endless;
}

TEST(ASession, asks_for_no_key_but_those_it_knows) {
  const RedisServer server;
  have_a_session(server.url());
  EXPECT_EQ(calls_of(server, "scan"), 0U);
  EXPECT_EQ(calls_of(server, "keys"), 0U);
  EXPECT_EQ(calls_of(server, "hscan") + calls_of(server, "sscan") + calls_of(server, "zscan"), 0U);
  EXPECT_GT(calls_of(server, "evalsha"), 0U);
}

TEST(ASession, leaves_nothing_for_good) {
  const RedisServer server;
  have_a_session(server.url());
  EXPECT_THAT(keys_without_an_end(server), IsEmpty());
}

class UserWithoutChannels : public ::testing::Test {
 protected:
  std::string url() const { return "redis://narrow:pass@" + server_.address(); }

  RedisServer server_{{.acl = "user default on nopass ~* &* +@all\n"
                              "user narrow on >pass ~aldis1:{* resetchannels +@all\n"}};
  CoordinationSignals sender_ = act_as("sender", join(server_.url()));
  Workspace narrow_ = join(url());
  CoordinationSignals reader_ = act_as("reader", narrow_);
};

TEST_F(UserWithoutChannels, takes_each_signal_once_and_loses_none) {
  const std::string first = send(sender_, "reader");
  const std::string second = send(sender_, "reader");
  EXPECT_EQ(take(reader_), first);
  EXPECT_EQ(take(reader_), second);
  EXPECT_EQ(take(reader_), "nothing");
  const std::string own = send(reader_, "sender");
  EXPECT_EQ(take(sender_), own);
  EXPECT_EQ(take(sender_), "nothing");
}

TEST_F(UserWithoutChannels, still_hears_what_it_waits_for) {
  auto waiting = std::async(std::launch::async, [&] { return told_by(reader_.wait_for_signal({}, {}, 60s)); });
  EXPECT_TRUE(eventually([&] { return server_.command({"ACL", "LOG"}).find("channel") != std::string::npos; }));
  const std::string sent = send(sender_, "reader");
  EXPECT_EQ(waiting.get(), sent);
}

TEST_F(UserWithoutChannels, leaves_nothing_for_good) {
  have_a_session(url());
  EXPECT_THAT(keys_without_an_end(server_), IsEmpty());
}

class FullServer : public ::testing::Test {
 protected:
  // Full with signals to "reader", one more of which it holds.
  FullServer() {
    EXPECT_TRUE(heart_.start_heartbeat("reader"));
    held_ = send(sender_, "reader");
    EXPECT_EQ(told_by(reader_.check_signal({}, {}, {.acknowledge_within = 60s})), held_);
    for (std::size_t i = 0; i < kSent; ++i) EXPECT_TRUE(try_to_send());
    const std::uint64_t limit = std::stoull(server_.info("used_memory")) - kHeavyBytes;
    server_.command({"CONFIG", "SET", "maxmemory", std::to_string(limit)});
  }

  bool try_to_send() {
    const auto sent = sender_.signal("work", "reader", heavy_payload());
    if (sent) return true;
    EXPECT_EQ(code_of(sent), "resource_exhausted") << sent.error().message;
    return false;
  }

  RedisServer server_{{.lines = {"maxmemory-policy noeviction"}}};
  Workspace workspace_ = join(server_.url(), 2s);  // so long a server keeps what it delivered
  CoordinationSignals sender_ = act_as("sender", workspace_);
  CoordinationSignals reader_ = act_as("reader", workspace_);
  HeartbeatCoordinator heart_{workspace_};
  std::string held_;
};

TEST_F(FullServer, refuses_signals_and_broadcasts_and_nothing_else) {
  EXPECT_EQ(code_of(sender_.signal("work", "reader")), "resource_exhausted");
  EXPECT_EQ(code_of(sender_.broadcast("news")), "resource_exhausted");
  EXPECT_EQ(code_of(heart_.beat("running", 0.5)), "ok");
  EXPECT_EQ(code_of(heart_.list()), "ok");
  HeartbeatCoordinator another(workspace_);
  EXPECT_EQ(code_of(another.start_heartbeat("another")), "ok");
  EXPECT_EQ(code_of(another.stop_heartbeat()), "ok");
  EXPECT_EQ(code_of(reader_.acknowledge(held_)), "ok");
  EXPECT_EQ(code_of(sender_.receipt(held_)), "ok");
  const auto pending = reader_.get_pending_signals();
  ASSERT_TRUE(pending) << pending.error().message;
  EXPECT_THAT(*pending, SizeIs(kSent));
  EXPECT_EQ(code_of(reader_.check_signal({}, {}, {.acknowledge_within = 60s})), "ok");
  EXPECT_EQ(reader_.clear_signals(), kSent - 1);
  EXPECT_EQ(code_of(heart_.stop_heartbeat()), "ok");
}

TEST_F(FullServer, takes_signals_again_once_it_was_drained) {
  for (std::size_t i = 0; i < kSent; ++i) EXPECT_THAT(take(reader_), ::testing::StartsWith("sig_"));
  EXPECT_EQ(take(reader_), "nothing");
  EXPECT_TRUE(eventually([&] { return try_to_send(); }));
}

TEST(DemotedServer, says_that_it_cannot_know_and_never_that_there_is_nothing) {
  const RedisServer server;
  const Workspace workspace = join(server.url(), 1s);
  auto agent = act_as("agent", workspace);
  HeartbeatCoordinator heart(workspace);
  ASSERT_TRUE(heart.start_heartbeat("agent"));
  const std::string sent = send(agent, "agent");
  const auto answers = [&] {
    return std::vector<std::string>{
        code_of(agent.check_signal({"other"})),   code_of(agent.wait_for_signal({"other"}, {}, 100ms)),
        code_of(agent.get_pending_signals()),     code_of(agent.receipt(sent)),
        code_of(agent.clear_signals("other")),    code_of(heart.list()),
        code_of(heart.get_agent_status("agent")), code_of(heart.beat())};
  };
  EXPECT_THAT(answers(), Each("ok"));
  server.command({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_THAT(answers(), Each("unavailable"));
  server.command({"REPLICAOF", "NO", "ONE"});
  EXPECT_THAT(answers(), Each("ok"));
  EXPECT_EQ(take(agent), sent);
}

}  // namespace
}  // namespace aldis::testing
