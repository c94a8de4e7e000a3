#include "engines/local/ledger_connection.h"

#include <poll.h>
#include <sqlite3.h>

#include <algorithm>
#include <ctime>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kFirstPause = 50us;
constexpr std::chrono::nanoseconds kLongestPause = 1ms;

void pause_for(std::chrono::nanoseconds time) {
  const timespec relative{0, static_cast<long>(time.count())};
  ppoll(nullptr, 0, &relative, nullptr);
}

// A path as SQLite's URI: everything but plain characters is escaped.
std::string uri_of(const std::string& path, std::string_view parameters) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                          c == '.' || c == '-' || c == '_';
    if (is_plain) {
      uri += c;
    } else {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return uri + std::string(parameters);
}

int open_database(const LedgerOpening& opening, sqlite3** database) {
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
  constexpr int kShared = kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW;
  switch (opening.access) {
    case LedgerAccess::shared:
      return sqlite3_open_v2(uri_of(opening.path, "").c_str(), database, kShared, "unix");
    case LedgerAccess::alone:
      return sqlite3_open_v2(uri_of(opening.path, "").c_str(), database, kShared, "unix");
    default:
      return sqlite3_open_v2(uri_of(opening.path, "").c_str(), database, kCommon | SQLITE_OPEN_READONLY, "unix-none");
  }
}

}  // namespace

Result<std::unique_ptr<LedgerConnection>> LedgerConnection::open(const LedgerOpening& opening) {
  sqlite3* database = nullptr;
  const int code = open_database(opening, &database);
  if (code != SQLITE_OK) {
    const Error failure = ledger_error(database, code, opening.path, "open");
    sqlite3_close(database);
    return std::unexpected(failure);
  }
  std::unique_ptr<LedgerConnection> connection(new LedgerConnection(opening.path, database));
  connection->allow(opening.at_most);
  ALDIS_TRY(connection->prepare_all(opening));
  return connection;
}

LedgerConnection::LedgerConnection(std::string path, sqlite3* database)
    : path_(std::move(path)), database_(database), statements_(database, path_) {
  sqlite3_busy_handler(database_, &LedgerConnection::wait_on_busy, this);
}

LedgerConnection::~LedgerConnection() {
  for (sqlite3_stmt* statement : {begin_write_, begin_read_, commit_}) sqlite3_finalize(statement);
  statements_.finalize_all();
  sqlite3_close(database_);
}

bool LedgerConnection::is_read_only() const { return sqlite3_db_readonly(database_, "main") != 0; }

void LedgerConnection::allow(std::chrono::nanoseconds at_most) {
  patience_ = at_most;
  deadline_ = SteadyTime::max();
}

// The clock is first read when somebody is in the way.
int LedgerConnection::wait_on_busy(void* self, int tries) {
  auto& connection = *static_cast<LedgerConnection*>(self);
  const SteadyTime now = connection.clock_.steady_now();
  if (connection.deadline_ == SteadyTime::max()) connection.deadline_ = now + connection.patience_;
  const std::chrono::nanoseconds left = connection.deadline_ - now;
  if (left <= 0ns) return 0;
  pause_for(std::min({left, kLongestPause, kFirstPause * (1 + tries)}));
  return 1;
}

Result<void> LedgerConnection::prepare_all(const LedgerOpening& opening) {
  for (const int option : {SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_FKEY}) {
    sqlite3_db_config(database_, option, 1, nullptr);
  }
  for (const int option :
       {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_ENABLE_VIEW,
        SQLITE_DBCONFIG_ENABLE_TRIGGER}) {
    sqlite3_db_config(database_, option, 0, nullptr);
  }
  if (opening.access != LedgerAccess::shared) ALDIS_TRY(execute("PRAGMA locking_mode = EXCLUSIVE"));
  ALDIS_TRY(execute(fmt::format("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = {}; "
                                "PRAGMA journal_size_limit = {}",
                                opening.syncs_commits ? "FULL" : "NORMAL", limits::kLedgerWalBytesKept)));
  return is_read_only() ? Result<void>() : enter_wal();
}

Result<void> LedgerConnection::enter_wal() {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(database_, "PRAGMA journal_mode = WAL", -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  const void* const mode = code == SQLITE_ROW ? sqlite3_column_blob(statement, 0) : nullptr;
  const bool is_wal = mode != nullptr && std::string_view(static_cast<const char*>(mode), 3) == "wal";
  const Error failure = error(code, "open");
  sqlite3_finalize(statement);
  if (is_wal) return {};
  if (code != SQLITE_ROW) return std::unexpected(failure);
  return fail(ErrorCode::failed_precondition,
              "the file system of {} cannot hold a ledger that processes share: choose another with ALDIS_STATE_DIR",
              path_);
}

Result<void> LedgerConnection::begin_write() { return step(begin_write_, "BEGIN IMMEDIATE", "write"); }
Result<void> LedgerConnection::begin_read() { return step(begin_read_, "BEGIN", "read"); }
Result<void> LedgerConnection::commit() { return step(commit_, "COMMIT", "write"); }

void LedgerConnection::roll_back() {
  if (sqlite3_get_autocommit(database_) == 0) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> LedgerConnection::step(sqlite3_stmt*& statement, std::string_view sql, std::string_view doing) {
  if (statement == nullptr) {
    const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK) return std::unexpected(error(code, doing));
  }
  const int code = sqlite3_step(statement);
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement);
    return {};
  }
  const Error failure = error(code, doing);
  sqlite3_reset(statement);
  return std::unexpected(failure);
}

Result<void> LedgerConnection::execute(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error(code, "open"));
  return {};
}

Result<std::int64_t> LedgerConnection::number(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  const std::int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  const Error failure = error(code, "read");
  sqlite3_finalize(statement);
  if (code == SQLITE_ROW || code == SQLITE_DONE) return value;
  return std::unexpected(failure);
}

Error LedgerConnection::error(int code, std::string_view doing) const {
  return ledger_error(database_, code, path_, doing);
}

}  // namespace aldis
