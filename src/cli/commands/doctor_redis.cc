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

Check cannot_tell(std::string_view name, const Server& server) {
  return {name, Verdict::warn, server.address + " does not tell: the ACL user may not ask",
          "allow it +info and +config|get, or look at the server itself"};
}

Check check_version(const Server& server) {
  if (server.version.empty()) return cannot_tell("version", server);
  return {"version", Verdict::ok, fmt::format("{} is Redis {}", server.address, server.version), {}};
}

Check check_persistence(const Server& server) {
  constexpr std::string_view kName = "persistence";
  if (!server.append_only) return cannot_tell(kName, server);
  if (server.persistence_failed) {
    return {kName, Verdict::fail, server.address + " could not write its data the last time it tried",
            "look at its log: usually the disk is full"};
  }
  if (!*server.append_only) {
    const bool snapshots = server.snapshots.value_or(false);
    return {kName, Verdict::warn,
            snapshots ? server.address + " writes snapshots only: a restart loses what came after the last one"
                      : server.address + " keeps nothing on disk: a restart loses every record and signal",
            "CONFIG SET appendonly yes, appendfsync always"};
  }
  if (server.append_fsync == "always") {
    return {kName, Verdict::ok, server.address + " keeps what it answered across a restart", {}};
  }
  return {kName, Verdict::warn,
          fmt::format("{} has appendfsync {}: a crash loses the last moments of what it answered", server.address,
                      server.append_fsync.empty() ? "unknown" : server.append_fsync),
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
    return {"memory", Verdict::ok, fmt::format("{} uses {:.1f} MiB and has no limit", server.address, used / kMebibyte),
            {}};
  }
  const auto limit = static_cast<double>(server.memory_max);
  const double share = used / limit;
  Check check{"memory", Verdict::ok,
              fmt::format("{} uses {:.1f} % of its {:.1f} MiB", server.address, share * 100, limit / kMebibyte), {}};
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
  Check check{"latency", Verdict::ok,
              fmt::format("{} answers in {:.2f} ms", server.address, to_milliseconds(server.latency)), {}};
  if (server.latency < kLatencyWarn) return check;
  check.verdict = Verdict::warn;
  check.suggestion = "look at SLOWLOG GET and the network between; every call costs at least that";
  return check;
}

Check check_replicas(const Server& server, const RedisOptions& options) {
  constexpr std::string_view kName = "replicas";
  if (!server.replicas) return cannot_tell(kName, server);
  const std::string message = fmt::format("{} has {} replicas in sync or on their way", server.address, *server.replicas);
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

// Each master has its own view of the whole; the worst counts.
Check check_cluster(const RedisReport& report) {
  for (const Server& server : report.masters) {
    if (server.cluster_state == "ok" && server.slots_assigned == kHashSlots) continue;
    return {"cluster", Verdict::fail,
            fmt::format("{} says that the cluster is {}, with {} of {} slots served", server.address,
                        server.cluster_state.empty() ? "unknown" : server.cluster_state, server.slots_assigned,
                        kHashSlots),
            "redis-cli --cluster check says what is missing"};
  }
  return {"cluster", Verdict::ok, fmt::format("{} masters serve all slots", report.masters.size()), {}};
}

bool is_on_this_machine(const std::string& address) {
  return address.starts_with('/') || address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]");
}

Check check_encryption(const RedisReport& report) {
  if (report.options.tls) return {"encryption", Verdict::ok, "every connection is TLS and verified", {}};
  const bool is_local = std::ranges::all_of(
      report.masters, [](const Server& server) { return is_on_this_machine(server.address); });
  if (is_local) return {"encryption", Verdict::ok, "the servers are on this machine", {}};
  return {"encryption", Verdict::warn, "everything, passwords too, crosses the network in the clear",
          "use a rediss URL; docs/redis.md says how"};
}

}  // namespace

std::vector<Check> check_redis_store(const Invocation& invocation) {
  const RedisReport report =
      inspect_redis(invocation.settings.store.value, invocation.settings.connect_timeout, invocation.clock);
  std::vector<Check> checks;
  if (report.problem) checks.push_back(failed_check("servers", *report.problem, "start them, or correct the store URL"));
  for (const Server& server : report.masters) {
    for (Check& check : std::vector<Check>{check_version(server), check_persistence(server), check_eviction(server),
                                           check_memory(server), check_clock_skew(server), check_latency(server),
                                           check_replicas(server, report.options)}) {
      checks.push_back(std::move(check));
    }
  }
  if (report.masters.empty()) return checks;
  checks.push_back(check_encryption(report));
  if (report.options.kind == RedisOptions::Kind::cluster) checks.push_back(check_cluster(report));
  return checks;
}

}  // namespace aldis::cli
