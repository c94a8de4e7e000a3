#pragma once
// Rows of approvals and approval_votes, with the audit entries that belong to each of their changes. Used by
// local_approvals; implemented in approval_rows.cc and, what falls due, approval_settling.cc.
//
// Model: an ApprovalRows is of one transaction. Nothing here settles but `settle`; the others expect that nothing is
// due. Threads: one thread. Errors: the transaction's; data_loss for a row that nothing here wrote.

#include <optional>
#include <string_view>
#include <vector>

#include "engines/local/audit_rows.h"
#include "engines/local/ledger.h"
#include "ports/approval_store.h"

namespace aldis {

class ApprovalRows {
 public:
  explicit ApprovalRows(LedgerTransaction& transaction) : transaction_(transaction), audit_(transaction) {}

  // Whether any request, or this one, is pending past its deadline, or decided and older than kept.
  bool is_due(const std::optional<Id128>& id = {});
  // At most limits::kSettledPerWrite of both. Returns how many.
  std::uint64_t settle();

  Result<std::optional<ApprovalReading>> find(const Id128& id);
  // The request with this id, or else with this agent, type and key.
  Result<std::optional<ApprovalReading>> find_asked(const ApprovalSubject& subject);
  Result<std::vector<ApprovalReading>> list(const ApprovalPage& page);

  // resource_exhausted: there is no room for another.
  Result<void> check_room();
  void add(const ApprovalSubject& subject);

  bool was_made(const Id128& id, const Id128& change);
  // REQUIRES: `record` is as it is stored, and pending.
  void change(const ApprovalRecord& record, const ApprovalChange& change);

  // Of those that timed out, at most limits::kApprovalPage. Returns how many.
  std::uint64_t remove_timed_out(std::chrono::nanoseconds age);

 private:
  struct End {
    ApprovalState state;
    std::string_view responder;
    std::string_view reason;
    std::optional<Id128> change;  // that decided; none: it fell due
  };
  // Of `subject` only what entries say of it is read.
  void end(const ApprovalSubject& subject, const End& end);
  // The first of those that match, behind `after`.
  std::vector<Id128> ids_of(const ApprovalPage& page, const std::optional<Id128>& after, std::size_t count);
  std::vector<ApprovalSubject> find_due(std::size_t count);
  std::uint64_t remove_old(std::size_t count);

  LedgerTransaction& transaction_;
  AuditRows audit_;
};

}  // namespace aldis
