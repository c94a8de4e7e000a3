// aldis run

#include <cerrno>
#include <cstring>

#include "aldis/heartbeats.h"
#include "cli/child_process.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/stop_watcher.h"
#include "cli/supervisor.h"
#include "core/format.h"
#include "core/names.h"

namespace aldis::cli {
namespace {

struct RunRequest {
  std::string agent;
  std::optional<std::string> stop_on;
  StartOptions start;
};

RunRequest read_run_request(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  RunRequest request;
  request.agent = acting_agent(invocation);
  request.start.display_name = arguments.text("--name").value_or("");
  arguments.check_text("--name", request.start.display_name, limits::kDisplayNameBytesMax);
  request.start.metadata = arguments.json("--metadata", false);
  request.start.ttl = arguments.seconds("--ttl", lease_bounds()).value_or(limits::kLeaseDefault);
  request.start.replace = false;
  request.stop_on = arguments.text("--stop-on");
  if (request.stop_on) arguments.check_name("--stop-on", *request.stop_on);
  if (!invocation.has_separator) {
    arguments.add_problem("the program to run is missing: aldis run [OPTION...] -- CMD [ARG...]");
  } else if (invocation.program.empty()) {
    arguments.add_problem("there is no program behind --");
  }
  return request;
}

std::vector<std::string> child_environment(const Workspace& workspace, const std::string& agent,
                                           const std::string& incarnation) {
  const WorkspaceOptions& options = workspace.options();
  return environment_for_program({{"ALDIS_AGENT_ID", agent},
                                  {"ALDIS_INCARNATION", incarnation},
                                  {"ALDIS_NAMESPACE", options.namespace_name},
                                  {"ALDIS_STORE", options.store},
                                  {"ALDIS_RUNTIME_DIR", options.runtime_directory},
                                  {"ALDIS_STATE_DIR", options.state_directory},
                                  {"ALDIS_STREAM_EVENTS", options.stream_events ? "1" : "0"}});
}

// `text` without a character cut in two at the end.
std::string at_most(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  text.resize(bytes_max);
  while (!text.empty() && !is_valid_utf8(text)) text.pop_back();
  return text;
}

// The last heartbeat: the final status, and how it ended as the current task, with what it was doing then. The store's
// trouble is nobody's now: the program has ended, and its exit code is all that counts.
void report_end(HeartbeatCoordinator& heartbeats, const std::string& agent, int exit_code, const std::string& how) {
  const std::string_view status = exit_code == 0 ? "completed" : "failed";
  std::string task = how;
  const Result<AgentStatus> last = heartbeats.get_agent_status(agent);
  if (!last) return;
  if (exit_code != 0 && !last->current_task.empty()) task += " in: " + last->current_task;
  const Result<void> beaten = heartbeats.beat(status, std::nullopt, at_most(std::move(task), limits::kTaskBytesMax));
  if (beaten) static_cast<void>(heartbeats.stop_heartbeat(status));
}

std::string describe_end(const SupervisedEnd& end) {
  switch (end.reason) {
    case SupervisedEnd::Reason::by_itself:
      return end.child.text();
    case SupervisedEnd::Reason::stop_signal:
      return "stopped by --stop-on, " + end.child.text();
    case SupervisedEnd::Reason::timeout:
      return "stopped by --timeout, " + end.child.text();
  }
  return end.child.text();
}

int exit_code_of(const SupervisedEnd& end) {
  if (end.reason == SupervisedEnd::Reason::by_itself) return end.child.exit_code();
  if (end.reason == SupervisedEnd::Reason::timeout) return static_cast<int>(ExitCode::timeout);
  return static_cast<int>(end.killed ? ExitCode::killed : ExitCode::terminated);
}

Reply refuse_program(HeartbeatCoordinator& heartbeats, const std::string& agent, std::string_view program, int error) {
  const std::string message = fmt::format("cannot run {}: {}", program, std::strerror(error));
  const bool absent = error == ENOENT;
  Reply reply = fail_with(absent ? ExitCode::command_not_found : ExitCode::not_executable,
                          absent ? kCodeCommandNotFound : kCodeNotExecutable, message);
  report_end(heartbeats, agent, reply.exit_code(), message);
  return reply;
}

Reply run(const Invocation& invocation) {
  RunRequest request = read_run_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const SignalGate gate;
  std::optional<StopWatcher> stop_watcher;
  if (request.stop_on) {
    Result<StopWatcher> opened =
        StopWatcher::open(*workspace, request.agent, *request.stop_on, invocation.clock.wall_now());
    if (!opened) return fail_with(opened.error());
    stop_watcher.emplace(*std::move(opened));
  }
  HeartbeatCoordinator heartbeats(*workspace);
  const std::chrono::nanoseconds lease = request.start.ttl;
  const Result<void> started = heartbeats.start_heartbeat(request.agent, std::move(request.start));
  if (!started) return fail_with(started.error());

  const ChildStart child =
      start_child(invocation.program, child_environment(*workspace, request.agent, heartbeats.incarnation()), gate);
  if (child.error != 0) return refuse_program(heartbeats, request.agent, invocation.program[0], child.error);
  // Threads only now: fork copies none of them.
  constexpr int kRenewalsPerLease = 3;
  static_cast<void>(heartbeats.keep_alive(std::min(limits::kKeepAliveIntervalDefault, lease / kRenewalsPerLease)));
  if (stop_watcher) stop_watcher->start();

  const SupervisedEnd end = supervise({.child = child.pid,
                                       .gate = gate,
                                       .stop_descriptor = stop_watcher ? stop_watcher->descriptor() : -1,
                                       .timeout = invocation.settings.timeout,
                                       .clock = invocation.clock});
  const int exit_code = exit_code_of(end);
  report_end(heartbeats, request.agent, exit_code, describe_end(end));
  return Reply{.passed_exit_code = exit_code};
}

constexpr OptionSpec kOptions[] = {
    {.name = "--name", .value = "TEXT", .help = "A name for people to read"},
    {.name = "--metadata", .value = "JSON", .help = "An object to keep with the record"},
    {.name = "--ttl",
     .value = "S",
     .type = ValueType::number,
     .help = "Lease, renewed while the program runs",
     .fallback = "30"},
    {.name = "--stop-on",
     .value = "TYPE",
     .help = "End the program when a signal of this type arrives: SIGTERM, and SIGKILL 5 seconds later"},
};
constexpr ExitCode kExits[] = {ExitCode::conflict, ExitCode::not_executable, ExitCode::command_not_found,
                               ExitCode::killed, ExitCode::terminated};
constexpr ExampleSpec kExamples[] = {
    {"A shell script as an agent", "aldis run --agent reviewer-1 -- ./review.sh"},
    {"One that stops when somebody says abort", "aldis run --agent builder --stop-on abort -- make -j4"},
};

}  // namespace

constinit const CommandSpec kRun{
    .name = "run",
    .summary = "Run a program as an agent",
    .options = kOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .runs_program = true,
    .waits = true,
    .exits = kExits,
    .output_schema = schema::kNothing,
    .examples = kExamples,
    .notes =
        "What is behind the first -- is passed on byte for byte. The program finds ALDIS_AGENT_ID, ALDIS_INCARNATION,\n"
        "ALDIS_NAMESPACE, ALDIS_STORE and the directories in its environment, so `aldis agents beat` in it needs no\n"
        "options. Its output, input, terminal and job control are untouched, signals sent to aldis are forwarded, and\n"
        "its exit code is passed on (128 + n if signal n ended it). --stop-on looks and takes nothing; only signals\n"
        "sent after the start count, and it ends with 143, or 137 if SIGKILL was needed. --timeout ends the program\n"
        "the same way, with 10. The record ends as completed (exit 0) or failed, and its task says how.",
    .execute = run,
};

}  // namespace aldis::cli
