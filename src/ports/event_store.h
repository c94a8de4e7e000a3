#pragma once
// Where streams of events live. Used by src/domain/events.cc; engines: src/engines/local/local_events,
// src/engines/redis/redis_events, tests/fakes/memory_events. Each sentence below has a test in tests/contract that runs
// on every engine.
//
// Model: a stream is known from its first event or configuration on. Its ordinals begin with 1, are dense, and go on
// over trim and remove. An event's ms is the store's wall time, or that of the event before if that is later. What a
// reader sees is exact at every moment: the newest max_length events, those no older than max_age by the store's clock
// (a step of the wall clock changes nothing on a local store while the host runs), and none below a trim; what is
// beyond may be removed later, and is never seen again. A stream that was not published to or configured, and of which
// no group was used, for limits::kStreamIdle may be removed, with its ordinals, to make room for another. A store rings
// Topic::stream (ports/waker.h) after it commits an event, and Topic::streams after a stream became known. Threads:
// safe from any thread and process. Errors: as each function says, and deadline_exceeded / unavailable /
// resource_exhausted / data_loss from the engine. A failed call changes nothing; only one that is unavailable on a
// shared store may have been carried out.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/events.h"
#include "core/ids.h"

namespace aldis {

// What Aldis publishes about itself, however many other streams there are.
inline constexpr std::array<std::string_view, 4> kOwnEventTypes = {"agent_heartbeat", "approval_decision",
                                                                   "approval_request", "coordination_signal"};
inline bool is_own_event_type(std::string_view type) {
  return std::ranges::find(kOwnEventTypes, type) != kOwnEventTypes.end();
}

struct OutgoingEvent {
  // Made by the caller for this one publication. Publishing it again while it is the newest event of its stream changes
  // nothing and answers the same; on a store that can lose an answer, for as long as a call may take, whatever came
  // after.
  Id128 id;
  std::string_view type;
  std::string_view data;
  std::string_view source;
  // How long the store may take; none: the workspace's call timeout. Then it is deadline_exceeded or unavailable.
  std::optional<std::chrono::nanoseconds> at_most = {};
};

struct EventPlace {
  std::uint64_t ms = 0;
  std::uint64_t ordinal = 0;

  bool operator==(const EventPlace&) const = default;
};

struct StoredEvent {
  EventPlace place;
  std::string data;
  std::string source;

  bool operator==(const StoredEvent&) const = default;
};

// A stream at one moment.
struct StreamHead {
  std::string type;
  EventPlace last;          // the newest event that ever was; 0-0: none
  std::uint64_t first = 1;  // ordinal of the oldest that a reader sees; last.ordinal + 1 if it sees none
  StreamBounds bounds;
  // Its first publication began, so whoever waits for all streams listens to it; nothing is there yet.
  bool is_only_announced = false;
};

struct StreamCursor {
  std::string_view type;
  std::uint64_t after = 0;  // ordinal
};

struct StreamSlice {
  StreamHead head;                  // a stream that is not known has last 0-0
  std::vector<StoredEvent> events;  // those after the cursor that a reader sees, oldest first
};

class EventStore {
 public:
  virtual ~EventStore() = default;

  // Commits the event and answers with its place. resource_exhausted: a new stream beyond limits::kStreamsMax, all
  // of them in use (kOwnEventTypes neither count nor are refused), or no room.
  virtual Result<EventPlace> publish(const OutgoingEvent& event) = 0;

  // Every known stream, in the byte order of the types; of one type, if one is given: that stream or nothing.
  virtual Result<std::vector<StreamHead>> heads(std::string_view type = {}) = 0;

  // At most `count` events of each stream, in the order of the cursors.
  virtual Result<std::vector<StreamSlice>> read(std::span<const StreamCursor> cursors, std::size_t count) = 0;

  // What a reader sees, newest first, ordinals within [first, last], at most `count`.
  virtual Result<std::vector<StoredEvent>> recent(std::string_view type, std::uint64_t first, std::uint64_t last,
                                                  std::size_t count) = 0;

  // Hides all but the newest `max_length` events (0: all) from every reader. Returns how many of the hidden a reader
  // saw before; 0 of a stream that is not known.
  virtual Result<std::uint64_t> trim(std::string_view type, std::uint64_t max_length) = 0;

  // Sets the bounds, and makes the stream known. resource_exhausted: beyond limits::kStreamsMax.
  virtual Result<void> configure(std::string_view type, const StreamBounds& bounds) = 0;

  // Counts events that other capabilities could not publish in time. Never blocks and never fails; a store that cannot
  // be reached counts them once it can, if the process still lives then.
  virtual void count_dropped(std::uint64_t events) = 0;
  virtual Result<std::uint64_t> dropped() = 0;
  // Tells the store what this process counted and could not tell yet; nothing to do where counting does it. May block,
  // for at most that long.
  virtual void hand_on_dropped(std::chrono::nanoseconds at_most) = 0;
  // Does what publications with a patience of their own left for later. May block; what cannot be done stays for later.
  virtual void tidy() = 0;
};

}  // namespace aldis
