// aldis doctor

#include <pwd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>

#include "aldis/signals.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/masking.h"
#include "cli/output_schemas.h"
#include "cli/table.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "engines/local/board_report.h"
#include "engines/local/runtime_directory.h"

namespace aldis::cli {
namespace {

using namespace std::chrono_literals;

enum class Verdict { ok, warn, fail };

struct Check {
  std::string_view name;
  Verdict verdict = Verdict::ok;
  std::string message;
  std::string suggestion;  // empty: none
};

constexpr double kShareWarn = 0.7;  // of the board or its file system that is in use
constexpr double kShareFail = 0.95;
constexpr std::string_view kDoctorAgent = "aldis-doctor";
constexpr std::chrono::sys_days kEarliestSaneDay{std::chrono::year{2024} / 1 / 1};

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warn:
      return "warn";
    case Verdict::fail:
      return "fail";
  }
  return "fail";
}

Check failed(std::string_view name, const Error& error, std::string suggestion) {
  return {name, Verdict::fail, error.message, std::move(suggestion)};
}

Check check_store(const Settings& settings, const Result<Workspace>& workspace) {
  const std::string where =
      fmt::format("store {}, namespace {}", mask_url(settings.store.value), settings.namespace_name.value);
  if (workspace) return {"store", Verdict::ok, where + ": opened", {}};
  return failed("store", {workspace.error().code, where + ": " + workspace.error().message},
                "see the other checks; aldis config show says where the settings come from");
}

Check check_runtime_directory(const std::string& path) {
  if (const Result<void> prepared = prepare_runtime_directory(path); !prepared) {
    return failed("runtime_directory", prepared.error(),
                  "choose another place with --runtime-dir or ALDIS_RUNTIME_DIR");
  }
  return {"runtime_directory", Verdict::ok, path + " is ours alone", {}};
}

Check check_board(const BoardReport& report) {
  if (report.problem) return failed("board", *report.problem, "if nothing uses it any more, remove " + report.path);
  if (!report.exists) return {"board", Verdict::warn, report.path + " does not exist yet", "it is made on first use"};
  return {"board",
          Verdict::ok,
          fmt::format("{}: {} of {} readers, transaction {}", report.path, report.readers, report.readers_max,
                      report.last_transaction_id),
          {}};
}

// A signal to ourselves: the whole way through the board and back. Leaves its receipt, as any signal does.
Check check_round_trip(const Workspace& workspace, const Clock& clock) {
  constexpr std::string_view kName = "round_trip";
  const std::string suggestion = "see the other checks: space, board and readers";
  const SteadyTime before = clock.steady_now();
  Result<CoordinationSignals> signals = CoordinationSignals::open(workspace, std::string(kDoctorAgent));
  if (!signals) return failed(kName, signals.error(), suggestion);
  const Result<CoordinationSignal> sent = signals->signal("doctor", kDoctorAgent, {}, 10s);
  if (!sent) return failed(kName, sent.error(), suggestion);
  const Result<CheckOutcome> taken = signals->check_signal({"doctor"}, kDoctorAgent);
  if (!taken) return failed(kName, taken.error(), suggestion);
  if (!std::holds_alternative<Delivered>(*taken)) {
    return {kName, Verdict::warn, "a signal to ourselves was not there to be taken", "run aldis doctor again, alone"};
  }
  const double microseconds = std::chrono::duration<double, std::micro>(clock.steady_now() - before).count();
  return {kName, Verdict::ok, fmt::format("a signal was sent and taken in {:.0f} us", microseconds), {}};
}

Check check_share(std::string_view name, std::string_view what, double used, double total, std::string suggestion) {
  const double share = total > 0 ? used / total : 1;
  const std::string message = fmt::format("{:.1f} % of {} is in use ({:.1f} of {:.1f} MiB)", share * 100, what,
                                          used / (1024 * 1024), total / (1024 * 1024));
  if (share < kShareWarn) return {name, Verdict::ok, message, {}};
  return {name, share < kShareFail ? Verdict::warn : Verdict::fail, message, std::move(suggestion)};
}

Check check_file_system(const std::string& directory) {
  struct statvfs facts{};
  if (statvfs(directory.c_str(), &facts) != 0) {
    return {"file_system", Verdict::warn, "cannot tell how full the file system of " + directory + " is", {}};
  }
  const double unit = static_cast<double>(facts.f_frsize);
  const double total = unit * static_cast<double>(facts.f_blocks);
  return check_share("file_system", "the file system of " + directory,
                     total - unit * static_cast<double>(facts.f_bavail), total,
                     "free some room there, or choose another place with ALDIS_RUNTIME_DIR");
}

Check check_readers(const BoardReport& report) {
  if (!report.oldest_pin) return {"readers", Verdict::ok, "no reader holds an old snapshot", {}};
  return {"readers", Verdict::warn,
          fmt::format("process {} holds a snapshot that is {} transactions old; the board cannot reuse its pages",
                      report.oldest_pin->pid, report.oldest_pin->transactions_behind),
          fmt::format("if process {} is stopped, continue or end it", report.oldest_pin->pid)};
}

