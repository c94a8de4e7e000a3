#pragma once
// What `aldis doctor` finds: one check is a verdict, what was seen, and what to do about it. The checks of a kind of
// store are in doctor_local.cc and doctor_redis.cc, that of the policy in doctor_policy.cc; doctor.cc runs them.
//
// Threads: one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "aldis/workspace.h"
#include "cli/invocation.h"

namespace aldis::cli {

enum class Verdict { ok, warn, fail };

struct Check {
  std::string_view name;
  Verdict verdict = Verdict::ok;
  std::string message;
  std::string suggestion;  // empty: none
};

inline Check failed_check(std::string_view name, const Error& error, std::string suggestion) {
  return {name, Verdict::fail, error.message, std::move(suggestion)};
}

// The directory, the board in it, their room and their neighbours.
std::vector<Check> check_local_store(const Invocation& invocation);

// The servers, once the store was opened: version, persistence, memory, clock, latency, replicas, the cluster.
std::vector<Check> check_redis_store(const Invocation& invocation, SteadyTime deadline);

// A log of so many entries: a warning before it is full, since then nobody can ask for an approval.
Check check_audit_log(std::uint64_t entries);

// The approval policy: where it is, whether it is well formed and guarded, and whose keys are missing.
Check check_policy(const Invocation& invocation);

// What to do when a store on Redis does not open or answer.
std::string_view what_helps_against(const Error& error);

}  // namespace aldis::cli
