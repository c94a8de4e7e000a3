#pragma once
// Rows of audit_log and audit_anchor, written in the transactions that they record. Used by local_approvals (through
// approval_rows) and local_audit; implemented in audit_rows.cc.
//
// Model: an AuditRows is of one transaction and reads the end of the log once. Threads: one thread. Errors: the
// transaction's.

#include <optional>
#include <string_view>
#include <vector>

#include "engines/local/ledger.h"
#include "ports/audit_store.h"

namespace aldis {

class AuditRows {
 public:
  explicit AuditRows(LedgerTransaction& transaction) : transaction_(transaction) {}

  const AuditBounds& bounds();
  bool is_full();
  // Gives it the next number, the time of the transaction and its place in the chain.
  void append(AuditEntry entry);
  // Of what is stored at or below the anchor, where nothing is, the lowest number.
  std::optional<std::uint64_t> stray();
  // Behind the anchor, too.
  std::vector<AuditEntry> behind(std::uint64_t after, std::size_t count);
  // None: the log holds no such entry. Else how many were removed.
  std::optional<std::uint64_t> rotate(const AuditHead& through, std::string_view actor);

 private:
  LedgerTransaction& transaction_;
  std::optional<AuditBounds> bounds_;
};

}  // namespace aldis