Check check_other_boards(const BoardReport& report) {
  if (report.other_boards.empty()) return {"other_boards", Verdict::ok, "no other board is in this directory", {}};
  std::string names;
  for (const FoundBoard& board : report.other_boards) {
    names += fmt::format("{}{} (format {})", names.empty() ? "" : ", ", board.namespace_name, board.version);
  }
  return {"other_boards", Verdict::ok, "boards of other namespaces: " + names, {}};
}

// systemd removes /run/user/<uid> when its user's last session ends, unless the user lingers.
Check check_linger(const std::string& directory) {
  if (!directory.starts_with("/run/user/")) {
    return {"linger", Verdict::ok, directory + " outlives log-out", {}};
  }
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* user = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &user);
  if (user == nullptr) return {"linger", Verdict::warn, fmt::format("user {} has no name", geteuid()), {}};
  if (access(fmt::format("/var/lib/systemd/linger/{}", user->pw_name).c_str(), F_OK) == 0) {
    return {"linger", Verdict::ok, fmt::format("{} lingers, so {} outlives log-out", user->pw_name, directory), {}};
  }
  return {
      "linger", Verdict::warn,
      fmt::format("{} is removed when {} logs out for the last time, with everything on it", directory, user->pw_name),
      "loginctl enable-linger"};
}

Check check_clock(const Clock& clock) {
  const WallTime now = clock.wall_now();
  if (now < kEarliestSaneDay) {
    return {"clock", Verdict::warn, "the wall clock says " + format_timestamp(now),
            "set the clock; shown times are wrong"};
  }
  return {"clock", Verdict::ok, "the wall clock says " + format_timestamp(now).substr(0, 10), {}};
}

std::vector<Check> examine(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  std::vector<Check> checks;
  const Result<Workspace> workspace = open_workspace(invocation);
  checks.push_back(check_store(settings, workspace));
  checks.push_back(check_clock(invocation.clock));
  if (settings.store.value != "local:") return checks;

  const std::string directory = choose_runtime_directory(settings.runtime_directory.value);
  checks.push_back(check_runtime_directory(directory));
  const BoardReport report = inspect_board({.runtime_directory = directory,
                                            .namespace_name = settings.namespace_name.value,
                                            .call_timeout = settings.connect_timeout,
                                            .clock = &invocation.clock});
  checks.push_back(check_board(report));
  if (report.exists && !report.problem) {
    checks.push_back(check_share("space", "the board", static_cast<double>(report.bytes_used),
                                 static_cast<double>(report.bytes_max),
                                 "take or clear pending signals: see aldis signals pending"));
    checks.push_back(check_readers(report));
  }
  checks.push_back(check_file_system(directory));
  checks.push_back(check_other_boards(report));
  checks.push_back(check_linger(directory));
  if (workspace) checks.push_back(check_round_trip(*workspace, invocation.clock));
  return checks;
}

std::string checks_view(const OutputStyle& style, const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    const Colour colour = check.verdict == Verdict::ok     ? Colour::green
                          : check.verdict == Verdict::warn ? Colour::yellow
                                                           : Colour::red;
    text += render_fields(style, {{paint(style, colour, fmt::format("{:<4}", to_string(check.verdict))),
                                   {fmt::format("{}: {}", check.name, check.message)}}});
    if (!check.suggestion.empty()) text += render_fields(style, {{"    ", {check.suggestion, Colour::dim}}});
  }
  return text;
}

Reply diagnose(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const std::vector<Check> checks = examine(invocation);
  JsonWriter json;
  json.begin_array();
  std::string failures;
  for (const Check& check : checks) {
    json.begin_object().text("name", check.name).text("status", to_string(check.verdict));
    json.text("message", check.message).text_or_null("suggestion", check.suggestion).end_object();
    if (check.verdict == Verdict::fail) failures += fmt::format("{}{}", failures.empty() ? "" : ", ", check.name);
  }
  Reply reply;
  if (!failures.empty())
    reply = fail_with(ExitCode::precondition, kCodeChecksFailed, "these checks failed: " + failures);
  reply.data = json.end_array().take();
  if (invocation.style.table()) reply.view = checks_view(invocation.style, checks);
  return reply;
}

constexpr ExampleSpec kExamples[] = {{"What is wrong here?", "aldis doctor"}};

}  // namespace

constinit const CommandSpec kDoctor{
    .name = "doctor",
    .summary = "Check that this machine can run a fleet: directory, board, room, clock",
    .danger = Danger::mutating,
    .output_schema = schema::kChecks,
    .examples = kExamples,
    .notes =
        "Each check is ok, warn or fail. Exit code 4 if one failed. The round trip sends one signal from and to the\n"
        "agent aldis-doctor.",
    .execute = diagnose,
};

}  // namespace aldis::cli
