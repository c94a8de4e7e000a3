#include "engines/local/ledger_connection.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/fork_guard.h"
#include "core/mutex.h"
#include "core/try.h"

namespace aldis {
namespace {

// The connections of this process, so that a child can make SQLite forget those that it inherited. Everything here
// happens under a ForkHold, so no child begins with the lock taken.
class OpenConnections {
 public:
  static OpenConnections& instance() {
    static OpenConnections& all = *new OpenConnections;
    return all;
  }

  // REQUIRES: before a connection is opened.
  void forget_inherited() {
    const MutexLock lock(mutex_);
    if (!fork_guard_->in_child()) return;
    for (sqlite3* database : databases_) close_without_a_trace(database);
    databases_.clear();
    fork_guard_ = std::make_unique<ForkGuard>();
  }
  void add(sqlite3* database) {
    const MutexLock lock(mutex_);
    databases_.push_back(database);
  }
  void remove(sqlite3* database) {
    const MutexLock lock(mutex_);
    std::erase(databases_, database);
  }

 private:
  // No transaction is open, so nothing is rolled back; nothing is checkpointed, so no file is written or removed; and
  // the locks that SQLite lets go of are those of this process, which has none.
  static void close_without_a_trace(sqlite3* database) {
    sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    while (sqlite3_stmt* statement = sqlite3_next_stmt(database, nullptr)) sqlite3_finalize(statement);
    sqlite3_close(database);
  }

  Mutex mutex_;
  std::unique_ptr<ForkGuard> fork_guard_ ALDIS_GUARDED_BY(mutex_) = std::make_unique<ForkGuard>();
  std::vector<sqlite3*> databases_ ALDIS_GUARDED_BY(mutex_);
};

// Of the log; a process that opens the ledger alone reads as many.
constexpr int kLogPagesDue = 1'000;

int note_log_pages(void* noted, sqlite3* /*database*/, const char* /*name*/, int pages) {
  *static_cast<int*>(noted) = pages;
  return SQLITE_OK;
}

// A path as SQLite's URI: everything but plain characters is escaped.
std::string uri_of(const std::string& path) {
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
  return uri;
}

// What was committed last is there until a checkpoint moves it into the database.
bool has_log(const std::string& path) {
  struct stat status{};
  return stat((path + "-wal").c_str(), &status) == 0 && status.st_size > 0;
}

int open_database(const LedgerOpening& opening, sqlite3** database) {
  const std::string uri = uri_of(opening.path);
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
  if (opening.access != LedgerAccess::frozen) {
    return sqlite3_open_v2(uri.c_str(), database, kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, "unix");
  }
  if (has_log(opening.path)) {
    return sqlite3_open_v2(uri.c_str(), database, kCommon | SQLITE_OPEN_READONLY, "unix-none");
  }
  return sqlite3_open_v2((uri + "?immutable=1").c_str(), database, kCommon | SQLITE_OPEN_READONLY, "unix");
}

}  // namespace

Result<std::unique_ptr<LedgerConnection>> LedgerConnection::open(const LedgerOpening& opening) {
  OpenConnections::instance().forget_inherited();
  sqlite3* database = nullptr;
  const int code = open_database(opening, &database);
  if (code != SQLITE_OK) {
    const Error failure = ledger_error(database, code, opening.path, "open");
    sqlite3_close(database);
    return std::unexpected(failure);
  }
  std::unique_ptr<LedgerConnection> connection(new LedgerConnection(opening, database));
  ALDIS_TRY(connection->configure(opening));
  return connection;
}

LedgerConnection::LedgerConnection(const LedgerOpening& opening, sqlite3* database)
    : path_(opening.path), access_(opening.access), database_(database), statements_(database, path_) {
  OpenConnections::instance().add(database_);
}

LedgerConnection::~LedgerConnection() {
  for (sqlite3_stmt* statement : {begin_write_, begin_read_, commit_}) sqlite3_finalize(statement);
  statements_.finalize_all();
  OpenConnections::instance().remove(database_);
  sqlite3_close(database_);
}

bool LedgerConnection::is_read_only() const { return sqlite3_db_readonly(database_, "main") != 0; }

Result<void> LedgerConnection::configure(const LedgerOpening& opening) {
  for (const int option : {SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_FKEY, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE}) {
    sqlite3_db_config(database_, option, 1, nullptr);
  }
  for (const int option : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML,
                           SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_ENABLE_TRIGGER}) {
    sqlite3_db_config(database_, option, 0, nullptr);
  }
  sqlite3_wal_hook(database_, note_log_pages, &log_pages_);  // instead of SQLite's own checkpoints
  if (opening.access != LedgerAccess::shared) ALDIS_TRY(execute("PRAGMA locking_mode = EXCLUSIVE"));
  ALDIS_TRY(
      execute(fmt::format("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = {}; "
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

void LedgerConnection::checkpoint_if_due() {
  if (log_pages_ < kLogPagesDue) return;
  log_pages_ = 0;
  int log = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_, "main", SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
  // Whoever opens it alone does not know what was moved: it would go on behind it, and all would be moved again. That
  // this locks writers out is short: there is nothing left to move.
  if (code != SQLITE_OK || moved != log) return;
  sqlite3_wal_checkpoint_v2(database_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
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
