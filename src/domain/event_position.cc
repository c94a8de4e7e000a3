#include "domain/event_position.h"

#include <charconv>
#include <optional>
#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/names.h"
#include "core/try.h"

namespace aldis {
namespace {

constexpr std::string_view kPositionPrefix = "p1;";
constexpr std::string_view kAllTypes = "*";
constexpr std::size_t kNumberBytesMax = 16;  // of kEventNumberMax
constexpr std::size_t kPositionBytesMax =
    kPositionPrefix.size() + kAllTypes.size() + kPositionStreamsMax * (limits::kNameBytesMax + 3 + 2 * kNumberBytesMax);

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > kNumberBytesMax || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end || number > kEventNumberMax) return std::nullopt;
  return number;
}

std::optional<EventPlace> read_event_id(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto ms = parse_number(text.substr(0, dash));
  const auto ordinal = parse_number(text.substr(dash + 1));
  if (!ms || !ordinal || *ordinal == 0) return std::nullopt;
  return EventPlace{*ms, *ordinal};
}

// "type=0", "type=event-id"
std::optional<StreamPosition> read_stream_position(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view type = text.substr(0, equals);
  const std::string_view place = text.substr(equals + 1);
  const auto after = place == "0" ? EventPlace{} : read_event_id(place);
  if (!after || !check_name("event type", type)) return std::nullopt;
  return StreamPosition{std::string(type), *after};
}

// Takes what stands before the next ';' from `rest`; nothing is left behind the last.
std::string_view take_part(std::string_view& rest) {
  const std::size_t end = rest.find(';');
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::optional<ReadPosition> read_position(std::string_view text) {
  if (text.size() > kPositionBytesMax || !text.starts_with(kPositionPrefix) || text.ends_with(';')) return std::nullopt;
  std::string_view rest = text.substr(kPositionPrefix.size());
  ReadPosition position;
  for (bool first = true; !rest.empty(); first = false) {
    const std::string_view part = take_part(rest);
    if (first && part == kAllTypes) {
      position.all_types = true;
      continue;
    }
    std::optional<StreamPosition> stream = read_stream_position(part);
    if (!stream || position.streams.size() == kPositionStreamsMax) return std::nullopt;
    if (!position.streams.empty() && position.streams.back().type >= stream->type) return std::nullopt;
    position.streams.push_back(*std::move(stream));
  }
  return position;
}

}  // namespace

Result<ReadStart> parse_start(std::string_view text) {
  if (text == "$") return ReadStart{FromNew{}};
  if (text == "0") return ReadStart{FromOldest{}};
  if (const auto place = read_event_id(text)) return ReadStart{*place};
  if (auto position = read_position(text)) return ReadStart{*std::move(position)};
  return fail(ErrorCode::invalid_argument,
              "this is no place to start from: give \"$\" (only new events), \"0\" (from the oldest kept), an event id "
              "(1790000000000-7: after it), or the position that an earlier read answered with, as it was");
}

Result<EventPlace> parse_event_id(std::string_view text) {
  if (const auto place = read_event_id(text)) return *place;
  return fail(ErrorCode::invalid_argument,
              "this is no event id: ids look like 1790000000000-7, milliseconds and the event's number in its stream");
}

std::string format_event_id(const EventPlace& place) { return fmt::format("{}-{}", place.ms, place.ordinal); }

std::string format_position(const ReadPosition& position) {
  std::string text(kPositionPrefix);
  if (position.all_types) text.append(kAllTypes).append(";");
  for (const StreamPosition& stream : position.streams) {
    text.append(stream.type).append("=");
    text.append(stream.after.ordinal == 0 ? "0" : format_event_id(stream.after)).append(";");
  }
  text.pop_back();
  return text;
}

}  // namespace aldis
