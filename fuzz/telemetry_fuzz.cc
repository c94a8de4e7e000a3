// Any bytes where telemetry reads a file of its own: spool, consent, gate. They are not understood, or they are what
// would be written for what was understood. The first byte chooses the file.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aldis/limits.h"
#include "require.h"
#include "telemetry/consent_file.h"
#include "telemetry/frame.h"
#include "telemetry/gate.h"

using aldis::fuzz::require;

namespace {

using namespace aldis::telemetry;

void spool(std::string_view bytes) {
  const DecodedSpool found = decode(bytes);
  require(found.gaps <= found.frames.size() + 1);
  for (const Frame& frame : found.frames) {
    const auto written = encode(frame.origin, frame.records, frame.dropped, frame.nonce);
    if (frame.records.empty() && frame.dropped == 0) {
      require(written.empty());
      continue;
    }
    require(written.size() == 1 && written[0].bytes.size() <= aldis::limits::kTelemetryFrameBytesMax);
    const DecodedSpool again = decode(written[0].bytes);
    require(again.gaps == 0 && again.frames.size() == 1 && again.frames[0] == frame);
  }
}

// The sum of a frame is hard to guess: this makes events of the bytes.
void events(std::string_view bytes) {
  std::vector<EventRecord> records;
  const auto take = [&bytes](std::size_t count) {
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(taken.size());
    return taken;
  };
  const auto number = [&take] {
    const std::string_view byte = take(1);
    return byte.empty() ? std::size_t{0} : static_cast<std::size_t>(static_cast<unsigned char>(byte.front()));
  };
  while (!bytes.empty()) {
    EventRecord& record = records.emplace_back();
    record.time = std::chrono::sys_seconds(std::chrono::seconds(number()));
    record.name = take(number());
    for (std::size_t left = number() % 17; left > 0; --left) {
      Attribute& attribute = record.attributes.emplace_back(std::string(take(number() % 49)));
      const std::size_t value = number();
      if (value % 3 == 0) attribute.value = value % 2 == 0;
      if (value % 3 == 1) attribute.value = static_cast<std::int64_t>(value) - 100;
      if (value % 3 == 2) attribute.value = std::string(take(value));
    }
  }
  std::string written;
  for (const EncodedFrame& frame : encode({.tool = "tool", .version = "1.2.3"}, records, 0, 0)) written += frame.bytes;
  const DecodedSpool found = decode(written);
  require(found.gaps == 0 && found.record_count() + found.dropped_count() == records.size());
  if (found.dropped_count() > 0) return;
  std::size_t at = 0;
  for (const Frame& frame : found.frames) {
    for (const EventRecord& record : frame.records) require(record == records[at++]);
  }
}

void consent(std::string_view bytes) {
  const auto parsed = parse_consent(bytes);
  if (parsed) require(format_consent(*parsed) == bytes);
}

void gate(std::string_view bytes) {
  const GateRecord record = decode_gate(bytes);
  require(decode_gate(encode(record)) == record);
}

using Look = void (*)(std::string_view bytes);
constexpr Look kLooks[] = {spool, events, consent, gate};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  kLooks[data[0] % std::size(kLooks)](bytes);
  return 0;
}
