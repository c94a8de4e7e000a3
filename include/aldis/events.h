#pragma once
// Streams of events that can be replayed, counted and shared out. Implemented in src/domain/events.cc; the rules of a
// stream are in src/ports/event_store.h, of a consumer group in src/ports/event_group_store.h.
//
// Model: an event type is a stream. Each event has an id "<ms>-<ordinal>": the ordinals of a stream are 1, 2, 3… and
// are never used again, so a reader can tell exactly what it missed. A stream keeps its newest events (10,000 unless it
// is configured otherwise) and, where a greatest age is set, no older ones; a reader that comes too late is told of one
// Gap and goes on. A read answers with a position: continuing there neither repeats nor skips. Members of a consumer
// group share a stream out among them: each event goes to one, who acknowledges it; what a member does not acknowledge
// in time goes to another. Events outlive every process and, but for the last moments, a power cut. Threads: safe from
// any thread. A blocking read sleeps until an event comes; it does not poll. One that goes on where the last one of the
// same streamer stopped costs only a look at what came: the streamer goes on listening in between, until another read
// begins elsewhere or it is destroyed. Errors: invalid_argument (names, counts,
// positions that nothing here made), failed_precondition (a position that is not of the stream: of another store, or of
// one that lost events), resource_exhausted (too many streams or groups, store full), not_found as the functions say;
// plus the store's. A failed call changes nothing; only one that is `unavailable` from a Redis store may have been
// done, and says so. Limits: limits.h, "Events".

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aldis/export.h"
#include "aldis/json.h"
#include "aldis/limits.h"
#include "aldis/result.h"
#include "aldis/time.h"
#include "aldis/workspace.h"

namespace aldis {

struct StreamEvent {
  std::string event_id;  // "<ms>-<ordinal>"
  std::string event_type;
  WallTime timestamp;  // the ms of the id: the store's wall time, never before that of the event before
  Json data;
  std::string source;  // who published it, as it said; may be empty

  bool operator==(const StreamEvent&) const = default;
};

// Events that this reader (or group) will never see: they left the stream before it came to them.
struct Gap {
  std::string event_type;
  std::uint64_t from = 0;  // ordinals of the first and the last of them
  std::uint64_t to = 0;
  std::uint64_t lost = 0;  // of a group less than to - from + 1, where others between were acknowledged

  bool operator==(const Gap&) const = default;
};

using StreamItem = std::variant<StreamEvent, Gap>;

struct EventBatch {
  // Of one stream in its order, of several by time; a Gap before what follows it. A Gap alone ends a waiting read too.
  std::vector<StreamItem> items;
  std::string position;  // where to go on: ConsumeOptions::start. Empty for a group, which keeps its own
};

struct ConsumeOptions {
  // "$": only what comes after this call (of a stream that is not known yet: all of it). "0": from the oldest kept one.
  // An event id: after it (one type). A position: with the types of the read that answered with it. Of a group: where
  // it begins at its first read, which makes the group, and the streams of given types; then its own place counts.
  std::string start = "$";

  // None: what is there now, without blocking. Else waits for at most so long until there is something; before it
  // answers that there is nothing it asks the store, for as long as a call may take.
  std::optional<std::chrono::milliseconds> block_ms = {};

  std::size_t count = limits::kConsumeCountDefault;

  // Both or neither: read as this member of this group. What it gets is pending until it acknowledges.
  std::string group = {};
  std::string consumer = {};
  // What a member has had for so long, unacknowledged, goes to this one; what it had itself before a restart, too.
  std::chrono::nanoseconds take_over_after = limits::kTakeOverAfterDefault;
};

// How much a stream keeps. Set once, for everybody, at configure_stream.
struct StreamBounds {
  std::uint64_t max_length = limits::kStreamLengthDefault;
  std::optional<std::chrono::milliseconds> max_age = {};

  bool operator==(const StreamBounds&) const = default;
};

struct GroupInfo {
  std::string group;
  std::uint64_t delivered = 0;  // the ordinal up to which events were given out
  std::uint64_t waiting = 0;    // events that nobody was given yet
  std::uint64_t pending = 0;    // given out and not acknowledged

  bool operator==(const GroupInfo&) const = default;
};

struct StreamInfo {
  std::string event_type;
  std::uint64_t length = 0;  // events that a reader sees
  std::string first_id;      // empty: there are none
  std::string last_id;       // the newest that ever was, kept or not; empty: there never was one
  StreamBounds bounds;
  std::vector<GroupInfo> groups;  // by name
};

struct PendingEvent {
  std::string event_id;
  std::string consumer;
  std::chrono::nanoseconds idle{0};  // since it was given to it
  std::uint32_t deliveries = 1;      // how often it was given to somebody
};

class ALDIS_API EventStreamer {
 public:
  explicit EventStreamer(Workspace workspace);
  ~EventStreamer();
  EventStreamer(EventStreamer&&) noexcept;
  EventStreamer& operator=(EventStreamer&&) noexcept;

  // Answers with the event as it was stored. The first event of a type makes its stream.
  Result<StreamEvent> publish_event(std::string_view type, Json data = {}, std::string_view source = {});

  // `types` empty: all, new ones too. An empty answer is not an error. `stop` ends a blocking read, with what is there.
  // One that fails answers with no position: go on from the one before. Who begins with "$" has one after a first read
  // without blocking; else what came while a first blocking read failed is skipped by the next "$".
  Result<EventBatch> consume_events(const std::vector<std::string>& types, const ConsumeOptions& options = {},
                                    std::stop_token stop = {});

  // Makes events that a member of the group was given done, at most limits::kConsumeCountMax. Returns how many of them
  // were still pending. An id whose milliseconds are not that event's is of a store that lost it, and counts for none.
  Result<std::uint64_t> acknowledge(std::string_view type, std::string_view group,
                                    const std::vector<std::string>& event_ids);
  // Oldest first, at most limits::kConsumeCountMax. not_found: no such stream or group.
  Result<std::vector<PendingEvent>> get_pending_events(std::string_view type, std::string_view group) const;

  // Newest first; `start` and `end` are event ids that bound it, themselves included ("": no bound).
  Result<std::vector<StreamEvent>> get_recent_events(std::string_view type,
                                                     std::size_t count = limits::kConsumeCountDefault,
                                                     std::string_view start = {}, std::string_view end = {}) const;

  // not_found: nothing was ever published, configured or read as a group there.
  Result<StreamInfo> get_stream_info(std::string_view type) const;
  Result<std::vector<StreamInfo>> list_streams() const;  // by type, without their groups

  // Keeps the newest `max_length` events and returns how many went.
  Result<std::uint64_t> trim_stream(std::string_view type, std::uint64_t max_length);
  // Removes all events and returns how many. Its ordinals go on, and readers and groups are told what they missed.
  Result<std::uint64_t> delete_stream(std::string_view type);
  // From now on, for everybody. Makes the stream if there is none.
  Result<void> configure_stream(std::string_view type, const StreamBounds& bounds);

 private:
  class Following;

  Workspace workspace_;
  std::unique_ptr<Following> following_;
};

}  // namespace aldis
