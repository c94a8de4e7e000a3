#include "engines/redis/redis_report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "core/try.h"
#include "engines/redis/client.h"
#include "engines/redis/command.h"
#include "engines/redis/password_file.h"
#include "engines/redis/store_url.h"
#include "engines/redis/topology.h"
#include "engines/redis/topology_parts.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kRoundTrips = 15;

template <class Number>
Number number_of(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The value of "name:" in an answer of INFO; empty: not there.
std::string_view info_field(std::string_view info, std::string_view name) {
  for (std::size_t at = info.find(name); at != std::string_view::npos; at = info.find(name, at + 1)) {
    const std::size_t colon = at + name.size();
    const bool begins_a_line = at == 0 || info[at - 1] == '\n';
    if (!begins_a_line || colon >= info.size() || info[colon] != ':') continue;
    const std::size_t end = std::min(info.find_first_of("\r\n", colon), info.size());
    return info.substr(colon + 1, end - colon - 1);
  }
  return {};
}

// Asks one server, on a connection of its own.
class Inspection {
 public:
  Inspection(Connection& connection, const Clock& clock, SteadyTime deadline)
      : connection_(connection), clock_(clock), deadline_(deadline) {}

  Result<void> run(bool is_cluster, RedisServerReport& report) {
    ALDIS_TRY(ask_info(report));
    ALDIS_TRY(ask_configuration(report));
    if (is_cluster) ALDIS_TRY(ask_cluster(report));
    return measure(report);
  }

 private:
  template <std::size_t N>
  Result<Reply> ask(const std::array<std::string_view, N>& words) {
    ALDIS_TRY_ASSIGN(std::vector<Reply> replies, connection_.exchange(format_command(words), 1, deadline_));
    return std::move(replies.front());
  }

  Result<void> ask_info(RedisServerReport& report) {
    ALDIS_TRY_ASSIGN(const Reply reply, ask(std::array<std::string_view, 1>{"INFO"}));
    if (reply.kind != Reply::Kind::text) return {};
    const std::string_view info = reply.text;
    report.version = info_field(info, "redis_version");
    report.append_only = info_field(info, "aof_enabled") == "1";
    report.persistence_failed = (*report.append_only && info_field(info, "aof_last_write_status") == "err") ||
                                info_field(info, "rdb_last_bgsave_status") == "err";
    report.eviction_policy = info_field(info, "maxmemory_policy");
    report.memory_used = number_of<std::uint64_t>(info_field(info, "used_memory"));
    report.memory_max = number_of<std::uint64_t>(info_field(info, "maxmemory"));
    report.replicas = number_of<unsigned>(info_field(info, "connected_slaves"));
    return {};
  }

  Result<void> ask_configuration(RedisServerReport& report) {
    ALDIS_TRY_ASSIGN(const auto fsync, ask_setting("appendfsync"));
    report.append_fsync = fsync.value_or("");
    ALDIS_TRY_ASSIGN(const auto save, ask_setting("save"));
    if (save) report.snapshots = !save->empty();
    ALDIS_TRY_ASSIGN(const auto timeout, ask_setting("timeout"));
    if (timeout) report.idle_seconds_max = number_of<unsigned>(*timeout);
    return {};
  }

  // Nothing: the user may not ask.
  Result<std::optional<std::string>> ask_setting(std::string_view name) {
    ALDIS_TRY_ASSIGN(const Reply reply, ask(std::array<std::string_view, 3>{"CONFIG", "GET", name}));
    if (reply.elements.size() != 2) return std::nullopt;
    return reply.elements[1].text;
  }

  Result<void> ask_cluster(RedisServerReport& report) {
    ALDIS_TRY_ASSIGN(const Reply reply, ask(std::array<std::string_view, 2>{"CLUSTER", "INFO"}));
    report.cluster_state = info_field(reply.text, "cluster_state");
    report.slots_assigned = number_of<unsigned>(info_field(reply.text, "cluster_slots_ok"));
    return {};
  }

  // TIME answers with the middle of its own round trip, as near as can be known (Cristian's algorithm).
  Result<void> measure(RedisServerReport& report) {
    std::vector<nanoseconds> trips;
    nanoseconds best = nanoseconds::max();
    for (std::size_t i = 0; i < kRoundTrips; ++i) {
      const SteadyTime before = clock_.steady_now();
      const WallTime wall_before = clock_.wall_now();
      ALDIS_TRY_ASSIGN(const Reply time, ask(std::array<std::string_view, 1>{"TIME"}));
      const nanoseconds trip = clock_.steady_now() - before;
      trips.push_back(trip);
      if (time.elements.size() != 2 || trip >= best) continue;
      best = trip;
      const auto theirs = std::chrono::seconds{number_of<std::int64_t>(time.elements[0].text)} +
                          std::chrono::microseconds{number_of<std::int64_t>(time.elements[1].text)};
      report.clock_ahead = theirs - wall_before.time_since_epoch() - trip / 2;
    }
    std::ranges::sort(trips);
    report.latency = trips[trips.size() / 2];
    return {};
  }

  Connection& connection_;
  const Clock& clock_;
  const SteadyTime deadline_;
};

Result<RedisServerReport> inspect_master(Node& node, bool is_cluster, const Clock& clock, SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(const auto connection, node.connect(deadline));
  RedisServerReport server;
  server.address = node.name();
  ALDIS_TRY(Inspection(*connection, clock, deadline).run(is_cluster, server));
  return server;
}

Result<void> inspect(RedisReport& report, std::string_view store_url, const Clock& clock, SteadyTime deadline) {
  ALDIS_TRY_ASSIGN(report.options, parse_store_url(store_url));
  ALDIS_TRY(load_password_files(report.options));
  // The clock is the caller's, who waits for us.
  const std::shared_ptr<const Clock> shared_clock(std::shared_ptr<const void>(), &clock);
  ALDIS_TRY_ASSIGN(const auto client, RedisClient::open(report.options, deadline - clock.steady_now(), shared_clock));
  ALDIS_TRY_ASSIGN(const auto masters, client->topology().masters(deadline));
  const bool is_cluster = report.options.kind == RedisOptions::Kind::cluster;
  for (std::size_t i = 0; i < masters.size(); ++i) {
    const SteadyTime share = fair_share(clock, deadline, masters.size() - i);
    if (Result<RedisServerReport> server = inspect_master(*masters[i], is_cluster, clock, share)) {
      report.masters.push_back(*std::move(server));
    } else {
      report.problems.push_back(std::move(server).error());
    }
  }
  return {};
}

}  // namespace

RedisReport inspect_redis(std::string_view store_url, SteadyTime deadline, const Clock& clock) {
  RedisReport report;
  if (Result<void> inspected = inspect(report, store_url, clock, deadline); !inspected) {
    report.problems.push_back(std::move(inspected).error());
  }
  return report;
}

}  // namespace aldis
