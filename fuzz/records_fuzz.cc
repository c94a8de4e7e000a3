// Any bytes as a record of the board: they are refused, or they are a record that writes the same bytes for good. The
// first byte chooses the kind.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engines/local/board_format.h"
#include "engines/local/heartbeat_format.h"
#include "engines/local/signal_codec.h"
#include "require.h"

using aldis::fuzz::require;

namespace {

using Look = void (*)(std::string_view bytes);

template <class Record>
void signal_record(std::string_view bytes) {
  Record record;
  if (!aldis::local::decode(bytes, record)) return;
  const std::string written = aldis::local::encode(record);
  Record again;
  require(aldis::local::decode(written, again));
  require(aldis::local::encode(again) == written);
}

void pulse(std::string_view bytes) {
  const auto record = aldis::read_pulse(bytes);
  if (!record) return;
  const std::string written = aldis::write_pulse(*record);
  const auto again = aldis::read_pulse(written);
  require(again.has_value() && aldis::write_pulse(*again) == written);
}

void portrait(std::string_view bytes) {
  aldis::HeartbeatRecord record;
  if (!aldis::read_portrait(bytes, record)) return;
  const std::string written = aldis::write_portrait(record.start, record.started, record.started_at);
  aldis::HeartbeatRecord again;
  require(aldis::read_portrait(written, again));
}

void board_format(std::string_view bytes) {
  const auto format = aldis::decode_board_format(bytes);
  if (format && format->version == aldis::kBoardFormatVersion)
    require(aldis::decode_board_format(encode(*format)).has_value());
}

constexpr Look kLooks[] = {
    signal_record<aldis::local::SignalRecord>,
    signal_record<aldis::local::LaneRecord>,
    signal_record<aldis::local::EndEntry>,
    signal_record<aldis::local::QueueEntry>,
    signal_record<aldis::local::ExpiryNotice>,
    signal_record<aldis::local::FoldedNotice>,
    signal_record<aldis::local::TakenRecord>,
    signal_record<aldis::local::BroadcastEntry>,
    signal_record<aldis::local::ReaderEntry>,
    signal_record<aldis::local::PositionRecord>,
    signal_record<aldis::local::AppearedRecord>,
    pulse,
    portrait,
    board_format,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  kLooks[data[0] % std::size(kLooks)](bytes);
  return 0;
}
