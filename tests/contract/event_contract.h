#pragma once
// The fixture of the contract tests of events: small verbs over an EventStore and its EventGroupStore. Header only.
//
// Model: a test publishes, moves the clock and reads; events of a stream are told apart by their ordinals. A call that
// fails and should not fails the test.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "contract/engines.h"
#include "contract/listening.h"
#include "ports/event_group_store.h"
#include "ports/event_store.h"

namespace aldis::testing {

using namespace std::chrono_literals;

using Ordinals = std::vector<std::uint64_t>;
inline constexpr std::uint64_t kNoEnd = ~std::uint64_t{0};

struct ReadWith {
  std::string type = "deploy";
  std::string group = "workers";
  std::optional<std::uint64_t> start_after = 0;
  std::size_t count = 100;
  std::chrono::nanoseconds take_over_after = 60s;
};

inline Ordinals ordinals_of(const std::vector<StoredEvent>& events) {
  Ordinals ordinals;
  for (const StoredEvent& event : events) ordinals.push_back(event.place.ordinal);
  return ordinals;
}

inline Ordinals from_to(std::uint64_t first, std::uint64_t last) {
  Ordinals ordinals;
  for (std::uint64_t ordinal = first; ordinal <= last; ++ordinal) ordinals.push_back(ordinal);
  return ordinals;
}

class EventContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  EventPlace publish(std::string_view type = "deploy", std::string_view data = "{}", std::string_view source = {}) {
    const EventPlace place = must(store().publish({.id = next_id(), .type = type, .data = data, .source = source}));
    if (type == "deploy") published_.push_back(place);
    return place;
  }
  void publish_many(std::uint64_t count, std::string_view type = "deploy") {
    for (std::uint64_t i = 0; i < count; ++i) publish(type);
  }
  // "first-last" of what a reader sees: ordinals.
  std::string seen(std::string_view type = "deploy") {
    const StreamHead now = head(type);
    return std::to_string(now.first) + "-" + std::to_string(now.last.ordinal);
  }
  StreamHead head(std::string_view type = "deploy") {
    const auto heads = must(store().heads(type));
    EXPECT_EQ(heads.size(), 1U) << type;
    return heads.empty() ? StreamHead{} : heads.front();
  }
  std::vector<std::string> known_streams() {
    std::vector<std::string> types;
    for (const StreamHead& one : must(store().heads())) types.push_back(one.type);
    return types;
  }
  bool is_known(std::string_view type) { return !must(store().heads(type)).empty(); }
  StreamSlice slice(std::string_view type = "deploy", std::uint64_t after = 0, std::size_t count = 100) {
    const StreamCursor cursor{type, after};
    auto slices = must(store().read({&cursor, 1}, count));
    EXPECT_EQ(slices.size(), 1U);
    return slices.empty() ? StreamSlice{} : std::move(slices.front());
  }
  Ordinals read(std::string_view type = "deploy", std::uint64_t after = 0, std::size_t count = 100) {
    return ordinals_of(slice(type, after, count).events);
  }
  Ordinals recent(std::uint64_t first = 1, std::uint64_t last = kNoEnd, std::size_t count = 100,
                  std::string_view type = "deploy") {
    return ordinals_of(must(store().recent(type, first, last, count)));
  }
  std::uint64_t trim(std::uint64_t max_length, std::string_view type = "deploy") {
    return must(store().trim(type, max_length));
  }
  void configure(const StreamBounds& bounds, std::string_view type = "deploy") {
    const auto configured = store().configure(type, bounds);
    EXPECT_TRUE(configured) << configured.error().message;
  }

  GroupSlice group_slice(std::string_view consumer = "ann", const ReadWith& with = {}) {
    return must(try_group_read(consumer, with));
  }
  Result<GroupSlice> try_group_read(std::string_view consumer, const ReadWith& with) {
    return groups().read({.type = with.type,
                          .group = with.group,
                          .consumer = consumer,
                          .start_after = with.start_after,
                          .count = with.count,
                          .take_over_after = with.take_over_after});
  }
  Ordinals group_read(std::string_view consumer = "ann", const ReadWith& with = {}) {
    const GroupSlice given = group_slice(consumer, with);
    EXPECT_FALSE(given.gap) << "lost " << given.gap->lost;
    return ordinals_of(given.events);
  }
  // "from-to, lost n"; "none".
  std::string told_gap(std::string_view consumer = "ann", const ReadWith& with = {}) {
    const std::optional<Gap> gap = group_slice(consumer, with).gap;
    if (!gap) return "none";
    EXPECT_EQ(gap->event_type, with.type);
    return std::to_string(gap->from) + "-" + std::to_string(gap->to) + ", lost " + std::to_string(gap->lost);
  }
  std::uint64_t acknowledge(const Ordinals& ordinals, std::string_view group = "workers") {
    std::vector<EventPlace> events;
    for (const std::uint64_t ordinal : ordinals) events.push_back({published_at(ordinal), ordinal});
    return must(groups().acknowledge("deploy", group, events));
  }
  std::vector<PendingEvent> pending(std::size_t count = 100) {
    return must(groups().pending("deploy", "workers", count));
  }
  // "2:ann 3:bob": ordinals and who has them.
  std::string holders(std::size_t count = 100) {
    std::string text;
    for (const PendingEvent& one : pending(count)) {
      text += (text.empty() ? "" : " ") + one.event_id.substr(one.event_id.find('-') + 1) + ":" + one.consumer;
    }
    return text;
  }
  std::vector<std::string> group_names(std::string_view type = "deploy") {
    std::vector<std::string> names;
    for (const GroupInfo& group : must(groups().groups(type))) names.push_back(group.group);
    return names;
  }
  GroupInfo group_info(std::string_view group = "workers") {
    const auto infos = must(groups().groups("deploy"));
    const auto found = std::ranges::find(infos, group, &GroupInfo::group);
    EXPECT_NE(found, infos.end()) << group;
    return found == infos.end() ? GroupInfo{} : *found;
  }

  // `ok` stands for a success.
  template <class T>
  static std::string outcome_of(const Result<T>& result) {
    return result ? "ok" : std::string(to_string(result.error().code));
  }
  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result) << result.error().message;
    return result ? *std::move(result) : T{};
  }

  template <class Call>
  bool rings_stream(std::string_view type, Call call) {
    return listening().rings({Topic::Kind::stream, type}, call);
  }
  template <class Call>
  bool rings_streams(Call call) {
    return listening().rings({Topic::Kind::streams, {}}, call);
  }
  Listening listening() { return {engine_->waker(), GetParam()}; }

  Id128 next_id() {
    ++ids_;
    Id128 id;
    for (std::size_t i = 0; i < sizeof ids_; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return id;
  }
  EventStore& store() { return engine_->events(); }
  EventGroupStore& groups() { return engine_->event_groups(); }
  void advance(std::chrono::nanoseconds by) { engine_->advance(by); }
  void step_wall(std::chrono::nanoseconds by) { engine_->step_wall(by); }

 private:
  // 0: no such event.
  std::uint64_t published_at(std::uint64_t ordinal) const {
    return ordinal >= 1 && ordinal <= published_.size() ? published_[ordinal - 1].ms : 0;
  }

  const std::unique_ptr<EngineUnderTest> engine_ = GetParam().make();
  std::vector<EventPlace> published_;  // to "deploy"
  std::uint64_t ids_ = 0;
};

inline std::string event_engine_name(const ::testing::TestParamInfo<EngineKind>& info) { return info.param.name; }

}  // namespace aldis::testing
