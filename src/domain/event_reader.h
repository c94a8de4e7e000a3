#pragma once
// Reading streams for oneself: where each goes on, what came since, what was missed. Used by events.cc; implemented in
// event_reader.cc.
//
// Model: a cursor a stream, the ordinal behind which it goes on. A look takes at most `count` events of all streams
// together, merged by time, and moves the cursors behind exactly those; so the position repeats nothing and skips
// nothing, whatever was cut. A cursor that points before the oldest kept event is a gap. Threads: one thread.
// Errors: invalid_argument (a start that does not fit the types), failed_precondition (a cursor ahead of its stream),
// and the store's; the cursors are then no use.

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
  Result<void> discover() override;
  Result<std::vector<StreamItem>> look(std::span<const std::size_t> which) override;
  std::chrono::nanoseconds quiet_for(std::size_t) const override { return limits::kQuietMax; }

  // Where to go on.
  ReadPosition position() const;

 private:
  struct Cursor {
    std::uint64_t after = 0;
    bool from_oldest = false;  // behind whatever is lost when it is read first
  };
  EventReader(EventStore& store, std::vector<std::string> types, std::size_t count)
      : store_(store), all_types_(types.empty()), count_(count), types_(std::move(types)), cursors_(types_.size()) {}

  struct Look {
    EventMerge merge;
    std::vector<bool> has_more;  // of each type: as much came as was asked for
  };
  Result<void> start_from_heads(const ReadStart& start);
  void add(std::string type, std::uint64_t after);
  Result<void> load(Look& look, std::span<const std::size_t> which, std::size_t share);
  Result<LaneLoad> admit(std::size_t at, StreamSlice&& slice);

  EventStore& store_;
  bool all_types_;
  std::size_t count_;
  std::vector<std::string> types_;
  std::vector<Cursor> cursors_;  // of the type at the same place
};

// invalid_argument unless `start` may be used with these types.
Result<void> check_start(const ReadStart& start, const std::vector<std::string>& types);

// Those that are not among `known`.
Result<std::vector<StreamHead>> find_new_streams(EventStore& store, const std::vector<std::string>& known);

// failed_precondition if `after` is ahead of the stream, whose newest event is `last`.
Result<void> check_is_not_ahead(std::string_view type, std::uint64_t after, std::uint64_t last);

}  // namespace aldis
