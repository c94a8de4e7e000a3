// The checks of `aldis doctor` on a local store.

#include <pwd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "aldis/limits.h"
#include "cli/commands/doctor_checks.h"
#include "core/format.h"
#include "engines/local/board_report.h"
#include "engines/local/ledger_report.h"
#include "engines/local/runtime_directory.h"
#include "engines/local/state_directory.h"

namespace aldis::cli {
namespace {

constexpr double kShareWarn = 0.7;  // of the board or its file system that is in use
constexpr double kShareFail = 0.95;
constexpr std::uint64_t kLedgerSpaceWarn = 64 * 1024 * 1024;  // left for the ledger

Check check_runtime_directory(const std::string& path) {
  if (const Result<void> prepared = prepare_runtime_directory(path); !prepared) {
    return failed_check("runtime_directory", prepared.error(),
                        "choose another place with --runtime-dir or ALDIS_RUNTIME_DIR");
  }
  return {"runtime_directory", Verdict::ok, path + " is ours alone", {}};
}

Check check_board(const BoardReport& report) {
  if (report.problem)
    return failed_check("board", *report.problem, "if nothing uses it any more, remove " + report.path);
  if (!report.exists) return {"board", Verdict::warn, report.path + " does not exist yet", "it is made on first use"};
  return {"board",
          Verdict::ok,
          fmt::format("{}: {} of {} readers, transaction {}", report.path, report.readers, report.readers_max,
                      report.last_transaction_id),
          {}};
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

Check check_ledger(const Result<LedgerReport>& report) {
  constexpr std::string_view kName = "ledger";
  if (!report) return failed_check(kName, report.error(), "choose another place with --state-dir or ALDIS_STATE_DIR");
  if (report->problem) {
    return failed_check(kName, *report->problem,
                        "copy " + report->path + " and its -wal file away before anything else");
  }
  if (!report->exists) return {kName, Verdict::ok, report->path + " does not exist yet; it is made on first use", {}};
  if (!report->damage.empty()) {
    std::string message = report->path + " is damaged";
    for (const std::string& damage : report->damage) message += "; " + damage;
    return {kName, Verdict::fail, message,
            "copy it away, and save what is left: sqlite3 " + report->path + " .recover | sqlite3 new.sqlite3"};
  }
  const auto mebibytes = static_cast<double>(report->size_bytes + report->log_bytes) / (1024 * 1024);
  const std::string message = fmt::format("{}: sound, format {}, {:.1f} MiB, mode {}", report->path,
                                          report->schema_version, mebibytes, report->journal_mode);
  if (!report->is_writable) {
    return {kName, Verdict::warn, message + ", but it cannot be written",
            "make the directory and the file writable for this user"};
  }
  return {kName, Verdict::ok, message, {}};
}

// An ordinary disk is fuller than a board may be for years: what counts is what is left, not the share. Where the
// largest event does not fit any more, publications fail.
Check check_ledger_space(const LedgerReport& report) {
  constexpr std::string_view kName = "ledger_space";
  if (!report.free_disk_bytes) {
    return {kName, Verdict::warn, "cannot tell how much room there is for " + report.path, {}};
  }
  const std::uint64_t left = *report.free_disk_bytes;
  const std::string message = fmt::format("{:.1f} MiB are left on the file system of {}",
                                          static_cast<double>(left) / (1024 * 1024), report.path);
  if (left >= kLedgerSpaceWarn) return {kName, Verdict::ok, message, {}};
  return {kName, left < limits::kPayloadBytesMax ? Verdict::fail : Verdict::warn,
          message + ": without room no event is published and no approval asked for or answered",
          "free some room there, or choose another place with --state-dir or ALDIS_STATE_DIR"};
}

}  // namespace

std::vector<Check> check_local_store(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string directory = choose_runtime_directory(settings.runtime_directory.value);
  std::vector<Check> checks;
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
  const Result<LedgerReport> ledger =
      examine_ledger(choose_state_directory(settings.state_directory.value), settings.namespace_name.value);
  checks.push_back(check_ledger(ledger));
  if (ledger) {
    checks.push_back(check_ledger_space(*ledger));
    const auto log = std::ranges::find(ledger->tables, "audit_log", &LedgerReport::Table::name);
    if (log != ledger->tables.end()) checks.push_back(check_audit_log(log->entries));
  }
  checks.push_back(check_linger(directory));
  return checks;
}

}  // namespace aldis::cli
