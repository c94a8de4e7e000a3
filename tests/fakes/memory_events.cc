#include "fakes/memory_events.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/failure.h"
#include "core/mutex.h"
#include "core/try.h"

namespace aldis::testing {
namespace {

struct Kept {
  StoredEvent event;
  BootTime published;
};

struct Given {
  std::uint64_t ms = 0;  // of the event
  std::string consumer;
  BootTime at;
  std::uint32_t deliveries = 1;
};

struct Group {
  std::uint64_t delivered = 0;
  std::map<std::uint64_t, Given> pending;  // by ordinal
  BootTime used;
};

struct Stream {
  EventPlace last;
  Id128 newest;  // its publication
  StreamBounds bounds;
  std::map<std::uint64_t, Kept> events;  // by ordinal
  std::map<std::string, Group, std::less<>> groups;
  BootTime used;  // published to, configured, or read as a group

  std::uint64_t first() const { return events.empty() ? last.ordinal + 1 : events.begin()->first; }

  void keep(std::uint64_t max_length) {
    while (events.size() > max_length) events.erase(events.begin());
  }
  void settle(BootTime now) {
    keep(bounds.max_length);
    while (bounds.max_age && !events.empty() && now - events.begin()->second.published > *bounds.max_age) {
      events.erase(events.begin());
    }
  }
};

StreamHead head_of(std::string_view type, const Stream& stream) {
  return {std::string(type), stream.last, stream.first(), stream.bounds};
}

// At most `count` behind an ordinal.
std::vector<StoredEvent> events_after(const Stream& stream, std::uint64_t after, std::size_t count) {
  std::vector<StoredEvent> events;
  for (auto at = stream.events.upper_bound(after); at != stream.events.end() && events.size() < count; ++at) {
    events.push_back(at->second.event);
  }
  return events;
}

// What the group will not see any more, taken from it.
std::optional<Gap> take_gap(std::string_view type, const Stream& stream, Group& group) {
  const std::uint64_t first = stream.first();
  Gap gap{.event_type = std::string(type)};
  const auto lose = [&gap](std::uint64_t from, std::uint64_t to) {
    if (gap.lost == 0) gap.from = from;
    gap.to = to;
    gap.lost += to - from + 1;
  };
  while (!group.pending.empty() && group.pending.begin()->first < first) {
    lose(group.pending.begin()->first, group.pending.begin()->first);
    group.pending.erase(group.pending.begin());
  }
  if (group.delivered + 1 < first) {
    lose(group.delivered + 1, first - 1);
    group.delivered = first - 1;
  }
  return gap.lost == 0 ? std::nullopt : std::optional(gap);
}

std::optional<std::chrono::nanoseconds> next_take_over(const Group& group, BootTime now,
                                                       std::chrono::nanoseconds take_over_after) {
  std::optional<std::chrono::nanoseconds> next;
  for (const auto& [ordinal, given] : group.pending) {
    const auto left = std::max(take_over_after - (now - given.at), std::chrono::nanoseconds{0});
    next = std::min(next.value_or(left), left);
  }
  return next;
}

// Those that were given first, the oldest first.
std::vector<std::uint64_t> overdue(const Group& group, BootTime now, const GroupRead& read) {
  std::vector<std::uint64_t> ordinals;
  for (const auto& [ordinal, given] : group.pending) {
    if (now - given.at >= read.take_over_after) ordinals.push_back(ordinal);
  }
  std::ranges::sort(ordinals, {},
                    [&group](std::uint64_t ordinal) { return std::pair(group.pending.at(ordinal).at, ordinal); });
  ordinals.resize(std::min(ordinals.size(), read.count));
  std::ranges::sort(ordinals);
  return ordinals;
}

GroupSlice nothing_there() {
  GroupSlice slice;
  slice.missing = true;
  return slice;
}

class MemoryStreams final : public EventStore, public EventGroupStore {
 public:
  MemoryStreams(std::shared_ptr<const Clock> clock, Ring ring) : clock_(std::move(clock)), ring_(std::move(ring)) {}

  Result<EventPlace> publish(const OutgoingEvent& event) override {
    EventPlace place;
    bool made = false;
    {
      const MutexLock lock(mutex_);
      Stream* stream = find(event.type);
      if (stream != nullptr && stream->last.ordinal != 0 && stream->newest == event.id) return stream->last;
      made = stream == nullptr;
      if (made) {
        ALDIS_TRY_ASSIGN(stream, make(event.type));
      }
      place = {std::max(wall_ms(), stream->last.ms), stream->last.ordinal + 1};
      stream->events[place.ordinal] = {{place, std::string(event.data), std::string(event.source)}, now()};
      stream->last = place;
      stream->newest = event.id;
      stream->used = now();
      stream->settle(now());
    }
    ring_(Topic{Topic::Kind::stream, event.type});
    if (made) ring_(Topic{Topic::Kind::streams, {}});
    return place;
  }

