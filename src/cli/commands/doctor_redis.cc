// The checks of `aldis doctor` on a Redis store. docs/redis.md says why each setting matters.

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cli/commands/doctor_checks.h"
#include "core/format.h"
#include "engines/redis/redis_report.h"

namespace aldis::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kSkewWarn = 1s;
constexpr std::chrono::nanoseconds kLatencyWarn = 10ms;
constexpr double kMemoryWarn = 0.7;
constexpr double kMemoryFail = 0.95;
constexpr unsigned kHashSlots = 16'384;

using Server = RedisServerReport;

double to_milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Check cannot_tell(std::string_view name, const Server& server, std::string_view right = "+info") {
  return {name, Verdict::warn, server.address + " does not tell: the ACL user may not ask",
          fmt::format("allow it {}, or look at the server itself", right)};
}

Check check_version(const Server& server) {
  if (server.version.empty()) return cannot_tell("version", server);
  return {"version", Verdict::ok, fmt::format("{} is Redis {}", server.address, server.version), {}};
}

std::string count_of(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// Without an append-only file.
Check check_snapshots(const Server& server) {
  std::string message = server.address + " keeps nothing on disk: a restart loses every record and signal";
  if (!server.snapshots) {
    message = server.address + " writes snapshots at most: a restart loses what came after the last one, or everything";
  } else if (*server.snapshots) {
    message = server.address + " writes snapshots only: a restart loses what came after the last one";
  }
  return {"persistence", Verdict::warn, message, "CONFIG SET appendonly yes; CONFIG SET appendfsync always"};
}

// CONFIG GET, which tells, also reads passwords: users with the least rights have it not.
Check check_persistence(const Server& server) {
  constexpr std::string_view kName = "persistence";
  if (!server.append_only) return cannot_tell(kName, server);
  if (server.persistence_failed) {
    return {kName, Verdict::fail, server.address + " could not write its data the last time it tried",
            "look at its log: usually the disk is full"};
  }
  if (!*server.append_only) return check_snapshots(server);
  if (server.append_fsync == "always") {
    return {kName, Verdict::ok, server.address + " keeps what it answered across a restart", {}};
  }
  if (server.append_fsync.empty()) {
    return {kName, Verdict::warn,
            server.address + " has an append-only file, but does not tell this user how often it reaches the disk",
            "look there whether appendfsync is always; doctor cannot tell"};
  }
  return {kName, Verdict::warn,
          fmt::format("{} has appendfsync {}: a crash loses the last moments of what it answered", server.address,
                      server.append_fsync),
          "CONFIG SET appendfsync always, if that matters to you"};
}

Check check_eviction(const Server& server) {
  if (server.eviction_policy.empty()) return cannot_tell("eviction", server);
  if (server.eviction_policy == "noeviction") {
    return {"eviction", Verdict::ok, server.address + " throws nothing away when it is full", {}};
  }
  return {"eviction", Verdict::warn,
          fmt::format("{} has maxmemory-policy {}: {} it throws away records and signals", server.address,
                      server.eviction_policy, server.memory_max > 0 ? "when it is full" : "once it gets a maxmemory"),
          "CONFIG SET maxmemory-policy noeviction"};
}

Check check_memory(const Server& server) {
  constexpr double kMebibyte = 1024 * 1024;
  if (!server.memory_used) return cannot_tell("memory", server);
  const auto used = static_cast<double>(*server.memory_used);
  if (server.memory_max == 0) {
    return {"memory", Verdict::warn,
            fmt::format("{} uses {:.1f} MiB and has no limit: it grows until the system ends it, with all signals",
                        server.address, used / kMebibyte),
            "CONFIG SET maxmemory BYTES, less than the machine has"};
  }
  const auto limit = static_cast<double>(server.memory_max);
  const double share = used / limit;
  Check check{"memory",
              Verdict::ok,
              fmt::format("{} uses {:.1f} % of its {:.1f} MiB", server.address, share * 100, limit / kMebibyte),
              {}};
  if (share < kMemoryWarn) return check;
  check.verdict = share < kMemoryFail ? Verdict::warn : Verdict::fail;
  check.suggestion = "raise maxmemory, add a master, or clear pending signals";
  return check;
}

Check check_clock_skew(const Server& server) {
  const std::string message =
      fmt::format("the clock of {} is {:.0f} ms {} ours", server.address, std::abs(to_milliseconds(server.clock_ahead)),
                  server.clock_ahead < 0ns ? "behind" : "ahead of");
  if (std::chrono::abs(server.clock_ahead) < kSkewWarn) return {"clock_skew", Verdict::ok, message, {}};
  return {"clock_skew", Verdict::warn, message,
          "deadlines go by the server's clock and shown times by ours: run an NTP client on both"};
}

Check check_latency(const Server& server) {
  Check check{"latency",
              Verdict::ok,
              fmt::format("{} answers in {:.2f} ms", server.address, to_milliseconds(server.latency)),
              {}};
  if (server.latency < kLatencyWarn) return check;
  check.verdict = Verdict::warn;
  check.suggestion = "look at SLOWLOG GET and the network between; every call costs at least that";
  return check;
}

Check check_replicas(const Server& server, const RedisOptions& options) {
  constexpr std::string_view kName = "replicas";
  if (!server.replicas) return cannot_tell(kName, server);
  const std::string message = fmt::format("{} has {}", server.address, count_of(*server.replicas, "replica"));
  if (*server.replicas < options.replicas) {
    return {kName, Verdict::fail, fmt::format("{}; replicas={} waits for more", message, options.replicas),
            "start the missing replicas, or ask for fewer"};
  }
  if (*server.replicas == 0 && options.kind != RedisOptions::Kind::single) {
    return {kName, Verdict::warn, message + ": nothing takes over when it dies", "add a replica"};
  }
  if (options.replicas == 0 && *server.replicas > 0) {
    return {kName, Verdict::warn, message + ", but a failover may lose the last moments",
            "add replicas=1 to the store URL, if that matters to you"};
  }
  return {kName, Verdict::ok, message, {}};
}

// Waiters stay: the server spares connections that listen.
Check check_idle_timeout(const Server& server) {
  if (*server.idle_seconds_max == 0) return {"timeout", Verdict::ok, server.address + " keeps idle connections", {}};
  return {"timeout", Verdict::warn,
          fmt::format("{} closes connections that are idle for {} s: the next call has to make one anew",
                      server.address, *server.idle_seconds_max),
          "CONFIG SET timeout 0"};
}

std::vector<Check> check_server(const Server& server, const RedisOptions& options) {
  std::vector<Check> checks = {check_version(server),          check_persistence(server), check_eviction(server),
                               check_memory(server),           check_clock_skew(server),  check_latency(server),
                               check_replicas(server, options)};
  if (server.idle_seconds_max) checks.push_back(check_idle_timeout(server));
  return checks;
}

// Each master has its own view of the whole; the worst counts.
Check check_cluster(const RedisReport& report) {
  for (const Server& server : report.masters) {
    if (server.cluster_state == "ok" && server.slots_assigned == kHashSlots) continue;
    if (server.cluster_state.empty()) return cannot_tell("cluster", server, "+cluster|info");
    return {"cluster", Verdict::fail,
            fmt::format("{} says that the cluster is {}, with {} of {} slots served", server.address,
                        server.cluster_state, server.slots_assigned, kHashSlots),
            "redis-cli --cluster check says what is missing"};
  }
  return {"cluster",
          Verdict::ok,
          count_of(report.masters.size(), "master") +
              (report.masters.size() == 1 ? " serves all slots" : " serve all slots"),
          {}};
}

bool is_on_this_machine(const std::string& address) {
  return address.starts_with('/') || address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]");
}

