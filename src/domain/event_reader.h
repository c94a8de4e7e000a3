#pragma once
// Reading streams for oneself: where each goes on, what came since, what was missed. Used by events.cc; implemented in
// event_reader.cc.
//
// Model: a cursor a stream, the event behind which it goes on. A look takes at most `count` events of all streams
// together, merged by time, and moves the cursors behind exactly those; so the position repeats nothing and skips
// nothing, whatever was cut. A cursor that points before the oldest kept event is a gap. Each look reads the event of
// the cursor again while it is kept: ordinals that a store lost are given anew, and only the time tells. A stream of
// which nothing is known any more ends a read that names it; among all types it begins with its first event again.
// Threads: one thread. Errors: invalid_argument (a start that does not fit the types), failed_precondition (a cursor
// that is not of its stream), and the store's; the cursors are then no use.

#include <string>
#include <vector>

#include "domain/event_merge.h"
#include "domain/event_position.h"
#include "domain/event_wait.h"

namespace aldis {

class EventReader final : public StreamReading {
 public:
  // `types` ascending and distinct; empty: all. `start` fits them (check_start).
  static Result<EventReader> begin(EventStore& store, std::vector<std::string> types, const ReadStart& start,
                                   std::size_t count);

  const std::vector<std::string>& types() const override { return types_; }
  std::vector<std::size_t> first_places() const override { return first_places_; }
  Result<std::vector<std::size_t>> find_news() override;
  Result<std::vector<StreamItem>> look(std::span<const std::size_t> which) override;
  bool may_have_more(std::size_t stream) const override {
    return cursors_[stream].after.ordinal < cursors_[stream].newest.ordinal;
  }
  std::chrono::nanoseconds quiet_for(std::size_t) const override { return limits::kQuietMax; }
  std::string position() const override;

 private:
  struct Cursor {
    EventPlace after;
    EventPlace newest = {};    // of the stream when it was read last
    bool from_oldest = false;  // behind whatever is lost when it is read first
  };
  EventReader(EventStore& store, std::vector<std::string> types, std::size_t count)
      : store_(store), all_types_(types.empty()), count_(count), types_(std::move(types)), cursors_(types_.size()) {}

  Result<void> begin_all(const ReadStart& start);
  Result<void> begin_with_new();
  void add(std::string type, const EventPlace& after);
  std::vector<std::size_t> places_with_news(const std::vector<StreamHead>& heads) const;
  // `check`: that the cursors are of these streams.
  Result<void> load(EventMerge& merge, std::span<const std::size_t> which, std::size_t share, bool check);
  Result<LaneLoad> admit(std::size_t at, StreamSlice&& slice);

  EventStore& store_;
  bool all_types_;
  std::size_t count_;
  std::vector<std::string> types_;
  std::vector<Cursor> cursors_;  // of the type at the same place
  std::vector<std::size_t> first_places_;
};

// invalid_argument unless `start` may be used with these types.
Result<void> check_start(const ReadStart& start, const std::vector<std::string>& types);

// Every stream that users know, in the byte order of the types. The others have types that are no names.
Result<std::vector<StreamHead>> user_streams(EventStore& store);

// To read a stream behind `after` and check that it is of this stream.
StreamCursor cursor_to_check(std::string_view type, const EventPlace& after);
// failed_precondition unless `after` is of the stream, or too old to tell. `slice`: read from cursor_to_check, with at
// least one event.
Result<void> check_is_of_stream(const EventPlace& after, const StreamSlice& slice);

}  // namespace aldis
