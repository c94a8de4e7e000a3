#pragma once
// Starting `aldis-courier` so that nobody notices: not the reader of our output, not our exit, not our environment.
// Used by the hand-over and the commands; implemented in courier_process.cc.
//
// Model: posix_spawn into a new session, cwd /, 0–2 on /dev/null (stdout on a pipe for --preview), all else closed,
// default signals, an environment of exactly the variables in docs/telemetry-format.md. The caller never waits for the
// network. Threads: safe from any thread.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "core/environment.h"
#include "telemetry/places.h"

namespace aldis::telemetry {

// The compiled-in path, else beside the executable, else in ../bin of the library's directory; it must belong to us or
// to root and be writable by nobody else. Never by PATH or a variable. Errors: not_found, permission_denied.
Result<std::string> find_courier();
Result<void> check_courier(const std::string& path);  // what it asks of each of them

// Why nothing may be started from this process (a sandbox that would kill us, PID 1, inside a courier); empty: it may.
std::string refusal_to_start(const Environment& environment);

struct CourierStart {
  std::string path;
  Places places;
  std::vector<std::string> arguments = {};
  int stdout_descriptor = -1;  // -1: /dev/null
};

Result<pid_t> start_courier(const CourierStart& start, const Environment& environment);

// The exit code (minus the signal that ended it); none: still running at the end of `patience`, or reaped by others.
std::optional<int> wait_for_courier(pid_t pid, std::chrono::milliseconds patience);
// Reaps it if it has ended. Tolerates that somebody else did.
bool reap_courier(pid_t pid);

}  // namespace aldis::telemetry
