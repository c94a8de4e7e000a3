// aldis_fleet [--agents N] [--seconds S]: how far one fleet on a Redis cluster of three masters would go. It starts the
// cluster, drives agents from a few threads as fast as they answer, and reads what the servers spent. docs/scaling.md
// has the model that these numbers feed.

#include <fmt/core.h>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "measure.h"
#include "redis/cluster.h"
#include "scene.h"

namespace aldis::bench {
namespace {

constexpr std::size_t kThreads = 8;  // enough to keep one core busy while the others wait for their answers
constexpr double kFleet = 1'000'000;
constexpr double kBeatEverySeconds = 10;
constexpr double kShareOfCoreMax = 0.6;  // beyond it latency grows; leave room for a failover

struct Plan {
  std::size_t agents = 3'000;
  double seconds = 5;
};

// What all masters together have spent so far.
struct Spent {
  double cpu_seconds = 0;
  double bytes = 0;  // in and out
  double memory = 0;
};

Spent spent_by(const testing::RedisCluster& cluster) {
  Spent spent;
  for (const auto& node : cluster.nodes()) {
    const auto number = [&](std::string_view field) { return std::stod(node->info(field)); };
    spent.cpu_seconds += number("used_cpu_user") + number("used_cpu_sys");
    spent.bytes += number("total_net_input_bytes") + number("total_net_output_bytes");
    spent.memory += number("used_memory");
  }
  return spent;
}

struct Measured {
  double per_second = 0;
  double server_microseconds = 0;  // CPU of all masters, an operation
  double bytes = 0;                // on the wire, an operation
};

// Runs `operation(thread, turn)` from every thread for the planned time.
template <class Operation>
Measured drive(const testing::RedisCluster& cluster, double seconds, const Operation& operation) {
  const SystemClock clock;
  const Spent before = spent_by(cluster);
  const SteadyTime start = clock.steady_now();
  const SteadyTime end = start + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  std::atomic<std::size_t> done{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        std::size_t turn = 0;
        for (; clock.steady_now() < end; ++turn) operation(thread, turn);
        done += turn;
      });
    }
  }
  const double took = std::chrono::duration<double>(clock.steady_now() - start).count();
  const Spent after = spent_by(cluster);
  const auto count = static_cast<double>(done.load());
  return {.per_second = count / took,
          .server_microseconds = (after.cpu_seconds - before.cpu_seconds) * 1e6 / count,
          .bytes = (after.bytes - before.bytes) / count};
}

void print(const char* what, const Measured& measured) {
  fmt::print("| {} | {:.0f} | {:.1f} µs | {:.0f} |\n", what, measured.per_second, measured.server_microseconds,
             measured.bytes);
}

// The straight line: what a fleet would cost if an operation always cost what it costs here.
void extrapolate(const Measured& beat, double agent_bytes) {
  const double beats = kFleet / kBeatEverySeconds;
  const double cores = beats * beat.server_microseconds / 1e6;
  fmt::print("\n{:.0f} agents that beat every {:.0f} s, in a straight line:\n", kFleet, kBeatEverySeconds);
  fmt::print("  {:.0f} beats/s, {:.2f} cores of Redis, so {:.0f} masters at {:.0f} % of a core each\n", beats, cores,
             std::max(1.0, std::ceil(cores / kShareOfCoreMax)), kShareOfCoreMax * 100);
  fmt::print("  {:.1f} MB/s on the wire, {:.2f} GB of memory\n", beats * beat.bytes / 1e6, kFleet * agent_bytes / 1e9);
}

void run(const Plan& plan) {
  const testing::RedisCluster cluster({.masters = 3});
  const Workspace workspace = must(Workspace::open({.store = cluster.url()}));
  const double empty = spent_by(cluster).memory;
  std::vector<std::unique_ptr<HeartbeatCoordinator>> agents;
  std::vector<CoordinationSignals> mailboxes;
  for (std::size_t i = 0; i < plan.agents; ++i) {
    agents.push_back(std::make_unique<HeartbeatCoordinator>(workspace));
    must(agents.back()->start_heartbeat(fmt::format("agent-{:07}", i), {.ttl = std::chrono::hours{1}}));
    must(agents.back()->beat());
    mailboxes.push_back(must(CoordinationSignals::open(workspace, fmt::format("agent-{:07}", i))));
  }
  const double agent_bytes = (spent_by(cluster).memory - empty) / static_cast<double>(plan.agents);
  const auto index = [&](std::size_t thread, std::size_t turn) { return (turn * kThreads + thread) % plan.agents; };

  fmt::print(
      "| work | operations/s from here | server CPU each | bytes on the wire each |\n| --- | --- | --- | --- |\n");
  const Measured beat = drive(cluster, plan.seconds, [&](std::size_t thread, std::size_t turn) {
    must(agents[index(thread, turn)]->beat("running", 0.5, "task"));
  });
  print("beat", beat);
  const std::vector<std::string> types = {"task"};
  print("check with nothing there", drive(cluster, plan.seconds, [&](std::size_t thread, std::size_t turn) {
          must(mailboxes[index(thread, turn)].check_signal(types));
        }));
  print("signal sent and taken", drive(cluster, plan.seconds, [&](std::size_t thread, std::size_t turn) {
          const std::size_t reader = index(thread, turn);
          must(mailboxes[index(thread, turn + 1)].signal("task", fmt::format("agent-{:07}", reader)));
          must(mailboxes[reader].check_signal(types));
        }));
  Samples listings;
  for (int i = 0; i < 20; ++i) listings.push_back(time_once([&] { must(agents.front()->list()); }));
  fmt::print("\nlisting {} agents: {:.1f} ms; an agent takes {:.0f} bytes of the servers' memory\n", plan.agents,
             percentile(listings, 0.5) / 1e6, agent_bytes);
  extrapolate(beat, agent_bytes);
}

bool parse(int argc, char** argv, Plan& plan) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) return false;
    const char* const end = argv[i + 1] + std::strlen(argv[i + 1]);
    const std::string_view name = argv[i];
    std::from_chars_result read{};
    if (name == "--agents") {
      read = std::from_chars(argv[i + 1], end, plan.agents);
    } else if (name == "--seconds") {
      read = std::from_chars(argv[i + 1], end, plan.seconds);
    } else {
      return false;
    }
    if (read.ec != std::errc{} || read.ptr != end) return false;
  }
  return plan.agents >= kThreads && plan.seconds > 0;
}

}  // namespace
}  // namespace aldis::bench

int main(int argc, char** argv) {
  aldis::bench::Plan plan;
  if (!aldis::bench::parse(argc, argv, plan)) {
    fmt::print(stderr, "usage: aldis_fleet [--agents N] [--seconds S]\n");
    return 2;
  }
  aldis::bench::run(plan);
  return 0;
}
