#pragma once
// Whether a log of audit entries is as it was written. Used by audit.cc; implemented in audit_check.cc.
//
// Model: entries are handed over in the order of their numbers, the first being the one behind the anchor. An entry is
// sound if its number and previous_hash continue the one before and its hash is that of its fields. Where the link is
// broken, what the entry itself says tells whether it or the one before is the stranger. After the first fault nothing
// more is looked at. A noted entry that a rotation removed is no fault, and not proven. Threads: one thread.

#include <cstdint>
#include <optional>

#include "ports/audit_store.h"

namespace aldis {

class AuditCheck {
 public:
  // `bounds`: what the store said before its entries were read. `noted`: an entry that the log must hold.
  AuditCheck(const AuditBounds& bounds, const std::optional<AuditHead>& noted);

  // False: a fault was found.
  bool take(const AuditEntry& entry);

  // After the last entry.
  AuditVerification finish();

 private:
  std::optional<AuditFault> fault_in(const AuditEntry& entry) const;
  // Whether the log and what was noted of the entry `head` differ.
  void compare_noted(const AuditHead& head);
  void find(std::uint64_t number, std::string what);
  // `number`: of something that was recorded behind what the store calls the head.
  void find_lost_head(std::uint64_t number);

  const AuditBounds bounds_;
  const std::optional<AuditHead> noted_;
  AuditVerification result_;
  AuditHead before_;  // the entry before the last sound one
  bool rotation_recorded_ = false;
};

}  // namespace aldis
