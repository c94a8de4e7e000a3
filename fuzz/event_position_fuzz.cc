// Any bytes as an event id or as the start of a read: refused with advice, or a value that is written in the same words
// and keeps what event_position.h promises.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

#include "core/names.h"
#include "domain/event_position.h"
#include "require.h"

using aldis::fuzz::require;

namespace {

void look_at_place(const aldis::EventPlace& place, std::string_view text) {
  require(place.ms <= aldis::kEventNumberMax && place.ordinal >= 1 && place.ordinal <= aldis::kEventNumberMax);
  require(aldis::format_event_id(place) == text);
}

void look_at_position(const aldis::ReadPosition& position, std::string_view text) {
  require(position.all_types || !position.streams.empty());
  require(position.streams.size() <= aldis::kPositionStreamsMax);
  const auto disorder =
      std::ranges::adjacent_find(position.streams, std::ranges::greater_equal{}, &aldis::StreamPosition::type);
  require(disorder == position.streams.end());
  for (const aldis::StreamPosition& stream : position.streams) {
    require(aldis::check_name("event type", stream.type).has_value());
    require(stream.after.ordinal <= aldis::kEventNumberMax && stream.after.ms <= aldis::kEventNumberMax);
    require(stream.after.ordinal > 0 || stream.after == aldis::EventPlace{});
  }
  require(aldis::format_position(position) == text);
}

template <class T>
bool is_refused_with_advice(const aldis::Result<T>& result) {
  return !result && result.error().code == aldis::ErrorCode::invalid_argument && !result.error().message.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto place = aldis::parse_event_id(text);
  const auto start = aldis::parse_start(text);
  require(place || is_refused_with_advice(place));
  require(start || is_refused_with_advice(start));
  if (place) look_at_place(*place, text);
  if (!start) return 0;
  if (std::holds_alternative<aldis::FromNew>(*start)) require(text == "$");
  if (std::holds_alternative<aldis::FromOldest>(*start)) require(text == "0");
  if (const auto* event = std::get_if<aldis::EventPlace>(&*start)) look_at_place(*event, text);
  if (const auto* position = std::get_if<aldis::ReadPosition>(&*start)) look_at_position(*position, text);
  return 0;
}
