// What time does to approval requests: deadlines, retention, and the removal of what timed out.
//
// Each question is asked of two indexes: of this boot's moments by the boot clock, of other boots' by the wall clock.
#include <utility>

#include "aldis/limits.h"
#include "engines/local/approval_columns.h"
#include "engines/local/approval_rows.h"

namespace aldis {
namespace {

// A moment so long ago, on both clocks.
LedgerStamp ago(const LedgerNow& now, std::chrono::nanoseconds age) {
  LedgerStamp stamp = stamp_of(now);
  stamp.boot_ns -= age.count();
  stamp.wall_us -= std::chrono::duration_cast<std::chrono::microseconds>(age).count();
  return stamp;
}

void add_due(LedgerQuery rows, std::vector<ApprovalSubject>& due) {
  while (rows.next()) {
    due.push_back({.id = id_in(rows, 0),
                   .type = std::string(rows.text(1)),
                   .agent = std::string(rows.text(2)),
                   .context = {},
                   .context_hash = std::string(rows.text(3))});
  }
}

}  // namespace

bool ApprovalRows::is_due(const std::optional<Id128>& id) {
  const LedgerStamp now = stamp_of(transaction_.now());
  const LedgerStamp old = ago(transaction_.now(), limits::kApprovalRetention);
  auto row = transaction_.query(
      "SELECT EXISTS (SELECT 1 FROM approvals INDEXED BY approvals_pending "
      "               WHERE state = 'pending' AND deadline_boot = ?1 AND deadline_boot_ns <= ?2 "
      "               AND (?6 IS NULL OR id = ?6)) "
      "    OR EXISTS (SELECT 1 FROM approvals INDEXED BY approvals_expiring "
      "               WHERE state = 'pending' AND expires_us <= ?3 AND deadline_boot <> ?1 "
      "               AND (?6 IS NULL OR id = ?6)) "
      "    OR EXISTS (SELECT 1 FROM approvals INDEXED BY approvals_decided "
      "               WHERE state <> 'pending' AND decided_boot = ?1 AND decided_boot_ns <= ?4 "
      "               AND (?6 IS NULL OR id = ?6)) "
      "    OR EXISTS (SELECT 1 FROM approvals INDEXED BY approvals_decided_at "
      "               WHERE state <> 'pending' AND decided_us <= ?5 AND decided_boot <> ?1 "
      "               AND (?6 IS NULL OR id = ?6))",
      now.boot, now.boot_ns, now.wall_us, old.boot_ns, old.wall_us, id ? std::optional(blob(*id)) : std::nullopt);
  return row.next() && row.integer(0) != 0;
}

std::uint64_t ApprovalRows::settle() {
  const std::vector<ApprovalSubject> due = find_due(limits::kSettledPerWrite);
  for (const ApprovalSubject& one : due) end(one, {ApprovalState::timed_out, {}, {}, std::nullopt});
  return due.size() + remove_old(limits::kSettledPerWrite - due.size());
}

std::vector<ApprovalSubject> ApprovalRows::find_due(std::size_t count) {
  const LedgerStamp now = stamp_of(transaction_.now());
  std::vector<ApprovalSubject> due;
  add_due(transaction_.query("SELECT id, type, agent, context_hash FROM approvals INDEXED BY approvals_expiring "
                             "WHERE state = 'pending' AND expires_us <= ?2 AND deadline_boot <> ?1 "
                             "ORDER BY expires_us, id LIMIT ?3",
                             now.boot, now.wall_us, count),
          due);
  add_due(transaction_.query("SELECT id, type, agent, context_hash FROM approvals INDEXED BY approvals_pending "
                             "WHERE state = 'pending' AND deadline_boot = ?1 AND deadline_boot_ns <= ?2 "
                             "ORDER BY deadline_boot_ns, id LIMIT ?3",
                             now.boot, now.boot_ns, count - due.size()),
          due);
  return due;
}

std::uint64_t ApprovalRows::remove_old(std::size_t count) {
  const LedgerStamp old = ago(transaction_.now(), limits::kApprovalRetention);
  const std::uint64_t of_others = transaction_.run(
      "DELETE FROM approvals WHERE rowid IN (SELECT rowid FROM approvals INDEXED BY approvals_decided_at "
      "WHERE state <> 'pending' AND decided_us <= ?2 AND decided_boot <> ?1 LIMIT ?3)",
      old.boot, old.wall_us, count);
  return of_others +
         transaction_.run(
             "DELETE FROM approvals WHERE rowid IN (SELECT rowid FROM approvals INDEXED BY approvals_decided "
             "WHERE state <> 'pending' AND decided_boot = ?1 AND decided_boot_ns <= ?2 LIMIT ?3)",
             old.boot, old.boot_ns, count - of_others);
}

std::uint64_t ApprovalRows::remove_timed_out(std::chrono::nanoseconds age) {
  const LedgerStamp old = ago(transaction_.now(), age);
  const std::uint64_t of_others = transaction_.run(
      "DELETE FROM approvals WHERE rowid IN (SELECT rowid FROM approvals INDEXED BY approvals_decided_at "
      "WHERE state <> 'pending' AND state = 'timed_out' AND decided_us < ?2 AND decided_boot <> ?1 "
      "ORDER BY decided_us LIMIT ?3)",
      old.boot, old.wall_us, limits::kApprovalPage);
  return of_others +
         transaction_.run(
             "DELETE FROM approvals WHERE rowid IN (SELECT rowid FROM approvals INDEXED BY approvals_decided "
             "WHERE state <> 'pending' AND state = 'timed_out' AND decided_boot = ?1 AND decided_boot_ns < ?2 "
             "ORDER BY decided_boot_ns LIMIT ?3)",
             old.boot, old.boot_ns, limits::kApprovalPage - of_others);
}

}  // namespace aldis
