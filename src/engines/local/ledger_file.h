#pragma once
// The file of a ledger: its name, and making it. Never opened here: closing any descriptor of it would drop SQLite's
// locks of this process. Used by ledger_desk.cc and ledger_report.cc; implemented in ledger_file.cc.
//
// Threads: safe from any thread and process. Errors: as state_directory.h; failed_precondition for what is not a file
// of ours.

#include <cstdint>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "engines/local/board_environment.h"

namespace aldis {

std::string ledger_path(const std::string& state_directory, const std::string& namespace_name);
// The namespaces that have a ledger there, by name.
std::vector<std::string> list_ledgers(const std::string& state_directory);

// Whether this process may write the file and its directory.
bool is_ledger_writable(const std::string& path);

// What changes when somebody writes a ledger.
struct LedgerFileState {
  FileKey file;
  std::int64_t size_bytes = 0;
  std::int64_t changed_ns = 0;
  bool has_shared_memory = false;  // "-shm": somebody has it open, or died

  bool operator==(const LedgerFileState&) const = default;
};
LedgerFileState examine_ledger_file(const std::string& path);

// Makes the directory and an empty file of mode 0600 where they are missing.
Result<void> ready_ledger_file(const std::string& path);

}  // namespace aldis
