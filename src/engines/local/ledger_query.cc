#include "engines/local/ledger_query.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "core/failure.h"

namespace aldis {
namespace {

bool is_out_of_room(int code, int reason) {
  return (code & 0xff) == SQLITE_FULL || (code & 0xff) == SQLITE_NOMEM || reason == ENOSPC || reason == EDQUOT ||
         reason == EFBIG;
}

}  // namespace

Error ledger_error(sqlite3* database, int code, const std::string& path, std::string_view doing) {
  const int reason = database == nullptr ? 0 : sqlite3_system_errno(database);
  const std::string_view detail = database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database);
  const bool is_io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if (is_out_of_room(code, is_io ? reason : 0)) {
    return make_error(ErrorCode::resource_exhausted, "cannot {} the ledger {}: no room ({}); free some disk space",
                      doing, path, detail);
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return make_error(ErrorCode::deadline_exceeded, "cannot {} the ledger {} in time: another process holds it ({})",
                        doing, path, detail);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return make_error(ErrorCode::permission_denied,
                        "cannot {} the ledger {}: this process may not write it or its directory ({}); change their "
                        "owner or mode, or choose another with ALDIS_STATE_DIR",
                        doing, path, detail);
    case SQLITE_CANTOPEN:
      return make_error(reason == EACCES || reason == EPERM || reason == EROFS ? ErrorCode::permission_denied
                                                                               : ErrorCode::failed_precondition,
                        "cannot {} the ledger {}: {}{}; see that its directory can be written, or choose another with "
                        "ALDIS_STATE_DIR",
                        doing, path, detail,
                        reason == 0 ? "" : ", " + system_error({}, "the system says", reason).message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return make_error(ErrorCode::data_loss,
                        "cannot {} the ledger {}: it is damaged ({}); run `aldis doctor`, and put a copy in its place "
                        "or move it away",
                        doing, path, detail);
    case SQLITE_IOERR:
      return make_error(ErrorCode::unavailable, "cannot {} the ledger {}: {}{}", doing, path, detail,
                        reason == 0 ? "" : ", " + system_error({}, "the system says", reason).message);
    default:
      return make_error(ErrorCode::internal, "cannot {} the ledger {}: {} (SQLite code {})", doing, path, detail, code);
  }
}

sqlite3_stmt* LedgerStatements::take(std::string_view sql) {
  if (failure_) return nullptr;
  auto found = entries_.find(sql);
  if (found == entries_.end()) found = entries_.emplace(std::string(sql), std::vector<Entry>()).first;
  for (Entry& entry : found->second) {
    if (!entry.is_taken) {
      entry.is_taken = true;
      return entry.statement;
    }
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) {
    fail(code);
    return nullptr;
  }
  found->second.push_back({statement, true});
  return statement;
}

void LedgerStatements::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  const auto found = entries_.find(std::string_view(sqlite3_sql(statement)));
  for (Entry& entry : found->second) {
    if (entry.statement == statement) entry.is_taken = false;
  }
}

void LedgerStatements::finalize_all() {
  for (const auto& [sql, entries] : entries_) {
    for (const Entry& entry : entries) sqlite3_finalize(entry.statement);
  }
  entries_.clear();
}

void LedgerStatements::fail(int code) {
  if (!failure_) failure_ = ledger_error(database_, code, path_, "use");
}

std::uint64_t LedgerStatements::rows_changed() const {
  return static_cast<std::uint64_t>(sqlite3_changes64(database_));
}

std::int64_t LedgerStatements::last_row() const { return sqlite3_last_insert_rowid(database_); }

LedgerQuery::LedgerQuery(LedgerQuery&& other) noexcept
    : statements_(other.statements_), statement_(std::exchange(other.statement_, nullptr)) {}

LedgerQuery::~LedgerQuery() {
  if (statement_ != nullptr) statements_->give_back(statement_);
}

bool LedgerQuery::next() {
  if (statement_ == nullptr || statements_->failure()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) statements_->fail(code);
  return false;
}

std::int64_t LedgerQuery::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view LedgerQuery::text(int column) const {
  const void* const bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool LedgerQuery::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void LedgerQuery::bind_integer(int index, std::int64_t value) {
  if (statement_ != nullptr) check(sqlite3_bind_int64(statement_, index, value));
}

void LedgerQuery::bind_null(int index) {
  if (statement_ != nullptr) check(sqlite3_bind_null(statement_, index));
}

// An empty string_view may have no data, which SQLite would take for NULL.
void LedgerQuery::bind_text(int index, std::string_view value, bool keep) {
  if (statement_ == nullptr) return;
  check(sqlite3_bind_text64(statement_, index, value.empty() ? "" : value.data(), value.size(),
                            keep ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8));
}

void LedgerQuery::bind_blob(int index, std::string_view value, bool keep) {
  if (statement_ == nullptr) return;
  check(sqlite3_bind_blob64(statement_, index, value.empty() ? "" : value.data(), value.size(),
                            keep ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

void LedgerQuery::check(int code) {
  if (code != SQLITE_OK) statements_->fail(code);
}

}  // namespace aldis
