#include <algorithm>
#include <cstring>

#include "aldis/limits.h"
#include "core/bytes.h"
#include "core/crc32c.h"
#include "core/kernel_file.h"
#include "telemetry/gate.h"

namespace aldis::telemetry {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::string_view kMagic = "ATG1";
constexpr std::size_t kHeadBytes = 8;
constexpr std::size_t kBodyBytes = 120;

std::uint64_t to_number(sys_seconds time) {
  return static_cast<std::uint64_t>(std::max<seconds::rep>(time.time_since_epoch().count(), 0));
}

sys_seconds read_time(ByteReader& reader) {
  return sys_seconds{seconds{static_cast<seconds::rep>(reader.number<std::uint64_t>())}};
}

std::string_view as_text(const BootId& boot) { return {reinterpret_cast<const char*>(boot.data()), boot.size()}; }

int hexadecimal_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

}  // namespace

std::string_view to_string(LastResult result) {
  switch (result) {
    case LastResult::none:
      return "none";
    case LastResult::sent:
      return "sent";
    case LastResult::refused:
      return "refused";
    case LastResult::busy:
      return "busy";
    case LastResult::unreachable:
      return "unreachable";
    case LastResult::slow_network:
      return "slow_network";
    case LastResult::not_telemetry:
      return "not_telemetry";
  }
  return "none";
}

std::string encode(const GateRecord& record) {
  ByteWriter body;
  body.number(to_number(record.next_attempt_at))
      .number(record.failures)
      .number(static_cast<std::uint8_t>(record.last_result))
      .number(record.unfinished)
      .number(std::uint16_t{0})
      .raw(as_text(record.boot_id))
      .number(to_number(record.spool_only_until))
      .number(record.sent)
      .number(record.failed)
      .number(record.dropped)
      .number(to_number(record.update_checked_at));
  std::string bytes = std::move(body).bytes();
  bytes.resize(kBodyBytes, '\0');
  ByteWriter whole;
  whole.raw(kMagic).number(crc32c(bytes)).raw(bytes);
  return std::move(whole).bytes();
}

GateRecord decode_gate(std::string_view bytes) {
  if (bytes.size() != kHeadBytes + kBodyBytes || !bytes.starts_with(kMagic)) return {};
  ByteReader reader(bytes.substr(kMagic.size()));
  if (reader.number<std::uint32_t>() != crc32c(bytes.substr(kHeadBytes))) return {};
  GateRecord record;
  record.next_attempt_at = read_time(reader);
  record.failures = reader.number<std::uint32_t>();
  const auto last_result = reader.number<std::uint8_t>();
  if (last_result > static_cast<std::uint8_t>(LastResult::not_telemetry)) return {};
  record.last_result = static_cast<LastResult>(last_result);
  record.unfinished = reader.number<std::uint8_t>();
  reader.number<std::uint16_t>();
  record.boot_id = reader.id().bytes;
  record.spool_only_until = read_time(reader);
  record.sent = reader.number<std::uint64_t>();
  record.failed = reader.number<std::uint64_t>();
  record.dropped = reader.number<std::uint64_t>();
  record.update_checked_at = read_time(reader);
  return record;
}

bool is_due(const GateRecord& record, sys_seconds now) {
  return record.next_attempt_at <= now || record.next_attempt_at > now + limits::kTelemetryPauseMax;
}

bool is_spool_only(const GateRecord& record, sys_seconds now) {
  return record.spool_only_until > now && record.spool_only_until <= now + limits::kTelemetrySpoolOnly;
}

bool is_update_check_due(const GateRecord& record, sys_seconds now) {
  return record.update_checked_at > now || now - record.update_checked_at >= limits::kUpdateCheckInterval;
}

seconds pause_after(std::uint32_t failures, double jitter) {
  // After none it is the whole pause: "at most every 5 s" is promised.
  if (failures == 0) return limits::kTelemetryPause;
  constexpr std::uint32_t kDoublingsMax = 13;  // 5 s · 2^13 is more than 6 h
  static_assert(limits::kTelemetryPause * (1 << kDoublingsMax) > limits::kTelemetryPauseMax);
  const seconds doubled = limits::kTelemetryPause * (1 << std::min(failures, kDoublingsMax));
  const seconds whole = std::min(doubled, limits::kTelemetryPauseMax);
  const double taken = static_cast<double>(whole.count()) * std::clamp(jitter, 0.0, 1.0) / 2;
  return whole - seconds{static_cast<seconds::rep>(taken)};
}

std::optional<GateRecord> begin_start(const GateRecord& record, sys_seconds now, const BootId& boot) {
  if (!is_due(record, now) || is_spool_only(record, now)) return std::nullopt;
  GateRecord next = record;
  next.next_attempt_at = now + limits::kTelemetryPause;
  if (record.boot_id != boot) next.unfinished = 0;
  next.boot_id = boot;
  if (next.unfinished >= limits::kTelemetryUnfinishedMax) {
    next.spool_only_until = now + limits::kTelemetrySpoolOnly;
    next.unfinished = 0;  // for the day when it ends
    return next;
  }
  ++next.unfinished;
  return next;
}

BootId read_boot_id() {
  constexpr std::size_t kTextBytes = 37;  // 32 digits, 4 hyphens, a newline
  const std::optional<std::string> text = read_kernel_file("/proc/sys/kernel/random/boot_id", kTextBytes);
  if (text.value_or("").size() != kTextBytes) return {};
  BootId boot{};
  std::size_t digits = 0;
  for (const char character : *text) {
    const int digit = hexadecimal_digit(character);
    if (digit < 0 || digits == 2 * boot.size()) continue;
    boot[digits / 2] = static_cast<std::uint8_t>(boot[digits / 2] << 4 | digit);
    ++digits;
  }
  return boot;
}

}  // namespace aldis::telemetry
