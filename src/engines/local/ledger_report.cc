#include "engines/local/ledger_report.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/names.h"
#include "core/network_file_system.h"
#include "core/try.h"
#include "engines/local/allocated_file.h"
#include "engines/local/ledger_file.h"
#include "engines/local/ledger_opening.h"
#include "engines/local/ledger_patience.h"
#include "engines/local/ledger_schema.h"
#include "engines/local/state_directory.h"

namespace aldis {
namespace {

std::uint64_t size_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// What is missing at the end of the path would be made on the file system of what is there.
std::optional<std::uint64_t> free_bytes(std::filesystem::path place) {
  struct statvfs status{};
  while (statvfs(place.c_str(), &status) != 0) {
    if (errno != ENOENT || !place.has_relative_path()) return std::nullopt;
    place = place.parent_path();
  }
  return status.f_bavail * status.f_frsize;
}

void describe_files(LedgerReport& report) {
  report.size_bytes = size_of(report.path);
  report.log_bytes = size_of(report.path + "-wal");
  report.is_writable = is_ledger_writable(report.path);
}

std::string quoted_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + '"';
}

// Rows of one column of text, limits::kLedgerDamageReported at most.
void append_rows(LedgerStatements& statements, std::string_view sql, std::vector<std::string>& rows) {
  LedgerQuery query(statements, sql);
  while (rows.size() < limits::kLedgerDamageReported && query.next()) rows.emplace_back(query.text(0));
}

Result<void> describe_pages(LedgerConnection& connection, LedgerReport& report) {
  ALDIS_TRY_ASSIGN(report.schema_version, connection.number("PRAGMA user_version"));
  ALDIS_TRY_ASSIGN(report.page_bytes, connection.number("PRAGMA page_size"));
  ALDIS_TRY_ASSIGN(report.pages, connection.number("PRAGMA page_count"));
  ALDIS_TRY_ASSIGN(report.free_pages, connection.number("PRAGMA freelist_count"));
  LedgerQuery mode(connection.statements(), "PRAGMA journal_mode");
  if (mode.next()) report.journal_mode = mode.text(0);
  return {};
}

Result<void> find_damage(LedgerConnection& connection, LedgerReport& report) {
  LedgerStatements& statements = connection.statements();
  append_rows(statements, "PRAGMA integrity_check", report.damage);
  std::erase(report.damage, "ok");
  append_rows(statements,
              "SELECT 'row ' || coalesce(rowid, '') || ' of ' || \"table\" || ' names a row of ' || parent || "
              "' that is not there' FROM pragma_foreign_key_check",
              report.damage);
  if (statements.failure()) return std::unexpected(*statements.failure());
  return {};
}

Result<void> count_entries(LedgerConnection& connection, LedgerReport& report) {
  LedgerStatements& statements = connection.statements();
  LedgerQuery tables(statements, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  while (tables.next()) {
    const std::string name(tables.text(0));
    ALDIS_TRY_ASSIGN(const std::int64_t entries, connection.number("SELECT count(*) FROM " + quoted_name(name)));
    report.tables.push_back({name, static_cast<std::uint64_t>(entries)});
  }
  if (statements.failure()) return std::unexpected(*statements.failure());
  return {};
}

Result<void> describe(LedgerConnection& connection, LedgerReport& report) {
  ALDIS_TRY(describe_pages(connection, report));
  ALDIS_TRY(ledger_is_current(connection, ledger_steps()));
  ALDIS_TRY(connection.begin_read());
  const Result<void> described = [&]() -> Result<void> {
    ALDIS_TRY(find_damage(connection, report));
    return count_entries(connection, report);
  }();
  connection.roll_back();
  return described;
}

Result<void> look_into(const std::string& path, LedgerReport& report) {
  auto shared = open_existing_ledger(path, false);
  if (shared) return describe(**shared, report);
  ALDIS_TRY_ASSIGN(const LedgerApart apart, open_ledger_apart(path, shared.error()));
  ALDIS_TRY(describe(*apart.connection, report));
  return apart.check_undisturbed();
}

}  // namespace

Result<LedgerReport> examine_ledger(const std::string& state_directory, const std::string& namespace_name) {
  ALDIS_TRY(check_namespace(namespace_name));
  LedgerReport report;
  report.path = ledger_path(state_directory, namespace_name);
  if (const Result<void> local = refuse_network_state_directory(state_directory); !local) {
    report.problem = local.error();
    return report;
  }
  report.free_disk_bytes = free_bytes(state_directory);
  report.other_namespaces = list_ledgers(state_directory);
  std::erase(report.other_namespaces, namespace_name);
  const Result<bool> exists = is_own_file(report.path);
  report.exists = !exists || *exists;
  if (!exists) report.problem = exists.error();
  if (!exists || !*exists) return report;
  describe_files(report);

  LedgerPatience patience(limits::kCallTimeoutDefault);
  const LedgerReport files = report;
  const Result<void> looked = attempt_while_busy(
      patience,
      [&](bool&) {
        report = files;
        return look_into(report.path, report);
      },
      [&] {
        return make_error(ErrorCode::deadline_exceeded, "the ledger {} is held by another process", report.path);
      });
  if (!looked) report.problem = looked.error();
  return report;
}

}  // namespace aldis
