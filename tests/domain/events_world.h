#pragma once
// A small world for the tests of EventStreamer: the twins, time that moves only while somebody waits, things that
// happen between two calls, and a store that can be made to fail or to hang.
//
// Threads: the world itself is one thread's; what it hands out is safe from any thread.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aldis/events.h"
#include "aldis/heartbeats.h"
#include "core/mutex.h"
#include "fakes/memory_approvals.h"
#include "fakes/memory_events.h"
#include "signals_world.h"

namespace aldis::testing {

// An event store in which things go wrong. `hang` and `release` are for other threads than the one that hangs.
class EventSaboteur final : public EventStore {
 public:
  explicit EventSaboteur(std::shared_ptr<EventStore> store) : store_(std::move(store)) {}

  std::atomic<bool> failing{false};
  std::atomic<int> handed_on{0};             // how often it was told to
  std::function<void()> after_heads;         // called once, also after a read of heads alone
  std::size_t slice_events_max = 1'000'000;  // a store may give less than it was asked for
  std::atomic<int> lists{0};                 // of all streams
  std::function<void()> on_publish;          // each time, before
  std::optional<nanoseconds> last_patience;  // what the last publication said

  // Of each read of events.
  std::vector<std::vector<std::string>> types_read() const {
    const MutexLock lock(mutex_);
    return types_read_;
  }

  void wait_until_handed_on() const { handed_on.wait(0); }

  // Publications do not come back before `release`.
  void hang() {
    const MutexLock lock(mutex_);
    hangs_ = true;
  }
  void release() {
    const MutexLock lock(mutex_);
    hangs_ = false;
    changed_.notify_all();
  }
  void wait_until_somebody_hangs() {
    const MutexLock lock(mutex_);
    changed_.wait(mutex_, [this]() ALDIS_REQUIRES(mutex_) { return hanging_; });
  }
  void wait_for_publications(int count) {
    const MutexLock lock(mutex_);
    changed_.wait(mutex_, [&]() ALDIS_REQUIRES(mutex_) { return publications_ >= count; });
  }

  Result<EventPlace> publish(const OutgoingEvent& event) override {
    enter(event);
    auto answer = guard([&] { return store_->publish(event); });
    const MutexLock lock(mutex_);
    ++publications_;
    changed_.notify_all();
    return answer;
  }
  Result<std::vector<StreamHead>> heads(std::string_view type) override {
    if (type.empty()) ++lists;
    auto answer = guard([&] { return store_->heads(type); });
    if (after_heads) std::exchange(after_heads, {})();
    return answer;
  }
  Result<std::vector<StreamSlice>> read(std::span<const StreamCursor> cursors, std::size_t count) override {
    if (count > 0) note_read(cursors);
    auto answer = guard([&] { return store_->read(cursors, count); });
    if (answer) {
      for (StreamSlice& slice : *answer) slice.events.resize(std::min(slice.events.size(), slice_events_max));
    }
    if (count == 0 && after_heads) std::exchange(after_heads, {})();
    return answer;
  }
  Result<std::vector<StoredEvent>> recent(std::string_view type, std::uint64_t first, std::uint64_t last,
                                          std::size_t count) override {
    return guard([&] { return store_->recent(type, first, last, count); });
  }
  Result<std::uint64_t> trim(std::string_view type, std::uint64_t max_length) override {
    return guard([&] { return store_->trim(type, max_length); });
  }
  Result<void> configure(std::string_view type, const StreamBounds& bounds) override {
    return guard([&] { return store_->configure(type, bounds); });
  }
  void count_dropped(std::uint64_t events) override { store_->count_dropped(events); }
  Result<std::uint64_t> dropped() override { return store_->dropped(); }
  void hand_on_dropped(nanoseconds at_most) override {
    store_->hand_on_dropped(at_most);
    ++handed_on;
    handed_on.notify_all();
  }
  void tidy() override { store_->tidy(); }

 private:
  void enter(const OutgoingEvent& event) {
    if (on_publish) on_publish();
    const MutexLock lock(mutex_);
    last_patience = event.at_most;
    hanging_ = hangs_;
    changed_.notify_all();
    changed_.wait(mutex_, [this]() ALDIS_REQUIRES(mutex_) { return !hangs_; });
    hanging_ = false;
  }
  void note_read(std::span<const StreamCursor> cursors) {
    const MutexLock lock(mutex_);
    types_read_.emplace_back();
    for (const StreamCursor& cursor : cursors) types_read_.back().emplace_back(cursor.type);
  }
  template <class Call>
  auto guard(Call call) -> decltype(call()) {
    if (failing) return fail(ErrorCode::unavailable, "the store is away");
    return call();
  }

  const std::shared_ptr<EventStore> store_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  std::vector<std::vector<std::string>> types_read_ ALDIS_GUARDED_BY(mutex_);
  bool hangs_ ALDIS_GUARDED_BY(mutex_) = false;
  bool hanging_ ALDIS_GUARDED_BY(mutex_) = false;  // a publication does
  int publications_ ALDIS_GUARDED_BY(mutex_) = 0;
};

// A group store that counts its reads, and fails for one type.
class GroupSaboteur final : public EventGroupStore {
 public:
  explicit GroupSaboteur(std::shared_ptr<EventGroupStore> store) : store_(std::move(store)) {}

