#pragma once
// The record of who asked for what and who decided: an append-only log of approvals, chained by SHA-256. Implemented in
// src/domain/audit.cc; the bytes that are hashed are in src/core/audit_chain.h and docs/formats.md.
//
// Model: every request, vote and outcome of a namespace is one entry, written in the same transaction as what it
// records. Entries are numbered without holes from 1, and each holds the hash of the one before. `verify` recomputes
// the chain and names the first entry that was changed, removed, inserted or reordered. It proves the end of the log
// only against a head that was noted elsewhere: whoever owns the store can rewrite all of it, and without such a note
// that is not detectable. `rotate` removes what was exported; the numbers and the chain go on. Threads: safe from any
// thread. Errors: failed_precondition where rotate's head is not an entry of the log or the log has a fault, and where
// verify's is from before the last rotation; plus what the store answers. Elsewhere a log that was tampered with is no
// error but what `verify` reports. Limits: limits.h, "Approvals".

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/export.h"
#include "aldis/limits.h"
#include "aldis/result.h"
#include "aldis/time.h"
#include "aldis/workspace.h"

namespace aldis {

enum class AuditKind {
  requested,  // an approval was asked for
  vote,       // somebody answered
  decided,    // the request left `pending`: `outcome` says how
  rotated,    // the entries before were removed by rotate, up to the one that has `detail_hash`
};

ALDIS_API std::string_view to_string(AuditKind kind);

// Small fixed fields: whatever is long or free text is there by its hash.
struct AuditEntry {
  std::uint64_t number = 0;  // 1, 2, 3…
  AuditKind kind = AuditKind::requested;
  WallTime time = {};           // of the store
  std::string request_id = {};  // apr_…; empty for `rotated`
  std::string approval_type = {};
  std::string agent_id = {};  // who asked
  std::string actor = {};     // who did this: the agent, the responder, who rotated; empty where nobody did (timed_out)
  std::string outcome = {};   // of a vote approved or rejected; of `decided` the state; else empty
  std::string key_id = {};    // of a signed vote; else empty
  std::string context_hash = {};  // SHA-256 of the context's exact bytes, 64 hexadecimal digits; empty for `rotated`
  std::string detail_hash = {};   // SHA-256 of the reason, empty if that is; of `requested` the policy's hash, empty in
                                  // open mode; of `rotated` the hash of the last entry that was removed
  std::string previous_hash = {};  // of the entry before; 64 zeros before the first
  std::string hash = {};           // of this entry

  bool operator==(const AuditEntry&) const = default;
};

// A point of the chain: "17:ab12…", as `aldis audit verify --head` takes it.
struct AuditHead {
  std::uint64_t number = 0;  // 0: nothing was recorded yet
  std::string hash = std::string(64, '0');

  bool operator==(const AuditHead&) const = default;
};

ALDIS_API std::string format_audit_head(const AuditHead& head);
// invalid_argument unless it is NUMBER:HASH.
ALDIS_API Result<AuditHead> parse_audit_head(std::string_view text);

struct AuditFault {
  std::uint64_t number = 0;  // of the first entry that is not as it was written
  std::string what;          // "entry 17 was changed: its hash is … and it says …"
};

struct AuditVerification {
  std::uint64_t entries = 0;  // that were examined
  AuditHead first;            // the point that the kept entries begin behind: 0 unless the log was rotated
  AuditHead head;             // the last sound entry
  bool head_proven = false;   // it reaches the head that was noted elsewhere
  std::optional<AuditFault> fault;
};

class ALDIS_API AuditLog {
 public:
  explicit AuditLog(Workspace workspace);
  ~AuditLog();
  AuditLog(AuditLog&&) noexcept;
  AuditLog& operator=(AuditLog&&) noexcept;

  // At most `count` entries behind `after`, oldest first.
  Result<std::vector<AuditEntry>> list(std::uint64_t after = 0, std::size_t count = limits::kAuditPage) const;

  Result<AuditHead> head() const;

  // Reads the whole log. `noted`: the log must hold that very entry. One that a rotation removed can be neither proven
  // nor disproven: failed_precondition, if the log has no fault.
  Result<AuditVerification> verify(const std::optional<AuditHead>& noted = {}) const;

  // Every entry, oldest first, until `visit` returns false.
  Result<void> for_each(const std::function<bool(const AuditEntry&)>& visit) const;

  // Verifies the log, removes the entries up to `exported`, which stays the point that the chain goes on from, and
  // records that: `actor` did it, a name that nobody checks. Returns how many. Nothing is removed while there is a
  // fault, which would be lost with the entries, or unless the log holds that very entry.
  Result<std::uint64_t> rotate(const AuditHead& exported, const std::string& actor);

 private:
  Workspace workspace_;
};

}  // namespace aldis
