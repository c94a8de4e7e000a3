#pragma once
// One SQLite connection to a ledger file, with every precaution. With ledger_query the only users of SQLite; used by
// ledger.cc, ledger_schema.cc and ledger_report.cc. Implemented in ledger_connection.cc.
//
// Model: WAL, foreign keys on, nothing in the schema trusted, cells checked. While another process holds a lock, SQLite
// is asked again after short sleeps, until `allow`'s time is over. Threads: one thread at a time. fork: a child must not
// touch an inherited one, nor destroy it: that would drop locks or files of its parent. Errors: as ledger_query.h, and
// deadline_exceeded naming who holds the lock where the kernel tells.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/local/ledger_query.h"

namespace aldis {

enum class LedgerAccess {
  shared,  // beside other processes; read only where the file or its directory is
  alone,   // to read where there is no room for the memory that processes share: locks everybody else out
  frozen,  // to read where nobody can write the file or its directory: takes no locks at all
};

struct LedgerOpening {
  std::string path;
  LedgerAccess access = LedgerAccess::shared;
  bool syncs_commits = false;
  std::chrono::nanoseconds at_most{};  // for opening it
};

class LedgerConnection {
 public:
  // REQUIRES: the file exists.
  static Result<std::unique_ptr<LedgerConnection>> open(const LedgerOpening& opening);
  ~LedgerConnection();
  LedgerConnection(const LedgerConnection&) = delete;
  LedgerConnection& operator=(const LedgerConnection&) = delete;

  const std::string& path() const { return path_; }
  bool is_read_only() const;
  LedgerStatements& statements() { return statements_; }

  // How long all that follows may wait for others, from the first time it has to.
  void allow(std::chrono::nanoseconds at_most);

  Result<void> begin_write();
  Result<void> begin_read();
  Result<void> commit();
  void roll_back();  // nothing, if there is no transaction

  // For what is done once. Several statements, to the end.
  Result<void> execute(const std::string& sql);
  // The first column of the first row; 0 without one.
  Result<std::int64_t> number(std::string_view sql);

 private:
  LedgerConnection(std::string path, sqlite3* database);
  static int wait_on_busy(void* self, int tries);
  Result<void> prepare_all(const LedgerOpening& opening);
  Result<void> enter_wal();
  Result<void> step(sqlite3_stmt*& statement, std::string_view sql, std::string_view doing);
  Error error(int code, std::string_view doing) const;

  const SystemClock clock_;
  const std::string path_;
  sqlite3* const database_;
  LedgerStatements statements_;
  sqlite3_stmt* begin_write_ = nullptr;
  sqlite3_stmt* begin_read_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  std::chrono::nanoseconds patience_{};
  SteadyTime deadline_;
};

}  // namespace aldis
