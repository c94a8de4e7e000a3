#pragma once
// The audit log as it is read and rotated; what writes it is ports/approval_store.h. Used by src/domain/audit.cc;
// engines as there. Each sentence below has a test in tests/contract that runs on every engine.
//
// Model: entries are numbered from 1 without holes and chained as core/audit_chain.h says. Behind a rotation the log
// begins with its anchor: the number and hash of the last entry that was removed. Threads: safe from any thread and
// process. Errors: deadline_exceeded / unavailable / resource_exhausted / data_loss from the engine; a failed call
// changes nothing.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "aldis/audit.h"

namespace aldis {

struct AuditBounds {
  AuditHead anchor;  // number 0 and zeros unless it was rotated
  AuditHead head;    // the newest entry; the anchor if there is none behind it
  // The lowest number of what is stored and does not belong to the log: at or below the anchor; or behind the head,
  // where an engine remembers that apart from the entries, and then also where it forgot the head and something else
  // tells that there was one. No store writes such entries, nobody is shown them, and nothing is recorded over those
  // behind the head: what would be is data_loss.
  std::optional<std::uint64_t> stray = {};
};

class AuditStore {
 public:
  virtual ~AuditStore() = default;

  virtual Result<AuditBounds> bounds() = 0;

  // Behind `after` and the anchor, in the order of their numbers, as they are stored: nothing is checked.
  virtual Result<std::vector<AuditEntry>> entries(std::uint64_t after, std::size_t count) = 0;

  // Makes `through` the anchor, removes the entries up to it, and records that (`rotated` by `actor`, whose detail_hash
  // is that of `through`). Returns how many went. failed_precondition: the log holds no such entry; nothing was
  // changed.
  virtual Result<std::uint64_t> rotate(const AuditHead& through, std::string_view actor) = 0;
};

}  // namespace aldis
