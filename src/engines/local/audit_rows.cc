#include "engines/local/audit_rows.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "aldis/limits.h"
#include "core/audit_chain.h"

namespace aldis {
namespace {

constexpr std::array kKinds = {AuditKind::requested, AuditKind::vote, AuditKind::decided, AuditKind::rotated};

AuditHead head_in(const LedgerQuery& row) {
  return {static_cast<std::uint64_t>(row.integer(0)), std::string(row.text(1))};
}

// One that nothing here wrote has no name, so that no hash of such an entry is right.
AuditKind kind_named(std::string_view name) {
  const auto* const kind = std::ranges::find(kKinds, name, [](AuditKind one) { return to_string(one); });
  return kind == kKinds.end() ? static_cast<AuditKind>(kKinds.size()) : *kind;
}

AuditEntry entry_in(const LedgerQuery& row) {
  return {.number = static_cast<std::uint64_t>(row.integer(0)),
          .kind = kind_named(row.text(1)),
          .time = wall_time(row.integer(2)),
          .request_id = std::string(row.text(3)),
          .approval_type = std::string(row.text(4)),
          .agent_id = std::string(row.text(5)),
          .actor = std::string(row.text(6)),
          .outcome = std::string(row.text(7)),
          .key_id = std::string(row.text(8)),
          .context_hash = std::string(row.text(9)),
          .detail_hash = std::string(row.text(10)),
          .previous_hash = std::string(row.text(11)),
          .hash = std::string(row.text(12))};
}

}  // namespace

const AuditBounds& AuditRows::bounds() {
  if (bounds_) return *bounds_;
  bounds_.emplace();
  if (auto anchor = transaction_.query("SELECT number, hash FROM audit_anchor"); anchor.next())
    bounds_->anchor = head_in(anchor);
  bounds_->head = bounds_->anchor;
  if (auto last = transaction_.query("SELECT number, hash FROM audit_log ORDER BY number DESC LIMIT 1"); last.next())
    bounds_->head = head_in(last);
  return *bounds_;
}

std::optional<std::uint64_t> AuditRows::stray() {
  auto first = transaction_.query("SELECT min(number) FROM audit_log WHERE number <= ?", bounds().anchor.number);
  if (!first.next() || first.is_null(0)) return std::nullopt;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(first.integer(0), 0));
}

bool AuditRows::is_full() { return bounds().head.number - bounds().anchor.number >= limits::kAuditEntriesMax; }

void AuditRows::append(AuditEntry entry) {
  entry.time = transaction_.now().wall;
  bounds();
  chain_entry(entry, bounds_->head);
  transaction_.run("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entry.number,
                   to_string(entry.kind), wall_us(entry.time), entry.request_id, entry.approval_type, entry.agent_id,
                   entry.actor, entry.outcome, entry.key_id, entry.context_hash, entry.detail_hash, entry.previous_hash,
                   entry.hash);
}

std::vector<AuditEntry> AuditRows::behind(std::uint64_t after, std::size_t count) {
  std::vector<AuditEntry> entries;
  auto rows = transaction_.query(
      "SELECT number, kind, time_us, request_id, approval_type, agent_id, actor, outcome, key_id, context_hash, "
      "detail_hash, previous_hash, hash FROM audit_log WHERE number > ? ORDER BY number LIMIT ?",
      std::min<std::uint64_t>(std::max(after, bounds().anchor.number), std::numeric_limits<std::int64_t>::max()),
      count);
  while (rows.next()) entries.push_back(entry_in(rows));
  return entries;
}

std::optional<std::uint64_t> AuditRows::rotate(const AuditHead& through, std::string_view actor) {
  if (!transaction_.query("SELECT 1 FROM audit_log WHERE number = ? AND hash = ?", through.number, through.hash).next())
    return std::nullopt;
  append({.kind = AuditKind::rotated, .actor = std::string(actor), .detail_hash = through.hash});
  transaction_.run("INSERT OR REPLACE INTO audit_anchor VALUES (1, ?, ?)", through.number, through.hash);
  bounds_->anchor = through;
  return transaction_.run("DELETE FROM audit_log WHERE number <= ?", through.number);
}

}  // namespace aldis
