#pragma once
// Prepared statements of one SQLite connection: kept by their text, bound and read with types. With ledger_connection
// the only users of SQLite; used by ledger.h. Implemented in ledger_query.cc.
//
// Model: `LedgerStatements` remembers the first failure of a transaction: from then on queries yield nothing. A
// statement that is still in use when its text is asked for again is prepared once more. Threads: one thread at a time.
// Errors: SQLite's codes become ours in `ledger_error` alone.

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace aldis {

// An argument that is stored as a blob; any other text is stored as text.
struct LedgerBlob {
  std::string_view bytes;
};

// What a failed call of SQLite means. `doing` completes "cannot …".
Error ledger_error(sqlite3* database, int code, const std::string& path, std::string_view doing);

class LedgerStatements {
 public:
  LedgerStatements(sqlite3* database, const std::string& path) : database_(database), path_(path) {}
  LedgerStatements(const LedgerStatements&) = delete;
  LedgerStatements& operator=(const LedgerStatements&) = delete;

  // Null after a failure.
  sqlite3_stmt* take(std::string_view sql);
  void give_back(sqlite3_stmt* statement);
  // REQUIRES: none is taken. Before the connection closes.
  void finalize_all();

  void fail(int code);
  const std::optional<Error>& failure() const { return failure_; }
  void forget_failure() { failure_.reset(); }
  std::uint64_t rows_changed() const;
  std::int64_t last_row() const;

 private:
  struct Entry {
    sqlite3_stmt* statement = nullptr;
    bool is_taken = false;
  };

  sqlite3* const database_;
  const std::string& path_;
  std::map<std::string, std::vector<Entry>, std::less<>> entries_;
  std::optional<Error> failure_;
};

class LedgerQuery {
 public:
  LedgerQuery(LedgerStatements& statements, std::string_view sql)
      : statements_(&statements), statement_(statements.take(sql)) {}
  LedgerQuery(LedgerQuery&& other) noexcept;
  LedgerQuery& operator=(LedgerQuery&&) = delete;
  ~LedgerQuery();

  // False: there are no more rows, or the transaction failed.
  bool next();

  // Of the row that `next` answered. A column that is NULL reads as 0 and "".
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // or a blob; valid until `next` or the end of this query
  bool is_null(int column) const;

  // Arguments in their order; what they point to is copied, or must outlive the query if `keep` is false.
  template <class... Args>
  void bind_all([[maybe_unused]] bool keep, const Args&... args) {
    int index = 0;
    (bind(++index, args, keep), ...);
  }

 private:
  template <std::integral Integer>
  void bind(int index, Integer value, bool) {
    bind_integer(index, static_cast<std::int64_t>(value));
  }
  void bind(int index, std::nullptr_t, bool) { bind_null(index); }
  void bind(int index, std::string_view value, bool keep) { bind_text(index, value, keep); }
  void bind(int index, LedgerBlob value, bool keep) { bind_blob(index, value.bytes, keep); }
  template <class Value>
  void bind(int index, const std::optional<Value>& value, bool keep) {
    if (value) {
      bind(index, *value, keep);
    } else {
      bind_null(index);
    }
  }

  void bind_integer(int index, std::int64_t value);
  void bind_null(int index);
  void bind_text(int index, std::string_view value, bool keep);
  void bind_blob(int index, std::string_view value, bool keep);
  void check(int code);

  LedgerStatements* statements_;
  sqlite3_stmt* statement_;
};

}  // namespace aldis
