#pragma once
// Where `event()` puts what it is told: 48 records of 64 bytes in memory. Used by the client; implemented in ring.cc.
//
// Model: a bounded queue of many writers and one reader (D. Vyukov's, one sequence number a slot). Full: the newest
// record is dropped and counted. A writer that is interrupted between claiming a slot and filling it holds back what
// comes after it until the next drain, and blocks nobody. No lock, no allocation, no I/O. Threads: `push` from any
// thread; `drain` from one at a time.

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "aldis/limits.h"
#include "telemetry/event_table.h"

namespace aldis::telemetry {

struct RingRecord {
  std::uint32_t seconds = 0;  // since 1970, unsigned: until 2106
  std::uint8_t event = 0;
  PackedValues values{};
};

class Ring {
 public:
  Ring();

  void push(const RingRecord& record) noexcept;
  void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }

  struct Drained {
    std::vector<RingRecord> records;
    std::uint32_t dropped = 0;  // since the last drain
  };
  Drained drain();
  // What was claimed but could not be drained: behind a slot that is half-written, or come since. Asked by who drains.
  std::uint32_t count_left() const noexcept;

 private:
  struct alignas(limits::kTelemetryRecordBytes) Slot {
    std::atomic<std::uint64_t> sequence;  // 64 bits: 48 slots do not divide 2^32, so 32 could not wrap around
    RingRecord record;
  };
  static_assert(sizeof(Slot) == limits::kTelemetryRecordBytes);

  std::array<Slot, limits::kTelemetryRingRecords> slots_;
  std::atomic<std::uint64_t> head_{0};  // next to be claimed
  std::uint64_t tail_ = 0;              // next to be drained
  std::atomic<std::uint32_t> dropped_{0};
};

}  // namespace aldis::telemetry
