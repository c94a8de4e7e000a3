#include "domain/event_reader.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>
#include <variant>

#include "core/failure.h"
#include "core/names.h"
#include "core/try.h"

namespace aldis {
namespace {

bool names_exactly(const ReadPosition& position, const std::vector<std::string>& types) {
  if (position.all_types || types.empty()) return position.all_types && types.empty();
  return std::ranges::equal(position.streams, types, {}, &StreamPosition::type);
}

std::uint64_t events_among(std::span<const StreamItem> items) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(items, [](const StreamItem& item) { return std::holds_alternative<StreamEvent>(item); }));
}

std::vector<std::size_t> all_places(const StreamReading& reading) {
  std::vector<std::size_t> all(reading.types().size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

EventPlace place_before_first(const StreamHead& head) {
  const std::uint64_t before = head.first - 1;
  return before == head.last.ordinal ? head.last : EventPlace{.ms = 0, .ordinal = before};
}

// Time never goes back in a stream.
bool may_be_of(const EventPlace& after, const StreamSlice& slice) {
  if (after.ms == 0) return true;
  const EventPlace& last = slice.head.last;
  if (after.ordinal == last.ordinal) return after.ms == last.ms;
  if (slice.events.empty()) return after.ms <= last.ms;
  const EventPlace& oldest = slice.events.front().place;
  return oldest.ordinal == after.ordinal ? oldest.ms == after.ms : oldest.ms >= after.ms;
}

}  // namespace

Result<void> check_start(const ReadStart& start, const std::vector<std::string>& types) {
  if (std::holds_alternative<EventPlace>(start) && types.size() != 1) {
    return fail(ErrorCode::invalid_argument,
                "an event id is a place in one stream: to read {} give \"$\", \"0\", or the position that an earlier "
                "read of the same types answered with",
                types.empty() ? "all types" : "several types");
  }
  const auto* const position = std::get_if<ReadPosition>(&start);
  if (position == nullptr || names_exactly(*position, types)) return {};
  return fail(ErrorCode::invalid_argument,
              "this position belongs to a read of other event types: go on with the same types, or start with \"$\" "
              "or \"0\"");
}

Result<std::vector<StreamHead>> user_streams(EventStore& store) {
  ALDIS_TRY_ASSIGN(std::vector<StreamHead> heads, store.heads());
  std::erase_if(heads, [](const StreamHead& head) { return !check_name("event type", head.type); });
  return heads;
}

StreamCursor cursor_to_check(std::string_view type, const EventPlace& after) {
  return {.type = type, .after = after.ordinal - std::min<std::uint64_t>(after.ordinal, 1)};
}

Result<void> check_is_of_stream(const EventPlace& after, const StreamSlice& slice) {
  const EventPlace& last = slice.head.last;
  if (after.ordinal > last.ordinal) {
    return fail(ErrorCode::failed_precondition,
                "the position {} is ahead of stream {}, whose newest event is {}: it comes from another store or "
                "namespace, or the stream lost events; start anew with \"0\" or \"$\"",
                format_event_id(after), slice.head.type, last.ordinal);
  }
  if (may_be_of(after, slice)) return {};
  return fail(ErrorCode::failed_precondition,
              "the position {} is not of this stream {}, which has another event {}: it comes from another store or "
              "namespace, or the stream lost events and has new ones since; start anew with \"0\" or \"$\"",
              format_event_id(after), slice.head.type, after.ordinal);
}

Result<EventReader> EventReader::begin(EventStore& store, std::vector<std::string> types, const ReadStart& start,
                                       std::size_t count) {
  EventReader reader(store, std::move(types), count);
  if (reader.all_types_) {
    ALDIS_TRY(reader.begin_all(start));
    return reader;
  }
  reader.first_places_ = all_places(reader);
  if (const auto* position = std::get_if<ReadPosition>(&start)) {
    for (std::size_t at = 0; at < reader.cursors_.size(); ++at) reader.cursors_[at].after = position->streams[at].after;
  } else if (const auto* place = std::get_if<EventPlace>(&start)) {
    reader.cursors_.front().after = *place;
  } else if (std::holds_alternative<FromOldest>(start)) {
    for (Cursor& cursor : reader.cursors_) cursor.from_oldest = true;
  } else {
    ALDIS_TRY(reader.begin_with_new());
  }
  return reader;
}

Result<void> EventReader::begin_all(const ReadStart& start) {
  if (const auto* position = std::get_if<ReadPosition>(&start)) {
    for (const StreamPosition& stream : position->streams) add(stream.type, stream.after);
    ALDIS_TRY_ASSIGN(first_places_, find_news());
    return {};
  }
  ALDIS_TRY_ASSIGN(const std::vector<StreamHead> heads, user_streams(store_));
  const bool from_new = std::holds_alternative<FromNew>(start);
  for (const StreamHead& head : heads) add(head.type, from_new ? head.last : place_before_first(head));
  first_places_ = places_with_news(heads);
  return {};
}

Result<void> EventReader::begin_with_new() {
  std::vector<StreamCursor> cursors;
  cursors.reserve(types_.size());
  for (const std::string& type : types_) cursors.push_back({.type = type});
  ALDIS_TRY_ASSIGN(const std::vector<StreamSlice> slices, store_.read(cursors, 0));
  for (std::size_t at = 0; at < types_.size(); ++at) cursors_[at].after = slices[at].head.last;
  return {};
}

void EventReader::add(std::string type, const EventPlace& after) {
  types_.push_back(std::move(type));
  cursors_.push_back({.after = after});
}

Result<std::vector<std::size_t>> EventReader::find_news() {
  ALDIS_TRY_ASSIGN(const std::vector<StreamHead> heads, user_streams(store_));
  const std::unordered_set<std::string> known(types_.begin(), types_.end());
  for (const StreamHead& head : heads) {
    if (!known.contains(head.type)) add(head.type, {});
  }
  return places_with_news(heads);
}

std::vector<std::size_t> EventReader::places_with_news(const std::vector<StreamHead>& heads) const {
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < types_.size(); ++at) {
    const auto head = std::ranges::lower_bound(heads, types_[at], {}, &StreamHead::type);
    const EventPlace& after = cursors_[at].after;
    // One that is not listed may be gone, or only its listing is: a look tells.
    const bool is_listed = head != heads.end() && head->type == types_[at];
    if (!is_listed || head->last != after || head->first > after.ordinal + 1) places.push_back(at);
  }
  return places;
}