  Result<std::vector<StreamHead>> heads(std::string_view type) override {
    const MutexLock lock(mutex_);
    std::vector<StreamHead> heads;
    for (const auto& [known, stream] : streams_) {
      if (type.empty() || type == known) heads.push_back(head_of(known, *find(known)));
    }
    return heads;
  }

  Result<std::vector<StreamSlice>> read(std::span<const StreamCursor> cursors, std::size_t count) override {
    const MutexLock lock(mutex_);
    std::vector<StreamSlice> slices;
    for (const StreamCursor& cursor : cursors) {
      const Stream* const stream = find(cursor.type);
      if (stream == nullptr) {
        slices.push_back({head_of(cursor.type, Stream{}), {}});
      } else {
        slices.push_back({head_of(cursor.type, *stream), events_after(*stream, cursor.after, count)});
      }
    }
    return slices;
  }

  Result<std::vector<StoredEvent>> recent(std::string_view type, std::uint64_t first, std::uint64_t last,
                                          std::size_t count) override {
    const MutexLock lock(mutex_);
    std::vector<StoredEvent> events;
    const Stream* const stream = find(type);
    if (stream == nullptr) return events;
    for (auto at = stream->events.upper_bound(last); at != stream->events.begin() && events.size() < count;) {
      --at;
      if (at->first < first) break;
      events.push_back(at->second.event);
    }
    return events;
  }

  Result<std::uint64_t> trim(std::string_view type, std::uint64_t max_length) override {
    const MutexLock lock(mutex_);
    Stream* const stream = find(type);
    if (stream == nullptr) return 0;
    const std::size_t before = stream->events.size();
    stream->keep(max_length);
    return before - stream->events.size();
  }

  Result<void> configure(std::string_view type, const StreamBounds& bounds) override {
    bool made = false;
    {
      const MutexLock lock(mutex_);
      Stream* stream = find(type);
      made = stream == nullptr;
      if (made) {
        ALDIS_TRY_ASSIGN(stream, make(type));
      }
      stream->bounds = bounds;
      stream->used = now();
      stream->settle(now());
    }
    if (made) ring_(Topic{Topic::Kind::streams, {}});
    return {};
  }

  void count_dropped(std::uint64_t events) override {
    const MutexLock lock(mutex_);
    dropped_ += events;
  }
  Result<std::uint64_t> dropped() override {
    const MutexLock lock(mutex_);
    return dropped_;
  }
  void hand_on_dropped(std::chrono::nanoseconds /*at_most*/) override {}
  void tidy() override {}

  Result<GroupSlice> read(const GroupRead& read) override {
    bool made_stream = false;
    auto slice = [&]() -> Result<GroupSlice> {
      const MutexLock lock(mutex_);
      if (read.start_after && find(read.type) == nullptr) {
        ALDIS_TRY(make(read.type));
        made_stream = true;
      }
      return read_locked(read);
    }();
    if (made_stream) ring_(Topic{Topic::Kind::streams, {}});
    return slice;
  }

  Result<std::uint64_t> acknowledge(std::string_view type, std::string_view name,
                                    std::span<const EventPlace> events) override {
    const MutexLock lock(mutex_);
    ALDIS_TRY_ASSIGN(Group* const group, find_group(type, name));
    group->used = find(type)->used = now();
    std::uint64_t acknowledged = 0;
    for (const EventPlace& event : events) {
      const auto given = group->pending.find(event.ordinal);
      if (given == group->pending.end() || given->second.ms != event.ms) continue;
      group->pending.erase(given);
      ++acknowledged;
    }
    return acknowledged;
  }

  Result<std::vector<PendingEvent>> pending(std::string_view type, std::string_view name, std::size_t count) override {
    const MutexLock lock(mutex_);
    ALDIS_TRY_ASSIGN(const Group* const group, find_group(type, name));
    const Stream& stream = *find(type);
    std::vector<PendingEvent> pending;
    for (const auto& [ordinal, given] : group->pending) {
      const auto kept = stream.events.find(ordinal);
      if (kept == stream.events.end()) continue;
      if (pending.size() == count) break;
      pending.push_back({.event_id = fmt::format("{}-{}", kept->second.event.place.ms, ordinal),
                         .consumer = given.consumer,
                         .idle = now() - given.at,
                         .deliveries = given.deliveries});
    }
    return pending;
  }

  Result<std::vector<GroupInfo>> groups(std::string_view type) override {
    const MutexLock lock(mutex_);
    std::vector<GroupInfo> infos;
    const Stream* const stream = find(type);
    if (stream == nullptr) return infos;
    for (const auto& [name, group] : stream->groups) {
      const auto is_kept = [stream](const auto& entry) { return entry.first >= stream->first(); };
      infos.push_back({.group = name,
                       .delivered = group.delivered,
                       .waiting = stream->last.ordinal - std::max(group.delivered, stream->first() - 1),
                       .pending = static_cast<std::uint64_t>(std::ranges::count_if(group.pending, is_kept))});
    }
    return infos;
  }

