#include "domain/event_reader.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <variant>

#include "core/failure.h"
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

Result<void> check_is_not_ahead(std::string_view type, std::uint64_t after, std::uint64_t last) {
  if (after <= last) return {};
  return fail(ErrorCode::failed_precondition,
              "the position {} is ahead of stream {}, whose newest event is {}: it comes from another store or "
              "namespace, or the stream lost events; start anew with \"0\" or \"$\"",
              after, type, last);
}

Result<std::vector<StreamHead>> find_new_streams(EventStore& store, const std::vector<std::string>& known) {
  ALDIS_TRY_ASSIGN(std::vector<StreamHead> heads, store.heads());
  const std::unordered_set<std::string_view> found(known.begin(), known.end());
  std::erase_if(heads, [&](const StreamHead& head) { return found.contains(head.type); });
  return heads;
}

Result<EventReader> EventReader::begin(EventStore& store, std::vector<std::string> types, const ReadStart& start,
                                       std::size_t count) {
  EventReader reader(store, std::move(types), count);
  if (const auto* position = std::get_if<ReadPosition>(&start)) {
    reader.types_.clear();
    reader.cursors_.clear();
    for (const StreamPosition& stream : position->streams) reader.add(stream.type, stream.after);
    if (reader.all_types_) ALDIS_TRY(reader.discover());
  } else if (const auto* place = std::get_if<EventPlace>(&start)) {
    reader.cursors_.front().after = place->ordinal;
  } else if (std::holds_alternative<FromOldest>(start) && !reader.all_types_) {
    for (Cursor& cursor : reader.cursors_) cursor.from_oldest = true;
  } else {
    ALDIS_TRY(reader.start_from_heads(start));
  }
  return reader;
}

// "$" of given types, "$" and "0" of all.
Result<void> EventReader::start_from_heads(const ReadStart& start) {
  const bool from_new = std::holds_alternative<FromNew>(start);
  ALDIS_TRY_ASSIGN(const std::vector<StreamHead> heads, store_.heads(types_.size() == 1 ? types_.front() : ""));
  for (const StreamHead& head : heads) {
    const std::uint64_t after = from_new ? head.last.ordinal : head.first - 1;
    if (all_types_) {
      add(head.type, after);
      continue;
    }
    const auto found = std::ranges::lower_bound(types_, head.type);
    if (found == types_.end() || *found != head.type) continue;
    cursors_[static_cast<std::size_t>(found - types_.begin())].after = after;
  }
  return {};
}

void EventReader::add(std::string type, std::uint64_t after) {
  types_.push_back(std::move(type));
  cursors_.push_back({.after = after});
}

Result<void> EventReader::discover() {
  ALDIS_TRY_ASSIGN(std::vector<StreamHead> streams, find_new_streams(store_, types_));
  for (StreamHead& stream : streams) add(std::move(stream.type), 0);
  return {};
}

Result<std::vector<StreamItem>> EventReader::look(std::span<const std::size_t> which) {
  std::vector<StreamItem> items;
  if (which.empty()) return items;
  Look look{.merge = EventMerge(types_.size()), .has_more = std::vector<bool>(types_.size())};
  // No stream alone is asked for all: whoever turns out to have more is asked again.
  ALDIS_TRY(load(look, which, (count_ + which.size() - 1) / which.size()));
  for (std::size_t left = count_; left > 0;) {
    const std::size_t before = items.size();
    const std::optional<EventMerge::Taken> taken = look.merge.take(items);
    if (!taken) break;
    left -= events_among(std::span(items).subspan(before));
    cursors_[taken->lane].after = taken->after;
    if (taken->lane_is_empty && look.has_more[taken->lane] && left > 0) ALDIS_TRY(load(look, {&taken->lane, 1}, left));
  }
  return items;
}

Result<void> EventReader::load(Look& look, std::span<const std::size_t> which, std::size_t share) {
  std::vector<StreamCursor> cursors;
  cursors.reserve(which.size());
  for (const std::size_t at : which) cursors.push_back({.type = types_[at], .after = cursors_[at].after});
  ALDIS_TRY_ASSIGN(std::vector<StreamSlice> slices, store_.read(cursors, share));
  for (std::size_t i = 0; i < which.size(); ++i) {
    look.has_more[which[i]] = slices[i].events.size() == share;
    ALDIS_TRY_ASSIGN(LaneLoad load, admit(which[i], std::move(slices[i])));
    look.merge.load(which[i], types_[which[i]], std::move(load));
  }
  return {};
}

// What a slice holds for the cursor.
Result<LaneLoad> EventReader::admit(std::size_t at, StreamSlice&& slice) {
  Cursor& cursor = cursors_[at];
  if (std::exchange(cursor.from_oldest, false)) cursor.after = slice.head.first - 1;
  ALDIS_TRY(check_is_not_ahead(types_[at], cursor.after, slice.head.last.ordinal));
  LaneLoad load{.gap = std::nullopt, .events = std::move(slice.events)};
  const std::uint64_t first = slice.head.first;
  if (cursor.after + 1 < first) {
    load.gap =
        Gap{.event_type = types_[at], .from = cursor.after + 1, .to = first - 1, .lost = first - 1 - cursor.after};
  }
  return load;
}

ReadPosition EventReader::position() const {
  ReadPosition position{.all_types = all_types_, .streams = {}};
  for (std::size_t at = 0; at < types_.size(); ++at) {
    // Of all types, one that is not named begins with its first event.
    if (cursors_[at].after > 0 || !all_types_) position.streams.push_back({types_[at], cursors_[at].after});
  }
  std::ranges::sort(position.streams, {}, &StreamPosition::type);
  return position;
}

}  // namespace aldis
