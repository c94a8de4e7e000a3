#include "courier/request.h"

#include <algorithm>

#include "aldis/limits.h"
#include "aldis/time.h"
#include "core/sha256.h"

namespace aldis::courier {
namespace {

constexpr std::size_t kBatchIdDigits = 32;
constexpr std::chrono::sys_seconds kLastSecond =
    std::chrono::sys_days{std::chrono::year{9999} / std::chrono::December / 31} + std::chrono::seconds{86'399};

}  // namespace

std::string format_seconds(std::chrono::sys_seconds time) {
  const std::string text = format_timestamp(std::clamp(time, std::chrono::sys_seconds{}, kLastSecond));
  return text.substr(0, text.find('.')) + 'Z';
}

std::pair<std::string, std::string> user_agent() { return {"User-Agent", "aldis-courier/" ALDIS_VERSION}; }

std::optional<telemetry::EventRecord> dropped_record(const telemetry::Frame& frame) {
  if (frame.dropped == 0) return std::nullopt;
  return telemetry::EventRecord{
      .time = frame.records.empty() ? std::chrono::sys_seconds{} : frame.records.front().time,
      .name = "telemetry_dropped",
      .attributes = {{"count", std::int64_t{frame.dropped}}},
  };
}

BatchRequest make_request(std::string_view claimed_bytes, const telemetry::ConsentFile& consent, unsigned attempt,
                          std::chrono::sys_seconds now) {
  const telemetry::DecodedSpool spool = telemetry::decode(claimed_bytes);
  const bool otlp = consent.format == telemetry::BodyFormat::otlp;
  BatchRequest made;
  made.batch_id = sha256_hex(claimed_bytes).substr(0, kBatchIdDigits);
  made.records = spool.record_count();
  made.dropped = spool.dropped_count();
  made.says_something = std::ranges::any_of(
      spool.frames, [](const telemetry::Frame& frame) { return !frame.records.empty() || frame.dropped > 0; });
  made.request = {
      .url = consent.endpoint,
      .headers = {{"Content-Type", otlp ? "application/json" : "application/x-ndjson"},
                  {"Idempotency-Key", made.batch_id},
                  {"X-Telemetry-Attempt", std::to_string(attempt)},
                  {"X-Telemetry-Sent-At", format_seconds(now)},
                  user_agent()},
      .body = otlp ? otlp_body(spool) : jsonl_body(spool),
      .post = true,
      .answer_bytes_max = limits::kTelemetryAnswerBytesMax,
  };
  made.body_sha256 = sha256_hex(made.request.body);
  return made;
}

}  // namespace aldis::courier
