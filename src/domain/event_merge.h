#pragma once
// Brings the events of several streams into one order: by time, each stream in its own order. Used by event_reader.cc
// and event_member.cc; implemented in event_merge.cc.
//
// Model: a lane is a stream with what it has to give: events, and perhaps a gap before them. `take` gives the lane's
// gap and its next event together, of the lane whose next event is the oldest (of equal ones, of the lower lane). A gap
// that no event follows comes after all events. Threads: one thread. Errors: none.

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "aldis/events.h"
#include "ports/event_store.h"

namespace aldis {

struct LaneLoad {
  std::optional<Gap> gap;
  std::vector<StoredEvent> events;  // behind the gap, oldest first
};

class EventMerge {
 public:
  // REQUIRES: the lane is not in use, or was taken to its end; `lanes` is the number of all.
  explicit EventMerge(std::size_t lanes) : lanes_(lanes) {}
  void load(std::size_t lane, const std::string& type, LaneLoad load);

  struct Taken {
    std::size_t lane = 0;
    EventPlace after = {};  // behind which the lane goes on; of a gap without an event 0 ms
    bool lane_is_empty = false;
  };
  // Appends to `items`. None: every lane is empty.
  std::optional<Taken> take(std::vector<StreamItem>& items);

 private:
  struct Lane {
    std::string type;
    LaneLoad load;
    std::size_t next = 0;  // event
  };
  void queue_up(std::size_t lane);

  std::vector<Lane> lanes_;
  using Turn = std::pair<std::uint64_t, std::size_t>;  // ms, lane
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
};

// What callers see of a stored event.
StreamEvent to_stream_event(std::string_view type, StoredEvent&& event);

}  // namespace aldis