Result<std::vector<StreamItem>> EventReader::look(std::span<const std::size_t> which) {
  std::vector<StreamItem> items;
  if (which.empty()) return items;
  EventMerge merge(types_.size());
  // No stream alone is asked for all: whoever turns out to have more is asked again.
  ALDIS_TRY(load(merge, which, (count_ + which.size() - 1) / which.size(), true));
  for (std::size_t left = count_; left > 0;) {
    const std::size_t before = items.size();
    const std::optional<EventMerge::Taken> taken = merge.take(items);
    if (!taken) break;
    left -= events_among(std::span(items).subspan(before));
    Cursor& cursor = cursors_[taken->lane];
    cursor.after = taken->after.ordinal == cursor.newest.ordinal ? cursor.newest : taken->after;
    // A store may give less than it was asked for: the ordinals tell whether there is more.
    if (taken->lane_is_empty && may_have_more(taken->lane) && left > 0) {
      ALDIS_TRY(load(merge, {&taken->lane, 1}, left, false));
    }
  }
  return items;
}

Result<void> EventReader::load(EventMerge& merge, std::span<const std::size_t> which, std::size_t share, bool check) {
  std::vector<StreamCursor> cursors;
  cursors.reserve(which.size());
  for (const std::size_t at : which) {
    const EventPlace& after = cursors_[at].after;
    cursors.push_back(check ? cursor_to_check(types_[at], after) : StreamCursor{types_[at], after.ordinal});
  }
  ALDIS_TRY_ASSIGN(std::vector<StreamSlice> slices, store_.read(cursors, check ? share + 1 : share));
  for (std::size_t i = 0; i < which.size(); ++i) {
    cursors_[which[i]].newest = slices[i].head.last;
    ALDIS_TRY_ASSIGN(LaneLoad load, admit(which[i], std::move(slices[i])));
    merge.load(which[i], types_[which[i]], std::move(load));
  }
  return {};
}

// What a slice holds for the cursor.
Result<LaneLoad> EventReader::admit(std::size_t at, StreamSlice&& slice) {
  EventPlace& after = cursors_[at].after;
  const StreamHead& head = slice.head;
  if (std::exchange(cursors_[at].from_oldest, false)) after = place_before_first(head);
  if (all_types_ && head.last.ordinal == 0) after = {};
  ALDIS_TRY(check_is_of_stream(after, slice));
  if (after.ordinal == head.last.ordinal) after = head.last;
  LaneLoad load{.gap = std::nullopt, .events = std::move(slice.events)};
  if (!load.events.empty() && load.events.front().place.ordinal <= after.ordinal)
    load.events.erase(load.events.begin());
  if (after.ordinal + 1 < head.first) {
    load.gap = Gap{.event_type = types_[at],
                   .from = after.ordinal + 1,
                   .to = head.first - 1,
                   .lost = head.first - 1 - after.ordinal};
  }
  return load;
}

std::string EventReader::position() const {
  ReadPosition position{.all_types = all_types_, .streams = {}};
  for (std::size_t at = 0; at < types_.size(); ++at) {
    // Of all types, one that is not named begins with its first event.
    if (cursors_[at].after.ordinal > 0 || !all_types_) position.streams.push_back({types_[at], cursors_[at].after});
  }
  std::ranges::sort(position.streams, {}, &StreamPosition::type);
  return format_position(position);
}

}  // namespace aldis
