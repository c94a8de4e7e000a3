#include "engines/redis/event_answers.h"

#include <algorithm>
#include <charconv>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

std::uint64_t read_number(AnswerReader& reader) {
  const auto number = reader.number<std::uint64_t>();
  if (number > kScriptNumberMax) reader.fail();
  return number;
}

std::uint64_t read_part(AnswerReader& reader, std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || number > kScriptNumberMax) reader.fail();
  return number;
}

// "<ms>-<ordinal>"
EventPlace read_place(AnswerReader& reader) {
  const std::string_view id = reader.text();
  const std::size_t dash = id.find('-');
  if (dash == std::string_view::npos) {
    reader.fail();
    return {};
  }
  return {read_part(reader, id.substr(0, dash)), read_part(reader, id.substr(dash + 1))};
}

std::vector<StoredEvent> read_events(AnswerReader& reader) {
  std::vector<StoredEvent> events;
  events.reserve(reader.rest() / 3);
  while (reader.rest() > 0) {
    StoredEvent event{.place = read_place(reader), .data = {}, .source = {}};
    event.source = reader.text();
    event.data = reader.text();
    events.push_back(std::move(event));
  }
  return events;
}

StreamBounds read_bounds(AnswerReader& reader) {
  StreamBounds bounds{.max_length = read_number(reader)};
  const std::uint64_t age = read_number(reader);
  if (age > 0) bounds.max_age = std::chrono::milliseconds{age};
  return bounds;
}

// From the first that the reader has not seen on, none left out.
bool are_dense(const StreamSlice& slice, std::uint64_t after) {
  std::uint64_t expected = std::max(after + 1, slice.head.first);
  return std::ranges::all_of(slice.events,
                             [&](const StoredEvent& event) { return event.place.ordinal == expected++; }) &&
         (slice.events.empty() || slice.events.back().place.ordinal <= slice.head.last.ordinal);
}

std::optional<Gap> read_gap(AnswerReader& reader, std::string_view type) {
  const auto from = reader.optional(&AnswerReader::number<std::uint64_t>);
  const auto to = reader.optional(&AnswerReader::number<std::uint64_t>);
  const auto lost = reader.optional(&AnswerReader::number<std::uint64_t>);
  if (!from && !to && !lost) return std::nullopt;
  if (!from || !to || !lost || *lost == 0 || *from > *to || *lost - 1 > *to - *from) {
    reader.fail();
    return std::nullopt;
  }
  return Gap{.event_type = std::string(type), .from = *from, .to = *to, .lost = *lost};
}

}  // namespace

bool is_unknown_stream(const Reply& answer) { return kind_of(answer) == "unknown" && answer.elements.size() == 1; }

Result<EventPlace> read_place_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "place"));
  const EventPlace place = read_place(reader);
  if (!reader.is_whole()) return malformed_answer("place of an event");
  return place;
}

Result<std::optional<StreamSlice>> read_slice_answer(const StreamCursor& cursor, const Reply& answer) {
  if (is_unknown_stream(answer)) return std::nullopt;
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "slice"));
  StreamSlice slice;
  slice.head.type = cursor.type;
  slice.head.last.ms = read_number(reader);
  slice.head.last.ordinal = read_number(reader);
  slice.head.first = read_number(reader);
  slice.head.bounds = read_bounds(reader);
  slice.events = read_events(reader);
  if (!reader.is_whole() || !are_dense(slice, cursor.after)) return malformed_answer("slice of a stream");
  return slice;
}

Result<EventPage> read_recent_answer(const Reply& answer) {
  const bool has_more = kind_of(answer) == "page";
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, has_more ? "page" : "events"));
  EventPage page{.events = read_events(reader), .has_more = has_more};
  const bool descends = std::ranges::is_sorted(page.events, std::ranges::greater{},
                                               [](const StoredEvent& one) { return one.place.ordinal; });
  if (!reader.is_whole() || !descends || (has_more && page.events.empty())) return malformed_answer("page of events");
  return page;
}

Result<GroupSlice> read_group_answer(std::string_view type, const Reply& answer) {
  GroupSlice slice;
  if (kind_of(answer) == "missing" && answer.elements.size() == 1) {
    slice.missing = true;
    return slice;
  }
  const bool is_idle = kind_of(answer) == "idle";
  ALDIS_TRY_ASSIGN(AnswerReader reader, lasting(read_kind(answer, is_idle ? "idle" : "given")));
  if (!is_idle) slice.gap = read_gap(reader, type);
  if (const auto left = reader.optional(&AnswerReader::microseconds)) {
    slice.next_take_over = std::chrono::microseconds{*left};
  }
  slice.events = read_events(reader);
  if (!reader.is_whole() || (is_idle && !slice.events.empty())) return malformed_answer("share of a group");
  return slice;
}

Result<std::vector<PendingEvent>> read_pending_events(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "pending"));
  std::vector<PendingEvent> events;
  events.reserve(reader.rest() / 4);
  while (reader.rest() > 0) {
    const EventPlace place = read_place(reader);
    PendingEvent event{.event_id = fmt::format("{}-{}", place.ms, place.ordinal),
                       .consumer = std::string(reader.text())};
    event.idle = std::chrono::microseconds{reader.microseconds()};
    event.deliveries = reader.number<std::uint32_t>();
    events.push_back(std::move(event));
  }
  if (!reader.is_whole()) return malformed_answer("pending event");
  return events;
}

Result<std::vector<GroupInfo>> read_groups_answer(const Reply& answer) {
  ALDIS_TRY_ASSIGN(AnswerReader reader, read_kind(answer, "groups"));
  std::vector<GroupInfo> groups;
  groups.reserve(reader.rest() / 4);
  while (reader.rest() > 0) {
    GroupInfo group{.group = std::string(reader.text())};
    group.delivered = read_number(reader);
    group.waiting = read_number(reader);
    group.pending = read_number(reader);
    groups.push_back(std::move(group));
  }
  if (!reader.is_whole()) return malformed_answer("group");
  std::ranges::sort(groups, {}, &GroupInfo::group);
  return groups;
}

Result<std::optional<StreamHead>> read_head_fields(std::string_view type, const Reply& fields) {
  if (fields.is_array() && std::ranges::all_of(fields.elements, &Reply::is_nil)) return std::nullopt;
  AnswerReader reader(fields);
  StreamHead head;
  head.type = type;
  head.last.ms = read_number(reader);
  head.last.ordinal = read_number(reader);
  const std::uint64_t floor = read_number(reader);
  head.bounds = read_bounds(reader);
  if (!reader.is_whole()) return malformed_answer("head of a stream");
  const std::uint64_t length = std::min(head.bounds.max_length, head.last.ordinal);
  head.first = std::max(floor, head.last.ordinal - length + 1);
  return head;
}

}  // namespace aldis
