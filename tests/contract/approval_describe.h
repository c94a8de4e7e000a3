#pragma once
// Answers of an ApprovalStore and an AuditStore as text, so that two engines' answers can be compared and read. Header
// only; used by the model test of approvals.

#include <ostream>
#include <variant>
#include <vector>

#include "ports/approval_store.h"
#include "ports/audit_store.h"

namespace aldis::testing {

inline void describe(std::ostream& out, const ApprovalSubject& subject) {
  out << format_id(kApprovalIdPrefix, subject.id) << ' ' << subject.type << " of " << subject.agent << " key '"
      << subject.key << "' " << subject.context << ' ' << subject.context_hash << " timeout "
      << (subject.timeout ? subject.timeout->count() : -1) << " policy '" << subject.policy_hash << "' quorum "
      << subject.quorum;
}

inline void describe(std::ostream& out, const StoredVote& vote) {
  out << "\n    " << vote.responder << (vote.approved ? " approves '" : " rejects '") << vote.reason << "' "
      << format_timestamp(vote.time) << " key '" << vote.key_id << "' signature '" << vote.signature << '\'';
}

inline void describe(std::ostream& out, const ApprovalReading& reading) {
  const ApprovalRecord& record = reading.record;
  describe(out, record.subject);
  out << " opened " << format_timestamp(record.opened_at) << " expires "
      << (record.expires_at ? format_timestamp(*record.expires_at) : "never") << " version " << record.version << ' '
      << to_string(record.state) << " by '" << record.responder << "' because '" << record.reason << "' at "
      << (record.decided_at ? format_timestamp(*record.decided_at) : "-") << " left "
      << (reading.remaining ? reading.remaining->count() : -1) << " now " << format_timestamp(reading.now);
  for (const StoredVote& vote : record.votes) describe(out, vote);
}

inline void describe(std::ostream& out, const OpenedApproval& opened) {
  out << (opened.existed ? "existed " : "opened ");
  describe(out, opened.reading);
}

inline void describe(std::ostream& out, const ChangeOutcome& outcome) {
  out << (std::holds_alternative<ApprovalChanged>(outcome) ? "changed " : "superseded ");
  std::visit([&out](const auto& one) { describe(out, one.reading); }, outcome);
}

inline void describe(std::ostream& out, const AuditHead& head) { out << head.number << ':' << head.hash << ' '; }

inline void describe(std::ostream& out, const AuditBounds& bounds) {
  describe(out, bounds.anchor);
  describe(out, bounds.head);
  if (bounds.stray) out << " stray " << *bounds.stray;
}

inline void describe(std::ostream& out, const AuditEntry& entry) {
  out << entry.number << ' ' << to_string(entry.kind) << ' ' << format_timestamp(entry.time) << ' ' << entry.request_id
      << ' ' << entry.approval_type << ' ' << entry.agent_id << " by '" << entry.actor << "' '" << entry.outcome
      << "' key '" << entry.key_id << "' context '" << entry.context_hash << "' detail '" << entry.detail_hash << "' "
      << entry.previous_hash << ' ' << entry.hash;
}

inline void describe(std::ostream& out, std::uint64_t count) { out << count; }

template <class T>
void describe(std::ostream& out, const std::optional<T>& found) {
  if (found) {
    describe(out, *found);
  } else {
    out << "none";
  }
}

template <class T>
void describe(std::ostream& out, const std::vector<T>& all) {
  for (const T& one : all) {
    out << "\n  ";
    describe(out, one);
  }
}

template <class T>
void describe(std::ostream& out, const Result<T>& answer) {
  if (answer) {
    describe(out, *answer);
  } else {
    out << to_string(answer.error().code);
  }
}

}  // namespace aldis::testing
