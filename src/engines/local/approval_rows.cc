#include "engines/local/approval_rows.h"

#include <algorithm>
#include <utility>

#include "aldis/limits.h"
#include "core/approval_names.h"
#include "core/failure.h"
#include "core/sha256.h"
#include "core/try.h"
#include "engines/local/approval_columns.h"

namespace aldis {
namespace {

Result<ApprovalReading> damaged(const Id128& id, std::string_view what) {
  return fail(ErrorCode::data_loss, "the approval request {} in the ledger is damaged: its {} is not one",
              format_id(kApprovalIdPrefix, id), what);
}

// Of the columns that `find` selects.
Result<ApprovalReading> reading_in(const LedgerQuery& row, const Id128& id, const LedgerNow& now) {
  ApprovalReading reading;
  ApprovalRecord& record = reading.record;
  record.subject = {.id = id,
                    .type = std::string(row.text(1)),
                    .agent = std::string(row.text(2)),
                    .key = std::string(row.text(3)),
                    .context = std::string(row.text(4)),
                    .context_hash = std::string(row.text(5)),
                    .policy_hash = std::string(row.text(7)),
                    .quorum = static_cast<std::uint32_t>(row.integer(8))};
  if (!row.is_null(6)) record.subject.timeout = std::chrono::nanoseconds{row.integer(6)};
  record.version = static_cast<std::uint64_t>(row.integer(0));
  record.opened_at = wall_time(row.integer(9));
  if (!row.is_null(10)) record.expires_at = wall_time(row.integer(10));
  const auto state = parse_approval_state(row.text(13));
  if (!state) return damaged(id, "state");
  record.state = *state;
  record.responder = row.text(14);
  record.reason = row.text(15);
  if (!row.is_null(16)) record.decided_at = wall_time(row.integer(16));
  const bool has_deadline = !row.is_null(11);
  if (has_deadline != record.expires_at.has_value()) return damaged(id, "deadline");
  if (record.state == ApprovalState::pending && has_deadline)
    reading.remaining = remaining(LedgerDeadline{row.integer(11), row.integer(12), row.integer(10)}, now);
  reading.now = now.wall;
  return reading;
}

std::vector<StoredVote> votes_of(LedgerTransaction& transaction, const Id128& id) {
  std::vector<StoredVote> votes;
  auto rows = transaction.query(
      "SELECT responder, approved, reason, time_us, key_id, signature FROM approval_votes WHERE approval = ? "
      "ORDER BY position",
      blob(id));
  while (rows.next()) {
    votes.push_back({.responder = std::string(rows.text(0)),
                     .approved = rows.integer(1) != 0,
                     .reason = std::string(rows.text(2)),
                     .time = wall_time(rows.integer(3)),
                     .key_id = std::string(rows.text(4)),
                     .signature = std::string(rows.text(5))});
  }
  return votes;
}

AuditEntry entry_about(const ApprovalSubject& subject, AuditKind kind) {
  return {.kind = kind,
          .request_id = format_id(kApprovalIdPrefix, subject.id),
          .approval_type = subject.type,
          .agent_id = subject.agent,
          .context_hash = subject.context_hash};
}

std::string hash_of_reason(std::string_view reason) { return reason.empty() ? "" : sha256_hex(reason); }

// No state's name is within another's.
std::string names_of(const std::vector<ApprovalState>& states) {
  std::string names;
  for (const ApprovalState state : states) names.append(to_string(state)).push_back(' ');
  return names;
}

}  // namespace

Result<std::optional<ApprovalReading>> ApprovalRows::find(const Id128& id) {
  auto row = transaction_.query(
      "SELECT version, type, agent, key, context, context_hash, timeout_ns, policy_hash, quorum, opened_us, "
      "expires_us, deadline_boot, deadline_boot_ns, state, responder, reason, decided_us FROM approvals WHERE id = ?",
      blob(id));
  if (!row.next()) return std::nullopt;
  ALDIS_TRY_ASSIGN(ApprovalReading reading, reading_in(row, id, transaction_.now()));
  reading.record.votes = votes_of(transaction_, id);
  return reading;
}

Result<std::optional<ApprovalReading>> ApprovalRows::find_asked(const ApprovalSubject& subject) {
  ALDIS_TRY_ASSIGN(std::optional<ApprovalReading> same, find(subject.id));
  if (same || subject.key.empty()) return same;
  auto keyed = transaction_.query("SELECT id FROM approvals WHERE agent = ? AND type = ? AND key = ?", subject.agent,
                                  subject.type, subject.key);
  if (!keyed.next()) return std::nullopt;
  return find(id_in(keyed, 0));
}

Result<std::vector<ApprovalReading>> ApprovalRows::list(const ApprovalPage& page) {
  std::optional<Id128> after = page.after;
  std::vector<ApprovalReading> found;
  for (;;) {
    const std::size_t wanted = page.count - found.size();
    const std::vector<Id128> ids = ids_of(page, after, wanted);
    for (const Id128& id : ids) {
      Result<std::optional<ApprovalReading>> reading = find(id);
      // One that somebody spoilt hides no others; whoever asks for it by its id is told.
      if (!reading && reading.error().code == ErrorCode::data_loss) continue;
      if (!reading) return std::unexpected(std::move(reading).error());
      if (*reading) found.push_back(**std::move(reading));
    }
    if (ids.size() < wanted || found.size() == page.count) return found;
    after = ids.back();
  }
}

std::vector<Id128> ApprovalRows::ids_of(const ApprovalPage& page, const std::optional<Id128>& after,
                                        std::size_t count) {
  const bool only_pending = page.states == std::vector{ApprovalState::pending};
  auto rows = transaction_.query(
      only_pending ? "SELECT id FROM approvals INDEXED BY approvals_pending WHERE state = 'pending' AND id > ?1 AND "
                     "(?2 = '' OR type = ?2) AND (?3 = '' OR agent = ?3) ORDER BY id LIMIT ?5"
                   : "SELECT id FROM approvals WHERE id > ?1 AND (?2 = '' OR type = ?2) AND (?3 = '' OR agent = ?3) "
                     "AND (?4 = '' OR instr(?4, state) > 0) ORDER BY id LIMIT ?5",
      after ? blob(*after) : LedgerBlob{}, page.type, page.agent, names_of(page.states), count);
  std::vector<Id128> ids;
  while (rows.next()) ids.push_back(id_in(rows, 0));
  return ids;
}

Result<void> ApprovalRows::check_room() {
  auto pending =
      transaction_.query("SELECT count(*) FROM approvals INDEXED BY approvals_pending WHERE state = 'pending'");
  if (pending.next() && static_cast<std::size_t>(pending.integer(0)) >= limits::kPendingApprovalsMax) {
    return fail(ErrorCode::resource_exhausted,
                "{} approval requests are pending, which is the limit: answer or cancel some, or wait until some time "
                "out",
                limits::kPendingApprovalsMax);
  }
  if (audit_.is_full()) {
    return fail(ErrorCode::resource_exhausted,
                "the audit log holds {} entries, which is the limit: export and remove the older ones with `aldis "
                "audit export --rotate`",
                limits::kAuditEntriesMax);
  }
  return {};
}

void ApprovalRows::add(const ApprovalSubject& subject) {
  using Integer = std::optional<std::int64_t>;
  const LedgerNow& now = transaction_.now();
  Integer timeout_ns, expires_us, deadline_boot, deadline_boot_ns;
  if (subject.timeout) {
    const LedgerDeadline deadline = deadline_after(now, *subject.timeout);
    timeout_ns = subject.timeout->count();
    expires_us = deadline.wall_us;
    deadline_boot = deadline.boot;
    deadline_boot_ns = deadline.boot_ns;
  }
  const auto key = subject.key.empty() ? std::nullopt : std::optional<std::string_view>(subject.key);
  transaction_.run(
      "INSERT INTO approvals (id, version, type, agent, key, context, context_hash, timeout_ns, policy_hash, quorum, "
      "opened_us, expires_us, deadline_boot, deadline_boot_ns, state, responder, reason) "
      "VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', '', '')",
      blob(subject.id), subject.type, subject.agent, key, subject.context, subject.context_hash, timeout_ns,
      subject.policy_hash, subject.quorum, wall_us(now.wall), expires_us, deadline_boot, deadline_boot_ns);
  AuditEntry entry = entry_about(subject, AuditKind::requested);
  entry.actor = subject.agent;
  entry.detail_hash = subject.policy_hash;
  audit_.append(std::move(entry));
}

bool ApprovalRows::was_made(const Id128& id, const Id128& change) {
  return transaction_
      .query(
          "SELECT 1 FROM approvals WHERE id = ?1 AND decision = ?2 "
          "UNION ALL SELECT 1 FROM approval_votes WHERE approval = ?1 AND change = ?2",
          blob(id), blob(change))
      .next();
}

void ApprovalRows::change(const ApprovalRecord& record, const ApprovalChange& change) {
  const ApprovalSubject& subject = record.subject;
  if (change.vote) {
    const StoredVote& vote = *change.vote;
    transaction_.run("INSERT INTO approval_votes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", blob(subject.id),
                     record.votes.size(), vote.responder, vote.approved, vote.reason, wall_us(vote.time), vote.key_id,
                     LedgerBlob{vote.signature}, blob(change.id));
    AuditEntry entry = entry_about(subject, AuditKind::vote);
    entry.actor = vote.responder;
    entry.outcome = to_string(vote.approved ? ApprovalState::approved : ApprovalState::rejected);
    entry.key_id = vote.key_id;
    entry.detail_hash = hash_of_reason(vote.reason);
    audit_.append(std::move(entry));
  }
  if (change.state == ApprovalState::pending) {
    transaction_.run("UPDATE approvals SET version = version + 1 WHERE id = ?", blob(subject.id));
  } else {
    end(subject, {change.state, change.responder, change.reason, change.id});
  }
}

void ApprovalRows::end(const ApprovalSubject& subject, const End& end) {
  const LedgerStamp now = stamp_of(transaction_.now());
  transaction_.run(
      "UPDATE approvals SET version = version + 1, state = ?2, responder = ?3, reason = ?4, decided_us = ?5, "
      "decided_boot = ?6, decided_boot_ns = ?7, decision = ?8 WHERE id = ?1",
      blob(subject.id), to_string(end.state), end.responder, end.reason, now.wall_us, now.boot, now.boot_ns,
      end.change ? std::optional(blob(*end.change)) : std::nullopt);
  AuditEntry entry = entry_about(subject, AuditKind::decided);
  entry.actor = end.responder;
  entry.outcome = to_string(end.state);
  entry.detail_hash = hash_of_reason(end.reason);
  audit_.append(std::move(entry));
}

}  // namespace aldis
