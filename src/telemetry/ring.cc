#include "telemetry/ring.h"

namespace aldis::telemetry {

// A slot's sequence is the position that may write it next; position + 1 says that it holds that position's record.
Ring::Ring() {
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].sequence.store(i, std::memory_order_relaxed);
}

void Ring::push(const RingRecord& record) noexcept {
  std::uint64_t position = head_.load(std::memory_order_relaxed);
  for (;;) {
    Slot& slot = slots_[position % slots_.size()];
    const std::uint64_t sequence = slot.sequence.load(std::memory_order_acquire);
    if (sequence < position) return count_dropped();  // still holds the record of one round before: full
    if (sequence > position) {
      position = head_.load(std::memory_order_relaxed);  // another writer was faster
    } else if (head_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
      slot.record = record;
      slot.sequence.store(position + 1, std::memory_order_release);
      return;
    }
  }
}

Ring::Drained Ring::drain() {
  Drained drained;
  drained.records.reserve(slots_.size());
  // One round at most, so that writers who never stop cannot hold the reader.
  while (drained.records.size() < slots_.size()) {
    Slot& slot = slots_[tail_ % slots_.size()];
    if (slot.sequence.load(std::memory_order_acquire) != tail_ + 1) break;
    drained.records.push_back(slot.record);
    slot.sequence.store(tail_ + slots_.size(), std::memory_order_release);
    ++tail_;
  }
  drained.dropped = dropped_.exchange(0, std::memory_order_relaxed);
  return drained;
}

std::uint32_t Ring::count_left() const noexcept {
  return static_cast<std::uint32_t>(head_.load(std::memory_order_relaxed) - tail_);
}

}  // namespace aldis::telemetry
