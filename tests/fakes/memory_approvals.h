#pragma once
// The twin of the approval engines: maps under a mutex, a model of ports/approval_store.h and ports/audit_store.h to be
// read beside them. It rings as ports/waker.h says. Threads: safe from any thread.

#include <cstdint>
#include <functional>
#include <memory>

#include "core/clock.h"
#include "fakes/memory_waker.h"
#include "ports/approval_store.h"
#include "ports/audit_store.h"

namespace aldis::testing {

struct MemoryApprovals {
  std::shared_ptr<ApprovalStore> approvals;
  std::shared_ptr<AuditStore> audit;
  // As if so many entries more had been recorded before the newest: it is renumbered.
  std::function<void(std::uint64_t)> skip_audit_numbers;
  // As somebody may who owns the store: a copy of the newest entry is stored under that number, too.
  std::function<void(std::uint64_t)> plant_audit_entry;
};

MemoryApprovals make_memory_approvals(std::shared_ptr<const Clock> clock, Ring ring);

}  // namespace aldis::testing
