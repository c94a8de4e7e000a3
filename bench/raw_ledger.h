#pragma once
// The yardstick: SQLite as bare as it can be used, with the pragmas that the ledger uses. Implemented in raw_ledger.cc.

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace aldis::bench {

class RawLedger {
 public:
  enum class Sync { normal, full };
  RawLedger(const std::string& path, Sync sync);
  ~RawLedger();
  RawLedger(const RawLedger&) = delete;
  RawLedger& operator=(const RawLedger&) = delete;

  void insert(std::string_view data);  // a row, a transaction
  // The rows behind `after`, at most `count`, copied out; the number of the last.
  std::int64_t read(std::int64_t after, int count);

 private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

}  // namespace aldis::bench
