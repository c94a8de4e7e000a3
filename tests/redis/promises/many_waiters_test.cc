// Thousands that wait in one process: what they cost the process and the server.

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>
#include <memory>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include "aldis/limits.h"
#include "redis/cluster.h"
#include "redis/eventually.h"
#include "redis/promises/agents.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCalled = 200;  // of the registrations
constexpr std::size_t kWaiters = 100;

std::size_t threads_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoul(line.substr(line.find('\t')));
  }
  return 0;
}

std::size_t lines_of(const std::string& text) {
  std::istringstream lines(text);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.empty() ? 0 : 1;
  return count;
}

std::size_t subscribers_of(const RedisServer& server) {
  return lines_of(server.command({"CLIENT", "LIST", "TYPE", "pubsub"}));
}

// One agent each, all of one workspace.
class Registrations {
 public:
  Registrations(const Workspace& workspace, std::size_t count) : news_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      readers_.push_back(act_as(name(i), workspace));
      const auto registered = readers_.back().on_signal({}, {}, [this, i](const SignalNews&) { ++news_[i]; }, {});
      if (!registered) ADD_FAILURE() << registered.error().message;
      if (i == 0) threads_with_one_ = threads_of_this_process();
    }
  }

  static std::string name(std::size_t index) { return fmt::format("reader-{}", index); }
  std::size_t threads_with_one() const { return threads_with_one_; }

  // Whether some, chosen at random, get a signal each, and nobody else gets any.
  void expect_that_each_is_called(CoordinationSignals& sender) {
    std::mt19937 random(7);
    std::vector<int> expected(news_.size(), 0);
    for (std::size_t i = 0; i < kCalled; ++i) {
      const std::size_t chosen = random() % news_.size();
      send(sender, name(chosen));
      ++expected[chosen];
    }
    EXPECT_TRUE(eventually([&] { return counts() == expected; }));
  }

 private:
  std::vector<int> counts() const { return {news_.begin(), news_.end()}; }

  std::vector<std::atomic<int>> news_;
  std::vector<CoordinationSignals> readers_;  // gone first: nothing is called afterwards
  std::size_t threads_with_one_ = 0;
};

// Threads that wait on the same workspace, an agent each.
class Waiters {
 public:
  explicit Waiters(const Workspace& workspace) : waits_(kWaiters) {
    for (std::size_t i = 0; i < kWaiters; ++i) {
      waits_[i] = std::async(std::launch::async, [workspace, i] {
        return told_by(act_as(name(i), workspace).wait_for_signal({}, {}, 60s));
      });
    }
  }

  static std::string name(std::size_t index) { return fmt::format("waiter-{}", index); }

  void expect_that_each_is_woken(CoordinationSignals& sender) {
    for (std::size_t i = 0; i < kWaiters; ++i) {
      const std::string sent = send(sender, name(i));
      EXPECT_EQ(waits_[i].get(), sent);
    }
  }

 private:
  std::vector<std::future<std::string>> waits_;
};

void wait_until_quiet(const RedisServer& server, std::size_t channels) {
  constexpr int kQuietLooks = 100;
  std::uint64_t before = 0;
  int quiet = 0;
  EXPECT_TRUE(eventually([&] {
    const std::uint64_t scripts = calls_of(server, "evalsha") + calls_of(server, "eval");
    quiet = scripts == before && std::stoul(server.info("pubsub_channels")) >= channels ? quiet + 1 : 0;
    before = scripts;
    return quiet == kQuietLooks;
  })) << server.info("pubsub_channels");
}

// Until each mailbox was read so often. Nobody may send meanwhile: scripts read too.
void wait_for_rechecks(const RedisServer& server, std::size_t mailboxes, std::size_t count) {
  const std::uint64_t reads = calls_of(server, "hget");
  EXPECT_TRUE(eventually([&] { return calls_of(server, "hget") - reads >= count * mailboxes; }));
}

// While nobody sends, a recheck is a read for each mailbox and no script. The first one is not meant: nobody knows yet
// whether a ring was lost before it.
void expect_two_cheap_rechecks(const RedisServer& server, std::size_t mailboxes) {
  wait_for_rechecks(server, mailboxes, 1);
  wait_until_quiet(server, mailboxes);
  const std::uint64_t scripts = calls_of(server, "evalsha");
  const std::uint64_t reads = calls_of(server, "hget");
  wait_for_rechecks(server, mailboxes, 2);
  EXPECT_LT(calls_of(server, "hget") - reads, 3 * (mailboxes + mailboxes / 100));
  EXPECT_EQ(calls_of(server, "evalsha"), scripts);
}

TEST(ManyWaiters, share_the_threads_of_one_process_and_a_connection_of_the_server) {
  constexpr std::size_t kRegistrations = 10'000;
  const RedisServer server;
  const Workspace workspace = join(server.url());
  const Workspace elsewhere = join(server.url());
  auto sender = act_as("sender", elsewhere);
  Registrations registrations(workspace, kRegistrations);
  EXPECT_TRUE(eventually([&] { return threads_of_this_process() <= registrations.threads_with_one(); }));
  Waiters waiters(workspace);
  wait_until_quiet(server, kRegistrations + kWaiters);
  EXPECT_TRUE(eventually([&] { return threads_of_this_process() <= registrations.threads_with_one() + kWaiters; }));
  EXPECT_EQ(subscribers_of(server), 1U);
  // Both workspaces, the subscriber and the test's own.
  EXPECT_LE(std::stoul(server.info("connected_clients")), 2 * limits::kRedisConnectionsMax + 2);
  expect_two_cheap_rechecks(server, kRegistrations + kWaiters);
  registrations.expect_that_each_is_called(sender);
  waiters.expect_that_each_is_woken(sender);
}

TEST(ManyWaiters, have_one_connection_a_master_of_a_cluster) {
  constexpr std::size_t kRegistrations = 1'000;
  const RedisCluster cluster;
  const Workspace workspace = join(cluster.url());
  const Workspace elsewhere = join(cluster.url());
  auto sender = act_as("sender", elsewhere);
  Registrations registrations(workspace, kRegistrations);
  Waiters waiters(workspace);
  EXPECT_TRUE(eventually([&] { return threads_of_this_process() <= registrations.threads_with_one() + kWaiters; }));
  registrations.expect_that_each_is_called(sender);
  waiters.expect_that_each_is_woken(sender);
  for (const auto& node : cluster.nodes()) EXPECT_EQ(subscribers_of(*node), 1U) << node->address();
}

}  // namespace
}  // namespace aldis::testing
