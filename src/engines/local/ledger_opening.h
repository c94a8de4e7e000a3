#pragma once
// Opening the ledger of a namespace. Used by ledger.cc, ledger_desk.cc and ledger_report.cc; implemented in
// ledger_opening.cc.
//
// Threads: safe from any thread; under a ForkHold. Errors: as ledger.h; deadline_exceeded while another process is in
// the way.

#include <memory>
#include <string>

#include "aldis/result.h"
#include "engines/local/ledger_connection.h"
#include "engines/local/ledger_file.h"

namespace aldis {

// As it is. permission_denied, if nobody has it open and we may not write it.
Result<std::unique_ptr<LedgerConnection>> open_existing_ledger(const std::string& path, bool syncs_commits);

// Makes what is missing, and migrates.
Result<std::unique_ptr<LedgerConnection>> open_shared_ledger(const std::string& path, bool syncs_commits);

// For one transaction that reads what was committed, where opening it for all failed for `reason`: nobody can write it,
// or there is no room for the memory that processes share. Else fails for that reason.
struct LedgerApart {
  std::unique_ptr<LedgerConnection> connection;
  LedgerFileState state;

  // unavailable, if somebody wrote it meanwhile. After the transaction.
  Result<void> check_undisturbed() const;
};
Result<LedgerApart> open_ledger_apart(const std::string& path, const Error& reason);

}  // namespace aldis