 private:
  BootTime now() const { return clock_->boot_now(); }
  std::uint64_t wall_ms() const {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(duration_cast<milliseconds>(clock_->wall_now().time_since_epoch()).count());
  }

  // As a reader sees it now; none: not known.
  Stream* find(std::string_view type) ALDIS_REQUIRES(mutex_) {
    const auto found = streams_.find(type);
    if (found == streams_.end()) return nullptr;
    found->second.settle(now());
    return &found->second;
  }
  Result<Stream*> make(std::string_view type) ALDIS_REQUIRES(mutex_) {
    if (!is_own_event_type(type)) ALDIS_TRY(make_room());
    Stream& made = streams_[std::string(type)];
    made.used = now();
    return &made;
  }
  // One that nobody uses makes room.
  Result<void> make_room() ALDIS_REQUIRES(mutex_) {
    auto idle = streams_.end();
    std::size_t counted = 0;
    for (auto at = streams_.begin(); at != streams_.end(); ++at) {
      if (is_own_event_type(at->first)) continue;
      ++counted;
      if (idle == streams_.end() || at->second.used < idle->second.used) idle = at;
    }
    if (counted < limits::kStreamsMax) return {};
    if (now() - idle->second.used <= limits::kStreamIdle) {
      Error refused = make_error(ErrorCode::resource_exhausted, "{} streams are the limit", limits::kStreamsMax);
      refused.retryable = false;
      return std::unexpected(std::move(refused));
    }
    streams_.erase(idle);
    return {};
  }

  Result<GroupSlice> read_locked(const GroupRead& read) ALDIS_REQUIRES(mutex_) {
    Stream* const stream = find(read.type);
    if (stream == nullptr) return nothing_there();
    ALDIS_TRY_ASSIGN(Group* const group, find_or_make_group(*stream, read));
    if (group == nullptr) return nothing_there();
    const BootTime now = clock_->boot_now();
    group->used = stream->used = now;
    GroupSlice slice;
    slice.gap = take_gap(read.type, *stream, *group);
    for (const std::uint64_t ordinal : overdue(*group, now, read)) {
      Given& given = group->pending.at(ordinal);
      given = {given.ms, std::string(read.consumer), now, given.deliveries + 1};
      slice.events.push_back(stream->events.at(ordinal).event);
    }
    for (StoredEvent& event : events_after(*stream, group->delivered, read.count - slice.events.size())) {
      group->delivered = event.place.ordinal;
      group->pending[group->delivered] = {event.place.ms, std::string(read.consumer), now};
      slice.events.push_back(std::move(event));
    }
    slice.next_take_over = next_take_over(*group, now, read.take_over_after);
    return slice;
  }

  Result<Group*> find_group(std::string_view type, std::string_view name) ALDIS_REQUIRES(mutex_) {
    Stream* const stream = find(type);
    if (stream == nullptr) return fail(ErrorCode::not_found, "there is no stream {}", type);
    const auto found = stream->groups.find(name);
    if (found == stream->groups.end()) {
      return fail(ErrorCode::not_found, "the stream {} has no group {}: its first read makes it", type, name);
    }
    return &found->second;
  }
  // Null: there is none, and none is to be made.
  Result<Group*> find_or_make_group(Stream& stream, const GroupRead& read) ALDIS_REQUIRES(mutex_) {
    const auto found = stream.groups.find(read.group);
    if (found != stream.groups.end()) return &found->second;
    if (!read.start_after) return nullptr;
    if (stream.groups.size() >= limits::kGroupsMax) {
      const auto oldest = std::ranges::min_element(stream.groups, {}, [](auto& entry) { return entry.second.used; });
      if (now() - oldest->second.used <= limits::kGroupRetention) {
        Error refused = make_error(ErrorCode::resource_exhausted,
                                   "the stream {} has {} groups, its limit, and all of them were used within the last "
                                   "30 days: read as one of them",
                                   read.type, limits::kGroupsMax);
        refused.retryable = false;
        return std::unexpected(std::move(refused));
      }
      stream.groups.erase(oldest);
    }
    Group& made = stream.groups[std::string(read.group)];
    made.delivered = std::min(*read.start_after, stream.last.ordinal);
    return &made;
  }

  const std::shared_ptr<const Clock> clock_;
  const Ring ring_;
  Mutex mutex_;
  std::map<std::string, Stream, std::less<>> streams_ ALDIS_GUARDED_BY(mutex_);
  std::uint64_t dropped_ ALDIS_GUARDED_BY(mutex_) = 0;
};

}  // namespace

MemoryEvents make_memory_events(std::shared_ptr<const Clock> clock, Ring ring) {
  const auto streams = std::make_shared<MemoryStreams>(std::move(clock), std::move(ring));
  return {streams, streams};
}

}  // namespace aldis::testing
