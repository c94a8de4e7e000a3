#pragma once
// Where approval requests live, with the audit log that is written in the same transactions. Used by
// src/domain/approvals.cc; engines: src/engines/local/local_approvals, src/engines/redis/redis_approvals,
// tests/fakes/memory_approvals. Each sentence below has a test in tests/contract that runs on every engine.
//
// Model: a record has a version that grows with each change; whoever changes it says which version it has seen, decides
// by that, and is refused if there is a newer one. The store itself decides one thing, by its clock: a pending request
// whose deadline has passed is timed_out. Every call first settles all that is due, by deadline and then by id, in
// writes of a bounded size, so what it answers is right. Deadlines on a local store are kept in boot time, which a step
// of the wall clock does not move; after a reboot in wall time. What a call records in the audit log (a request, a
// vote, an outcome) commits with it or not at all. A decided record is removed limits::kApprovalRetention after its
// decision, and its key with it. A store rings Topic::approval and Topic::approvals (ports/waker.h) after an open or a
// change that it commits; nothing rings for a deadline. Threads: safe from any thread and process. Errors: as each
// function says, and deadline_exceeded / unavailable / resource_exhausted / data_loss from the engine. A failed call
// changes nothing; only one that is unavailable on a shared store may have been carried out.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aldis/approvals.h"
#include "core/ids.h"

namespace aldis {

// What was asked. Names, sizes and timeout are valid.
struct ApprovalSubject {
  Id128 id;
  std::string type;
  std::string agent;
  std::string key = {};  // empty: none
  std::string context;
  std::string context_hash;
  std::optional<std::chrono::nanoseconds> timeout = {};
  std::string policy_hash = {};  // empty: open mode
  std::uint32_t quorum = 1;

  bool operator==(const ApprovalSubject&) const = default;
};

struct StoredVote {
  std::string responder;
  bool approved = false;
  std::string reason = {};
  WallTime time;               // as signed, or as the responder's clock says
  std::string key_id = {};     // empty: not signed
  std::string signature = {};  // 64 bytes, or empty

  bool operator==(const StoredVote&) const = default;
};

struct ApprovalRecord {
  ApprovalSubject subject;
  WallTime opened_at;                  // by the store's clock
  std::optional<WallTime> expires_at;  // opened_at + timeout, in whole microseconds: what signatures are made over
  std::uint64_t version = 1;
  ApprovalState state = ApprovalState::pending;
  std::string responder;
  std::string reason;
  std::optional<WallTime> decided_at;
  std::vector<StoredVote> votes;

  bool operator==(const ApprovalRecord&) const = default;
};

struct ApprovalReading {
  ApprovalRecord record;
  std::optional<std::chrono::nanoseconds> remaining;  // of a pending one, until its deadline; none: it has none
  WallTime now;                                       // of the store
};

// One change of a pending record: a vote, a decision, or both.
struct ApprovalChange {
  Id128 id;  // made by the caller. While the record is kept, a change that was made is not made again: ApprovalChanged
  std::uint64_t seen_version = 0;
  std::optional<StoredVote> vote = {};           // added to the votes
  ApprovalState state = ApprovalState::pending;  // pending: only the vote = {}; never timed_out
  std::string responder = {};                    // of the decision
  std::string reason = {};
};

struct ApprovalChanged {
  ApprovalReading reading;
};
// Somebody was faster, or the deadline passed, or it had been decided: nothing was changed.
struct ApprovalSuperseded {
  ApprovalReading reading;  // as it is now
};
using ChangeOutcome = std::variant<ApprovalChanged, ApprovalSuperseded>;

struct OpenedApproval {
  ApprovalReading reading;
  bool existed = false;  // the same id, or a request with the same agent, type and key: as it is, whatever it asked
};

struct ApprovalPage {
  std::string_view type = {};              // empty: any
  std::string_view agent = {};             // empty: any
  std::vector<ApprovalState> states = {};  // empty: any
  std::optional<Id128> after = {};
  std::size_t count = 0;
};

class ApprovalStore {
 public:
  virtual ~ApprovalStore() = default;

  // Audit: `requested`. resource_exhausted: limits::kPendingApprovalsMax are pending, or the audit log holds
  // limits::kAuditEntriesMax entries (changes are still recorded then).
  virtual Result<OpenedApproval> open(const ApprovalSubject& subject) = 0;

  // None: unknown, or older than kept.
  virtual Result<std::optional<ApprovalReading>> read(const Id128& id) = 0;

  // Those that match, in the order of their ids, behind `after`: fewer than `count` only if there are no more. A record
  // that is damaged is left out.
  virtual Result<std::vector<ApprovalReading>> list(const ApprovalPage& page) = 0;

  // Made if the record is pending and has the version that was seen. Audit: `vote` if there is one, then `decided` if
  // the state changes. not_found.
  virtual Result<ChangeOutcome> change(const Id128& id, const ApprovalChange& change) = 0;

  // Removes timed-out records that were settled longer ago than `age`, at most limits::kApprovalPage. Returns how many.
  // Before it settles anything, as that removes what is beyond the retention without a count.
  virtual Result<std::uint64_t> remove_timed_out(std::chrono::nanoseconds age) = 0;

  // 32 hexadecimal digits, drawn by lot when the store was made; the same ever after.
  virtual Result<std::string> store_id() = 0;
};

}  // namespace aldis
