#pragma once
// The gate: when the next courier may start, who runs now, and how the last one fared. Used by the hand-over, the
// commands and the courier; implemented in gate.cc and gate_record.cc (pure); the format is in
// docs/telemetry-format.md.
//
// Model: a record of 128 bytes and two open-file-description locks. A damaged record reads as a new one. Threads: one
// Gate, one thread.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis::telemetry {

enum class LastResult : std::uint8_t { none, sent, refused, busy, unreachable, slow_network, not_telemetry };
std::string_view to_string(LastResult result);

using BootId = std::array<std::uint8_t, 16>;

struct GateRecord {
  std::chrono::sys_seconds next_attempt_at{};
  std::uint32_t failures = 0;  // in a row
  LastResult last_result = LastResult::none;
  std::uint8_t unfinished = 0;  // starts of this boot that were not heard of
  BootId boot_id{};
  std::chrono::sys_seconds spool_only_until{};
  std::uint64_t sent = 0;     // batches, since enable
  std::uint64_t failed = 0;   // batches
  std::uint64_t dropped = 0;  // records
  std::chrono::sys_seconds update_checked_at{};

  bool operator==(const GateRecord&) const = default;
};

std::string encode(const GateRecord& record);
GateRecord decode_gate(std::string_view bytes);

// Pure rules.
bool is_due(const GateRecord& record, std::chrono::sys_seconds now);  // may a courier start?
bool is_spool_only(const GateRecord& record, std::chrono::sys_seconds now);
// At most once in 7 days. A clock that was set back must not put the next check off.
bool is_update_check_due(const GateRecord& record, std::chrono::sys_seconds now);
// How long to pause after `failures` failures in a row; `jitter` in [0, 1) takes up to half of it away.
std::chrono::seconds pause_after(std::uint32_t failures, double jitter);
// What to write before a start: pause and marker. None: do not start. When too many starts were never heard of, it is
// spool-only from then on: write it, and do not start.
std::optional<GateRecord> begin_start(const GateRecord& record, std::chrono::sys_seconds now, const BootId& boot);

BootId read_boot_id();  // zeros without /proc

class Gate {
 public:
  // Makes the file, with room for the record, if it is missing.
  static Result<Gate> open(const FileDescriptor& state_directory);
  // Does not: not_found.
  static Result<Gate> open_existing(const FileDescriptor& state_directory);

  GateRecord read() const;
  bool courier_runs() const;
  bool become_courier(bool wait);  // holds byte 128 until this object goes
  bool take_pen(bool wait);        // byte 129: who holds it may write
  void put_pen_down();
  bool write(const GateRecord& record);  // REQUIRES: the pen. False: could not; then do not start anything

 private:
  explicit Gate(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace aldis::telemetry
