#include "raw_ledger.h"

#include <fmt/core.h>

#include <cstdlib>
#include <vector>

namespace aldis::bench {
namespace {

void must(sqlite3* database, int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  fmt::print(stderr, "aldis_bench: {}\n", sqlite3_errmsg(database));
  std::exit(1);
}

}  // namespace

RawLedger::RawLedger(const std::string& path, Sync sync) {
  must(database_, sqlite3_open(path.c_str(), &database_));
  const std::string pragmas = fmt::format(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous={};"
      "CREATE TABLE IF NOT EXISTS rows(number INTEGER PRIMARY KEY, data TEXT NOT NULL)",
      sync == Sync::full ? "FULL" : "NORMAL");
  must(database_, sqlite3_exec(database_, pragmas.c_str(), nullptr, nullptr, nullptr));
  must(database_, sqlite3_prepare_v2(database_, "INSERT INTO rows(data) VALUES(?)", -1, &insert_, nullptr));
  must(database_,
       sqlite3_prepare_v2(database_, "SELECT number, data FROM rows WHERE number > ? ORDER BY number LIMIT ?", -1,
                          &select_, nullptr));
}

RawLedger::~RawLedger() {
  sqlite3_finalize(insert_);
  sqlite3_finalize(select_);
  sqlite3_close(database_);
}

void RawLedger::insert(std::string_view data) {
  must(database_, sqlite3_bind_text(insert_, 1, data.data(), static_cast<int>(data.size()), SQLITE_STATIC));
  must(database_, sqlite3_step(insert_));
  sqlite3_reset(insert_);
}

std::int64_t RawLedger::read(std::int64_t after, int count) {
  must(database_, sqlite3_bind_int64(select_, 1, after));
  must(database_, sqlite3_bind_int(select_, 2, count));
  std::vector<std::string> rows;
  while (sqlite3_step(select_) == SQLITE_ROW) {
    after = sqlite3_column_int64(select_, 0);
    rows.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(select_, 1)),
                      static_cast<std::size_t>(sqlite3_column_bytes(select_, 1)));
  }
  sqlite3_reset(select_);
  return after;
}

}  // namespace aldis::bench