Check check_encryption(const RedisReport& report) {
  if (report.options.tls) return {"encryption", Verdict::ok, "every connection is TLS and verified", {}};
  const bool is_local =
      std::ranges::all_of(report.masters, [](const Server& server) { return is_on_this_machine(server.address); });
  if (is_local) return {"encryption", Verdict::ok, "the servers are on this machine", {}};
  return {"encryption", Verdict::warn, "everything, passwords too, crosses the network in the clear",
          "use a rediss URL; docs/redis.md says how"};
}

}  // namespace

std::string_view what_helps_against(const Error& error) {
  switch (error.code) {
    case ErrorCode::permission_denied:
      return "correct the user and password of the store URL, or what the server lets this user do; docs/redis.md has "
             "the ACL; aldis config show says where the URL comes from";
    case ErrorCode::unavailable:
      return "start the server, or correct the store URL; aldis config show says where it comes from";
    case ErrorCode::invalid_argument:
      return "correct the store URL; aldis config show says where it comes from";
    default:
      return "docs/redis.md says what Aldis needs; aldis config show says where the settings come from";
  }
}

std::vector<Check> check_redis_store(const Invocation& invocation, SteadyTime deadline) {
  const RedisReport report = inspect_redis(invocation.settings.store.value, deadline, invocation.clock);
  std::vector<Check> checks;
  for (const Error& problem : report.problems) {
    checks.push_back(failed_check("servers", problem, std::string(what_helps_against(problem))));
  }
  for (const Server& server : report.masters) {
    std::ranges::move(check_server(server, report.options), std::back_inserter(checks));
  }
  if (report.masters.empty()) return checks;
  checks.push_back(check_encryption(report));
  if (report.options.kind == RedisOptions::Kind::cluster) checks.push_back(check_cluster(report));
  return checks;
}

}  // namespace aldis::cli