  std::string failing_type;  // one thread's

  // Those read since this was last asked.
  std::vector<std::string> take_types_read() {
    const MutexLock lock(mutex_);
    return std::exchange(types_read_, {});
  }

  Result<GroupSlice> read(const GroupRead& read) override {
    note_read(read.type);
    if (read.type == failing_type) return fail(ErrorCode::unavailable, "the store is away");
    return store_->read(read);
  }
  Result<std::uint64_t> acknowledge(std::string_view type, std::string_view group,
                                    std::span<const EventPlace> events) override {
    return store_->acknowledge(type, group, events);
  }
  Result<std::vector<PendingEvent>> pending(std::string_view type, std::string_view group, std::size_t count) override {
    return store_->pending(type, group, count);
  }
  Result<std::vector<GroupInfo>> groups(std::string_view type) override { return store_->groups(type); }

 private:
  void note_read(std::string_view type) {
    const MutexLock lock(mutex_);
    types_read_.emplace_back(type);
  }

  const std::shared_ptr<EventGroupStore> store_;
  Mutex mutex_;
  std::vector<std::string> types_read_ ALDIS_GUARDED_BY(mutex_);
};

class EventsWorld : public SignalsWorld {
 public:
  using SignalsWorld::SignalsWorld;

  Workspace workspace(WorkspaceOptions options = {}) {
    WorkspaceParts parts{.clock = workspace_clock,
                         .processes = table,
                         .heartbeats = heartbeats,
                         .signals = signals,
                         .approvals = approvals.approvals,
                         .audit = approvals.audit,
                         .events = events,
                         .event_groups = groups,
                         .waker = waker};
    return Workspace(std::make_shared<Workspace::Impl>(std::move(options), std::move(parts)));
  }
  // One whose heartbeats, signals and approvals publish what happens to them.
  Workspace streaming_workspace() {
    WorkspaceOptions options;
    options.stream_events = true;
    return workspace(std::move(options));
  }
  EventStreamer streamer() { return EventStreamer(workspace()); }

  // Publishes {"n":1}, {"n":2}… and returns the ids.
  std::vector<std::string> publish(const std::string& type, int count) {
    std::vector<std::string> ids;
    for (int n = 1; n <= count; ++n) {
      const auto event = streamer().publish_event(type, *Json::parse(fmt::format(R"({{"n":{}}})", n)));
      EXPECT_TRUE(event) << event.error().message;
      ids.push_back(event ? event->event_id : "");
    }
    return ids;
  }
  // One of each type, a millisecond apart.
  void publish_in_turn(const std::vector<std::string>& types) {
    for (const std::string& type : types) {
      clock->advance(1ms);
      EXPECT_TRUE(streamer().publish_event(type));
    }
  }
  void during_the_next_sleep(std::function<void()> step) { waker->steps.push_back(std::move(step)); }

  std::shared_ptr<Clock> workspace_clock = clock;  // of workspaces made from now on
  const MemoryApprovals approvals = make_memory_approvals(clock, ring);
  const MemoryEvents twin = make_memory_events(clock, ring);
  const std::shared_ptr<EventSaboteur> events = std::make_shared<EventSaboteur>(twin.events);
  const std::shared_ptr<GroupSaboteur> groups = std::make_shared<GroupSaboteur>(twin.groups);
};

// "deploy 3", "gap of deploy 1-2 (2)".
inline std::string describe(const StreamItem& item) {
  if (const auto* gap = std::get_if<Gap>(&item)) {
    return fmt::format("gap of {} {}-{} ({})", gap->event_type, gap->from, gap->to, gap->lost);
  }
  const auto& event = std::get<StreamEvent>(item);
  return event.event_type + " " + event.event_id.substr(event.event_id.find('-') + 1);
}

inline std::vector<std::string> items_of(const Result<EventBatch>& batch) {
  EXPECT_TRUE(batch) << batch.error().message;
  std::vector<std::string> items;
  if (!batch) return items;
  for (const StreamItem& item : batch->items) items.push_back(describe(item));
  return items;
}

inline ConsumeOptions from(std::string start, std::size_t count = limits::kConsumeCountDefault) {
  ConsumeOptions options;
  options.start = std::move(start);
  options.count = count;
  return options;
}

inline ConsumeOptions waiting(std::string start, std::chrono::milliseconds block) {
  ConsumeOptions options = from(std::move(start));
  options.block_ms = block;
  return options;
}

inline ConsumeOptions as_member(std::string group, std::string consumer, std::string start = "0",
                                std::size_t count = limits::kConsumeCountDefault) {
  ConsumeOptions options = from(std::move(start), count);
  options.group = std::move(group);
  options.consumer = std::move(consumer);
  return options;
}

}  // namespace aldis::testing
