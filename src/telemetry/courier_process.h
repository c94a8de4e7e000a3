#pragma once
// Starting `aldis-courier` so that nobody notices: not the reader of our output, not our exit, not our environment.
// Used by the hand-over and the commands; implemented in courier_process.cc.
//
// Model: posix_spawn into a new session, cwd /, 0–2 on /dev/null (stdout on a pipe for --preview), all else closed,
// default signals, an environment of exactly the variables in docs/telemetry-format.md. The caller never waits for the
// network. Threads: safe from any thread.

#include <sys/types.h>

#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "core/environment.h"
#include "core/file_descriptor.h"
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

// Why there is no exit code: it runs on at the end of `patience`, or it has ended and was reaped by others (or by the
// kernel, where SIGCHLD is ignored), or this kernel or sandbox gives no pidfd.
enum class NoExitCode { still_running, unknown };

// The exit code, or minus the signal that ended it.
std::expected<int, NoExitCode> wait_for_courier(pid_t pid, std::chrono::milliseconds patience);

// A pidfd, to be opened right after the start: unlike a number it never comes to mean another child of the host. Not
// open: none to be had.
FileDescriptor watch_courier(pid_t pid);
// Reaps it if it has ended. True: no more to be done, if because somebody else did it.
bool reap_courier(const FileDescriptor& courier);

}  // namespace aldis::telemetry
