#pragma once
// What an answer means for a batch. Pure; implemented in verdict.cc; the table is in docs/telemetry-format.md.
// Threads: values.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/gate.h"

namespace aldis::courier {

struct HttpAnswer {
  bool arrived = false;  // a whole answer within the limits; else transport failed, and no more than `status` is known
  bool too_slow = false;
  int status = 0;  // of whatever began to answer; 0: nobody did
  std::string content_type = {};
  std::string body = {};
  std::optional<std::chrono::seconds> retry_after = {};
};

enum class Fate { accepted, retry, dropped };

struct Verdict {
  Fate fate = Fate::retry;
  telemetry::LastResult result = telemetry::LastResult::unreachable;
  std::uint64_t rejected_records = 0;                    // of an accepted batch
  std::optional<std::chrono::seconds> retry_after = {};  // already cut to 6 h
};

Verdict judge(const HttpAnswer& answer);

// The version in {"version":"1.2.3"}; none for anything else.
std::optional<std::string> parse_update_answer(const HttpAnswer& answer);

}  // namespace aldis::courier
