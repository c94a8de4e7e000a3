#pragma once
// The request that a batch becomes: a pure function of its bytes, the format and the attempt. Used by delivery and
// preview; implemented in request.cc, with the bodies in otlp.cc and jsonl.cc.
// Threads: values.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "courier/http.h"
#include "telemetry/consent_file.h"
#include "telemetry/frame.h"

namespace aldis::courier {

std::string otlp_body(const telemetry::DecodedSpool& spool);
std::string jsonl_body(const telemetry::DecodedSpool& spool);

// What a body says about `frame.dropped`; none if nothing was.
std::optional<telemetry::EventRecord> dropped_record(const telemetry::Frame& frame);

// "2026-11-22T02:40:00Z"; times outside the years 1970 to 9999 become the nearest of them.
std::string format_seconds(std::chrono::sys_seconds time);

// The User-Agent of all requests.
std::pair<std::string, std::string> user_agent();

struct BatchRequest {
  HttpRequest request;
  std::string batch_id;  // the Idempotency-Key
  std::string body_sha256;
  std::uint64_t records = 0;
  std::uint64_t dropped = 0;    // what the frames say was lost, and damaged frames
  bool says_something = false;  // there is a record, or a count of dropped ones, in it
};

BatchRequest make_request(std::string_view claimed_bytes, const telemetry::ConsentFile& consent, unsigned attempt,
                          std::chrono::sys_seconds now);

}  // namespace aldis::courier
