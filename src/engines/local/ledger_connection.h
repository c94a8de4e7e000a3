#pragma once
// One SQLite connection to a ledger file, with every precaution. With ledger_query the only users of SQLite; used by
// ledger.cc, ledger_schema.cc and ledger_report.cc. Implemented in ledger_connection.cc.
//
// Model: WAL, foreign keys on, nothing in the schema trusted, cells checked. Neither a commit nor the end moves the log
// into the database, as that costs syncs: whoever has the time calls `checkpoint_if_due`; so the log of a ledger stays
// beside it. Nothing waits: where another process is in the way, the answer is deadline_exceeded at once, and the
// caller asks again (ledger_patience.h). Threads: one thread
// at a time; every call under a ForkHold, the constructor and the destructor too.
// fork: a child must not touch an inherited connection, nor destroy it. SQLite remembers the files that a process has
// open, with the locks that it holds there, and a child holds none of them: before a child opens its first connection,
// those that it inherited are closed in a way that touches neither a file nor a lock of the parent.
// Errors: as ledger_query.h.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "aldis/result.h"
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
};

class LedgerConnection {
 public:
  // REQUIRES: the file exists.
  static Result<std::unique_ptr<LedgerConnection>> open(const LedgerOpening& opening);
  ~LedgerConnection();
  LedgerConnection(const LedgerConnection&) = delete;
  LedgerConnection& operator=(const LedgerConnection&) = delete;

  const std::string& path() const { return path_; }
  LedgerAccess access() const { return access_; }
  bool is_read_only() const;
  LedgerStatements& statements() { return statements_; }

  Result<void> begin_write();
  Result<void> begin_read();
  Result<void> commit();
  void roll_back();  // nothing, if there is no transaction
  // If the log was long at the last commit here. May sync; what it cannot do is for later. REQUIRES: no transaction.
  void checkpoint_if_due();

  // For what is done once. Several statements, to the end.
  Result<void> execute(const std::string& sql);
  // The first column of the first row; 0 without one.
  Result<std::int64_t> number(std::string_view sql);

 private:
  LedgerConnection(const LedgerOpening& opening, sqlite3* database);
  Result<void> configure(const LedgerOpening& opening);
  Result<void> enter_wal();
  Result<void> step(sqlite3_stmt*& statement, std::string_view sql, std::string_view doing);
  Error error(int code, std::string_view doing) const;

  const std::string path_;
  const LedgerAccess access_;
  sqlite3* const database_;
  int log_pages_ = 0;  // after the last commit
  LedgerStatements statements_;
  sqlite3_stmt* begin_write_ = nullptr;
  sqlite3_stmt* begin_read_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
};

}  // namespace aldis
