#pragma once
// The request that a batch becomes: a pure function of its bytes, the format and the attempt. Used by delivery and
// preview; implemented in request.cc, with the bodies in otlp.cc and jsonl.cc and the hashes in digest.cc (libsodium).
// Threads: values.

#include <chrono>
#include <string>
#include <string_view>

#include "courier/http.h"
#include "telemetry/consent_file.h"
#include "telemetry/frame.h"

namespace aldis::courier {

std::string sha256_hex(std::string_view bytes);  // digest.cc

std::string otlp_body(const telemetry::DecodedSpool& spool);
std::string jsonl_body(const telemetry::DecodedSpool& spool);

struct BatchRequest {
  HttpRequest request;
  std::string batch_id;  // the Idempotency-Key
  std::string body_sha256;
  std::uint64_t records = 0;
  std::uint64_t dropped = 0;  // what the frames say was lost, and damaged frames
};

BatchRequest make_request(std::string_view claimed_bytes, const telemetry::ConsentFile& consent, unsigned attempt,
                          std::chrono::sys_seconds now);

}  // namespace aldis::courier
