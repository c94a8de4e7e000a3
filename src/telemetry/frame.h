#pragma once
// The frames of a spool: encoding, and decoding of whatever bytes are found. Used by the client, the courier and the
// fuzzer; implemented in frame.cc, the only file that knows the layout; the format is in docs/telemetry-format.md.
//
// Model: `encode` makes as few frames as hold everything, none longer than 4 KiB. `decode` never fails: it answers the
// sound frames in their order and counts the gaps between them; what costs too much (limits.h) is a gap. Threads:
// values.

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "telemetry/consent_file.h"

namespace aldis::telemetry {

struct Attribute {
  std::string name;
  std::variant<bool, std::int64_t, std::string> value;

  bool operator==(const Attribute&) const = default;
};

enum class Severity : std::uint8_t { information = 9, error = 17 };  // OpenTelemetry's numbers

struct EventRecord {
  std::chrono::sys_seconds time;
  Severity severity = Severity::information;
  std::string name;
  std::vector<Attribute> attributes;

  bool operator==(const EventRecord&) const = default;
};

struct FrameOrigin {
  std::string tool;
  std::string version;
  InstallId install_id{};

  bool operator==(const FrameOrigin&) const = default;
};

struct Frame {
  FrameOrigin origin;
  std::uint64_t nonce = 0;
  std::uint32_t dropped = 0;
  std::vector<EventRecord> records;

  bool operator==(const Frame&) const = default;
};

// An encoded frame; the number of records in it says what is lost if it cannot be written.
struct EncodedFrame {
  std::string bytes;
  std::uint32_t records = 0;
  std::uint32_t dropped = 0;
};

// Nonces are `first_nonce`, `first_nonce` + 1… `dropped` goes into the first frame; no records and none dropped: no
// frame.
std::vector<EncodedFrame> encode(const FrameOrigin& origin, std::span<const EventRecord> records, std::uint32_t dropped,
                                 std::uint64_t first_nonce);

struct DecodedSpool {
  std::vector<Frame> frames;
  std::uint32_t gaps = 0;

  std::uint64_t record_count() const;
  std::uint64_t dropped_count() const;  // what the frames say, and the gaps
};

DecodedSpool decode(std::string_view bytes);

}  // namespace aldis::telemetry
