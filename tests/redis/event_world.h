#pragma once
// Streams of events on a real server, for the tests of what they leave there. Header only.
//
// Model: the server's clock stands still until the test moves it; what the engines time by themselves goes with it.
// Threads: one thread.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "engines/redis/client.h"
#include "engines/redis/event_answers.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_event_groups.h"
#include "engines/redis/redis_events.h"
#include "engines/redis/scripts.h"
#include "engines/redis/store_url.h"
#include "fakes/fake_clock.h"
#include "redis/clock_file.h"
#include "redis/server.h"

namespace aldis::testing {

class EventWorld : public ::testing::Test {
 protected:
  EventPlace publish(std::string_view type = "deploy", std::string_view data = "{}") {
    const auto place = events().publish({.id = next_id(), .type = type, .data = data, .source = "ann"});
    EXPECT_TRUE(place) << place.error().message;
    return place.value_or(EventPlace{});
  }
  void publish_many(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) publish();
  }
  void configure(const StreamBounds& bounds, std::string_view type = "deploy") {
    EXPECT_TRUE(events().configure(type, bounds));
  }
  std::vector<StoredEvent> read(std::uint64_t after, std::size_t count) {
    const StreamCursor cursor{"deploy", after};
    return events().read({&cursor, 1}, count).value().front().events;
  }
  StreamHead head() { return events().heads("deploy").value().front(); }
  std::vector<std::string> known_types() {
    std::vector<std::string> types;
    const std::vector<StreamHead> heads = events().heads().value();
    for (const StreamHead& one : heads) types.push_back(one.type);
    return types;
  }
  GroupSlice give(std::string_view group, std::string_view consumer, std::size_t count) {
    auto slice = groups().read({.type = "deploy",
                                .group = group,
                                .consumer = consumer,
                                .start_after = 0,
                                .count = count,
                                .take_over_after = std::chrono::seconds{60}});
    EXPECT_TRUE(slice) << slice.error().message;
    return slice.value_or(GroupSlice{});
  }
  std::uint64_t acknowledge(std::string_view group, const std::vector<std::uint64_t>& ordinals) {
    std::vector<EventPlace> places;
    const auto kept = events().recent("deploy", 1, kScriptNumberMax, limits::kConsumeCountMax).value();
    for (const StoredEvent& event : kept) {
      if (std::ranges::find(ordinals, event.place.ordinal) != ordinals.end()) places.push_back(event.place);
    }
    return groups().acknowledge("deploy", group, places).value();
  }

  // The script as the client runs it when it does not know whether it ran before.
  Reply run(const Script& script, const std::vector<std::string_view>& arguments) {
    return client_->run(script, groups_.stream("deploy"), arguments).value();
  }
  Reply read_group_twice_as(std::string_view call_id) {
    return run(kEventGroupRead, {"workers", "bob", "0", "3", "60000000", call_id, "6000", "64", "2592000000000", "500",
                                 "4194304", "10000"});
  }

  std::string command(const Words& words) const { return server_.command(words); }
  std::vector<std::string> keys(const std::string& pattern = "*") const {
    std::istringstream lines(command({"KEYS", pattern}));
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }
  std::vector<std::string> remembered() const { return keys(key(":k:*")); }
  std::vector<std::string> immortal_keys() const {
    std::vector<std::string> found;
    for (const std::string& one : keys()) {
      if (command({"PTTL", one}) == "-1") found.push_back(one);
    }
    return found;
  }
  std::chrono::milliseconds time_to_live(const std::string& one) const {
    return std::chrono::milliseconds{std::stoll(command({"PTTL", one}))};
  }
  std::string key(std::string_view suffix) const { return groups_.stream("deploy").append(suffix); }
  std::string registry(std::string_view suffix) const { return groups_.streams() + std::string(suffix); }
  std::uint64_t calls_of(std::string_view name) const {
    const std::string value = field_of(command({"INFO", "commandstats"}), "cmdstat_" + std::string(name));
    return value.empty() ? 0 : std::strtoull(value.c_str() + std::string_view("calls=").size(), nullptr, 10);
  }
  // But what the test itself asks.
  std::uint64_t calls_of_all() const {
    std::uint64_t calls = 0;
    for (const std::string_view name : {"hmget", "time", "hget", "hsetnx", "xadd", "hset", "publish", "evalsha",
                                        "xtrim", "pexpire", "zadd", "unlink", "del", "hgetall", "xrange"}) {
      calls += calls_of(name);
    }
    return calls;
  }

  Id128 next_id() {
    ++ids_;
    Id128 id;
    for (std::size_t i = 0; i < sizeof ids_; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(ids_ >> (8 * i));
    return id;
  }
  EventStore& events() { return *events_; }
  EventGroupStore& groups() { return *event_groups_; }
  // As another process has them: they told the server nothing yet.
  std::shared_ptr<EventStore> another_store() const { return make_redis_events(client_, groups_, clock_); }
  std::shared_ptr<EventGroupStore> other_groups() const { return make_redis_event_groups(client_, groups_, clock_); }
  void advance(std::chrono::microseconds by) {
    clock_->advance(by);
    server_clock_.set(clock_->wall_now());
  }
  std::int64_t now_ms() const {
    return std::chrono::floor<std::chrono::milliseconds>(clock_->wall_now().time_since_epoch()).count();
  }

 private:
  ClockFile server_clock_;
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket, .clock = &server_clock_}};
  const Groups groups_{"keys"};
  const std::shared_ptr<RedisClient> client_ =
      RedisClient::open(parse_store_url(server_.url()).value(), std::chrono::seconds{5},
                        std::make_shared<SystemClock>())
          .value();
  const std::shared_ptr<EventStore> events_ = make_redis_events(client_, groups_, clock_);
  const std::shared_ptr<EventGroupStore> event_groups_ = make_redis_event_groups(client_, groups_, clock_);
  std::uint64_t ids_ = 0;
};

}  // namespace aldis::testing
