// Many tools at once, and kill -9 of tools and couriers at random instants: what a tool handed over arrives, and what
// arrives twice has the same key.

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "aldis/limits.h"
#include "cli/program.h"
#include "core/clock.h"
#include "core/private_files.h"
#include "courier/courier_program.h"
#include "courier/http_server.h"
#include "telemetry/gate.h"

namespace aldis::testing {
namespace {

constexpr int kTools = 50;

// A home with telemetry on, many tools in it, and a receiver.
class Fleet {
 public:
  Fleet() {
    // Couriers whose tool is gone become our children, so that they can be found and waited for.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const Ended enabled = run({"telemetry", "enable", "--endpoint", server_.url(), "--lifetime-ms", "10000"});
    EXPECT_EQ(enabled.exit_code, 0) << enabled.err;
  }
  ~Fleet() { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  // Starts that many tools at once; each has the next number. `victims` of them are killed while they run.
  void start_tools(int count, int victims) {
    std::vector<std::unique_ptr<Running>> running;
    std::vector<std::int64_t> numbers;
    for (int i = 0; i < count; ++i) {
      numbers.push_back(++started_);
      running.push_back(std::make_unique<Running>(Words{ALDIS_REPORTER, std::to_string(started_)}, variables()));
    }
    for (int i = 0; i < victims; ++i) running[random_() % running.size()]->signal(SIGKILL);
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (running[i]->wait_for_end() == 0) handed_over_.insert(numbers[i]);
    }
  }

  // The couriers that tools have started and left to us.
  std::vector<pid_t> couriers() const {
    std::vector<pid_t> found;
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    for (pid_t pid = 0; children >> pid;) found.push_back(pid);
    return found;
  }
  void kill_couriers() const {
    for (const pid_t pid : couriers()) kill(pid, SIGKILL);
  }
  void wait_for_couriers() const {
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }

  // As if 5 s had passed.
  void open_gate() const {
    const auto directory = open_own_directory(state(), Others::nothing);
    ASSERT_TRUE(directory) << directory.error().message;
    auto gate = telemetry::Gate::open(*directory);
    ASSERT_TRUE(gate && gate->take_pen(true));
    telemetry::GateRecord record = gate->read();
    record.next_attempt_at = {};
    ASSERT_TRUE(gate->write(record));
  }

  void send_the_rest() {
    for (int tries = 0; tries < 10; ++tries) {
      const Ended flushed = run({"telemetry", "flush"});
      ASSERT_EQ(flushed.exit_code, 0) << flushed.out << flushed.err;
      if (flushed.at("/data/remaining").to_number<int>() == 0) return;
    }
    FAIL() << "flush leaves something for ever";
  }

  // Numbers by how often they arrived under different keys.
  std::multiset<std::int64_t> arrived() const {
    std::map<std::string, std::string> bodies;
    for (const Received& request : server_.received()) {
      const auto [known, is_new] = bodies.emplace(request.headers.at("idempotency-key"), request.body);
      EXPECT_EQ(known->second, request.body) << "a key came with two bodies";
    }
    std::multiset<std::int64_t> numbers;
    for (const auto& [key, body] : bodies) {
      const BodyContent content = content_of(body);
      numbers.insert(content.numbers.begin(), content.numbers.end());
      EXPECT_EQ(content.dropped, 0);
    }
    return numbers;
  }
  std::size_t requests() const { return server_.received().size(); }
  const std::set<std::int64_t>& handed_over() const { return handed_over_; }
  std::int64_t started() const { return started_; }

 private:
  Variables variables() const { return {{"HOME", directory_.path()}}; }
  std::string state() const { return directory_.path() + "/.local/state/reporter/telemetry"; }
  Ended run(Words words) const {
    words.insert(words.begin(), ALDIS_REPORTER);
    return Running(words, variables()).wait();
  }

  ScratchDirectory directory_;
  HttpServer server_;
  std::mt19937 random_{20261122};
  std::int64_t started_ = 0;
  std::set<std::int64_t> handed_over_;
};

TEST(FiftyTools, at_once_start_one_courier_and_lose_nothing) {
  Fleet fleet;
  const SystemClock clock;
  const SteadyTime start = clock.steady_now();
  fleet.start_tools(kTools, 0);
  // One more for each pause that a slow machine takes.
  const auto pauses = [&] { return static_cast<std::size_t>((clock.steady_now() - start) / limits::kTelemetryPause); };
  const std::size_t couriers = fleet.couriers().size();
  EXPECT_LE(couriers, 1U + pauses());
  fleet.wait_for_couriers();
  EXPECT_LE(fleet.requests(), 1U + pauses());
  fleet.send_the_rest();
  EXPECT_EQ(fleet.handed_over().size(), static_cast<std::size_t>(kTools));
  const auto arrived = fleet.arrived();
  EXPECT_THAT(std::vector<std::int64_t>(arrived.begin(), arrived.end()),
              ::testing::ElementsAreArray(fleet.handed_over()));
}

TEST(KilledTools, and_killed_couriers_lose_nothing_that_was_handed_over) {
  Fleet fleet;
  constexpr int kRounds = 20;
  constexpr int kVictims = 15;
  for (int round = 0; round < kRounds; ++round) {
    if (round > 0) fleet.open_gate();
    fleet.start_tools(kTools, kVictims);
    // Not every time: a batch that is killed five times is given up.
    if (round % 2 == 0) fleet.kill_couriers();
    fleet.wait_for_couriers();
  }
  fleet.send_the_rest();
  const auto arrived = fleet.arrived();
  for (const std::int64_t number : fleet.handed_over()) EXPECT_EQ(arrived.count(number), 1U) << number;
  EXPECT_EQ(arrived.size(), std::set(arrived.begin(), arrived.end()).size()) << "something came under two keys";
  // Somebody was killed before the hand-over was over, or this test shows nothing.
  EXPECT_LT(fleet.handed_over().size(), static_cast<std::size_t>(fleet.started()));
  EXPECT_GE(fleet.handed_over().size(), static_cast<std::size_t>(fleet.started()) / 2);
}

}  // namespace
}  // namespace aldis::testing
