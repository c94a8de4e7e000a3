#include "domain/audit_check.h"

#include <utility>

#include "core/audit_chain.h"
#include "core/format.h"

namespace aldis {

AuditCheck::AuditCheck(const AuditBounds& bounds, const std::optional<AuditHead>& noted)
    : bounds_(bounds), noted_(noted), rotation_recorded_(bounds.anchor.number == 0) {
  result_.first = bounds.anchor;
  result_.head = bounds.anchor;
  if (bounds.stray && *bounds.stray <= bounds.anchor.number) {
    find(*bounds.stray, fmt::format("an entry is stored as number {}, and the log begins behind {}: somebody put it "
                                    "there",
                                    *bounds.stray, bounds.anchor.number));
  }
  compare_noted(bounds.anchor);
}

void AuditCheck::find(std::uint64_t number, std::string what) {
  if (!result_.fault) result_.fault = AuditFault{number, std::move(what)};
}

void AuditCheck::compare_noted(const AuditHead& head) {
  if (!noted_ || noted_->number != head.number) return;
  result_.head_proven = noted_->hash == head.hash;
  if (result_.head_proven) return;
  find(head.number, fmt::format("entry {} is not the one that was noted: its hash is {}, the noted one is {}",
                                head.number, head.hash, noted_->hash));
}

void AuditCheck::find_lost_head(std::uint64_t number) {
  find(number, fmt::format("the store says that the log ends with entry {}, and more was recorded, from entry {} on: "
                           "somebody changed or removed its end",
                           bounds_.head.number, number));
}

std::optional<AuditFault> AuditCheck::fault_in(const AuditEntry& entry) const {
  const AuditHead& last = result_.head;
  const std::uint64_t number = last.number + 1;
  if (entry.number > number) return AuditFault{number, fmt::format("entry {} was removed", number)};
  if (entry.number == last.number) return AuditFault{last.number, fmt::format("entry {} is there twice", last.number)};
  if (entry.number < number)
    return AuditFault{number, fmt::format("entry {} stands where {} was", entry.number, number)};
  const std::string hash = audit_hash(entry);
  const bool is_linked = entry.previous_hash == last.hash;
  const bool is_whole = entry.hash == hash;
  if (is_linked && is_whole) return std::nullopt;
  // It continues the entry before the last: that one was put between them, and this one renumbered.
  const bool has_stranger_before = last.number > result_.first.number && entry.previous_hash == before_.hash;
  if (has_stranger_before) return AuditFault{last.number, fmt::format("entry {} was inserted", last.number)};
  if (!is_whole) {
    return AuditFault{number, fmt::format("entry {} was changed, or is another one: its hash is {} and it says {}",
                                          number, hash, entry.hash)};
  }
  if (last.number == result_.first.number) {
    return AuditFault{
        number, fmt::format("entry {} does not continue what was before it, which has the hash {}", number, last.hash)};
  }
  return AuditFault{last.number, fmt::format("entry {} was changed and its hash made anew: entry {} continues one with "
                                             "the hash {}",
                                             last.number, number, entry.previous_hash)};
}

bool AuditCheck::take(const AuditEntry& entry) {
  if (result_.fault) return false;
  ++result_.entries;
  if (auto fault = fault_in(entry)) {
    // The last one was taken for sound.
    if (fault->number == result_.head.number && fault->number > result_.first.number) result_.head = before_;
    result_.fault = std::move(fault);
    return false;
  }
  before_ = std::exchange(result_.head, {.number = entry.number, .hash = entry.hash});
  rotation_recorded_ |= entry.kind == AuditKind::rotated && entry.detail_hash == bounds_.anchor.hash;
  compare_noted(result_.head);
  if (entry.number == bounds_.head.number && entry.hash != bounds_.head.hash) {
    find(entry.number, fmt::format("entry {} is not the one that the store says is its last", entry.number));
  }
  return !result_.fault;
}

AuditVerification AuditCheck::finish() {
  const std::uint64_t last = result_.head.number;
  const std::uint64_t expected = std::max(bounds_.head.number, noted_ ? noted_->number : 0);
  if (bounds_.stray && *bounds_.stray == last + 1) find_lost_head(*bounds_.stray);
  if (last < expected) {
    find(last + 1, fmt::format("the entries from {} to {} were removed", last + 1, expected));
  }
  if (bounds_.stray) find_lost_head(*bounds_.stray);
  if (!rotation_recorded_) {
    find(bounds_.anchor.number,
         fmt::format("the entries up to {} were removed, and no rotation is recorded for that", bounds_.anchor.number));
  }
  if (result_.fault) result_.head_proven = false;
  return std::move(result_);
}

}  // namespace aldis
