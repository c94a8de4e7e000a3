#pragma once
// Consumer groups: a stream shared out among members. Used by src/domain/events.cc; engines:
// src/engines/local/local_event_groups, src/engines/redis/redis_event_groups, tests/fakes/memory_events. Each sentence
// below has a test in tests/contract that runs on every engine.
//
// Model: a group belongs to one stream and is known by its name. It is made by its first read. It remembers the ordinal
// up to which events were given out, and of each event that was given out and not acknowledged: to whom, when, how
// often. An event is with one member at a time; when its time there is over, it goes to the next that reads, whoever
// that is: a member that was restarted under its name gets back what it had. Trim, remove and the bounds of the stream
// take events from groups too: the next read of any member is told of one Gap, which counts those that nobody had been
// given and those that were pending. A group that nobody has read or acknowledged for limits::kGroupRetention may be
// removed to make room for another. The store's clock decides when a member's time is over; on a local store a step of
// the wall clock changes nothing while the host runs. Threads: safe from any thread and process. Errors: as
// ports/event_store.h.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/events.h"
#include "ports/event_store.h"

namespace aldis {

struct GroupRead {
  std::string_view type;
  std::string_view group;
  std::string_view consumer;
  // Ordinal behind which a group that is not there yet begins, at most the last one. With it the read makes what is
  // missing: the group, and a stream that is not known (as configure does, with the default bounds). None: it makes
  // nothing.
  std::optional<std::uint64_t> start_after = {};
  std::size_t count = 1;
  std::chrono::nanoseconds take_over_after{0};
};

struct GroupSlice {
  std::optional<Gap> gap;  // told with this read, and never again
  // Now pending for this consumer: first those taken over, then new ones, oldest first each. Of more that may be taken
  // over it gets those that were given out first.
  std::vector<StoredEvent> events;
  // Until the next pending event may be taken over; none: nothing is pending.
  std::optional<std::chrono::nanoseconds> next_take_over;
  bool missing = false;  // there is no such group (or stream), and none was to be made: nothing else is told
};

class EventGroupStore {
 public:
  virtual ~EventGroupStore() = default;

  // Gives at most `count` events to the consumer. resource_exhausted, which no repetition mends: a new group beyond
  // limits::kGroupsMax of the stream, all of them in use; a new stream beyond limits::kStreamsMax.
  virtual Result<GroupSlice> read(const GroupRead& read) = 0;

  // At most limits::kConsumeCountMax, whoever holds them; all at once. Returns how many were pending; others are not an
  // error: among them is a place whose ms is not that of the event, which a store that lost events gave to another one.
  // not_found: no such group.
  virtual Result<std::uint64_t> acknowledge(std::string_view type, std::string_view group,
                                            std::span<const EventPlace> events) = 0;

  // The oldest `count` pending ones that are still kept. not_found: no such group.
  virtual Result<std::vector<PendingEvent>> pending(std::string_view type, std::string_view group,
                                                    std::size_t count) = 0;

  // By name; waiting and pending are those that are still kept. Of a stream that is not known: none.
  virtual Result<std::vector<GroupInfo>> groups(std::string_view type) = 0;
};

}  // namespace aldis
