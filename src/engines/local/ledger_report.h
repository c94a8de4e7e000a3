#pragma once
// What a ledger looks like from outside, for `aldis doctor`. Implemented in ledger_report.cc.
//
// Model: a ledger that does not exist is reported as such and not made; one of an older schema is not migrated. It is
// looked at through SQLite alone, beside whoever uses it; what is found is of one moment. The checks read every page:
// that takes seconds for a large ledger, during which its log cannot shrink. Threads: safe from any thread.
// Errors: invalid_argument for the namespace; what is wrong with the ledger itself is its `problem`.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aldis/result.h"

namespace aldis {

struct LedgerReport {
  std::string path;
  bool exists = false;
  std::optional<Error> problem;  // why it cannot be used, or read to the end; what is below is then what was learnt

  // For us, where it is or would be made. None: it cannot be told.
  std::optional<std::uint64_t> free_disk_bytes;
  std::uint64_t size_bytes = 0;
  std::uint64_t log_bytes = 0;  // "-wal": committed, and not moved into the database yet
  bool is_writable = false;
  std::int64_t schema_version = 0;
  std::string journal_mode;  // "wal"
  std::uint64_t page_bytes = 0;
  std::uint64_t pages = 0;
  std::uint64_t free_pages = 0;     // of them; for what is written next
  std::vector<std::string> damage;  // what the checks found, limits::kLedgerDamageReported at most
  struct Table {
    std::string name;
    std::uint64_t entries = 0;
  };
  std::vector<Table> tables;

  std::vector<std::string> other_namespaces;  // with a ledger in the same directory
};

Result<LedgerReport> examine_ledger(const std::string& state_directory, const std::string& namespace_name);

}  // namespace aldis
