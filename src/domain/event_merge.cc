#include "domain/event_merge.h"

#include <chrono>
#include <limits>
#include <string_view>

#include "domain/event_position.h"

namespace aldis {

void EventMerge::load(std::size_t lane, const std::string& type, LaneLoad load) {
  lanes_[lane] = {.type = type, .load = std::move(load)};
  queue_up(lane);
}

void EventMerge::queue_up(std::size_t at) {
  const Lane& lane = lanes_[at];
  if (lane.next < lane.load.events.size()) {
    turns_.emplace(lane.load.events[lane.next].place.ms, at);
  } else if (lane.load.gap) {
    turns_.emplace(std::numeric_limits<std::uint64_t>::max(), at);
  }
}

std::optional<EventMerge::Taken> EventMerge::take(std::vector<StreamItem>& items) {
  if (turns_.empty()) return std::nullopt;
  Taken taken{.lane = turns_.top().second};
  turns_.pop();
  Lane& lane = lanes_[taken.lane];
  if (lane.load.gap) {
    taken.after = {.ms = 0, .ordinal = lane.load.gap->to};
    items.emplace_back(*std::exchange(lane.load.gap, std::nullopt));
  }
  if (lane.next < lane.load.events.size()) {
    StoredEvent& event = lane.load.events[lane.next++];
    taken.after = event.place;
    items.emplace_back(to_stream_event(lane.type, std::move(event)));
  }
  taken.lane_is_empty = lane.next == lane.load.events.size();
  queue_up(taken.lane);
  return taken;
}

StreamEvent to_stream_event(std::string_view type, StoredEvent&& event) {
  return {.event_id = format_event_id(event.place),
          .event_type = std::string(type),
          .timestamp = WallTime{std::chrono::milliseconds{event.place.ms}},
          .data = Json::trusted(std::move(event.data)),
          .source = std::move(event.source)};
}

}  // namespace aldis
