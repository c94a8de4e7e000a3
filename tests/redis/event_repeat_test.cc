// Calls on streams of events whose answers are lost, or that a server takes up late: each is done once. A patience of
// its own ends a publication that the server does not answer. And what replicas must have before a call is answered.

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/ids.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_event_groups.h"
#include "engines/redis/redis_events.h"
#include "engines/redis/routing.h"
#include "engines/redis/store_url.h"
#include "redis/chaos_proxy.h"
#include "redis/cluster.h"
#include "redis/eventually.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatientCallTimeout = 20s;

// Both stores as one client sees them.
struct Store {
  explicit Store(const std::string& url, std::chrono::nanoseconds call_timeout = kPatientCallTimeout)
      : client(RedisClient::open(parse_store_url(url).value(), call_timeout, clock).value()) {}

  OutgoingEvent event() const {
    return {.id = make_id(clock->wall_now()), .type = "deploy", .data = "{}", .source = {}};
  }
  Result<GroupSlice> give(std::size_t count, std::string_view group = "workers", std::uint64_t start = 0) const {
    return groups->read({.type = "deploy",
                         .group = group,
                         .consumer = "ann",
                         .start_after = start,
                         .count = count,
                         .take_over_after = 1h});
  }
  std::uint64_t last() const { return events->heads("deploy").value().at(0).last.ordinal; }
  std::uint64_t first() const { return events->heads("deploy").value().at(0).first; }
  std::uint64_t pending() const { return groups->groups("deploy").value().at(0).pending; }

  const std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
  const std::shared_ptr<RedisClient> client;
  const std::shared_ptr<EventStore> events = make_redis_events(client, Groups("repeat"), clock);
  const std::shared_ptr<EventGroupStore> groups = make_redis_event_groups(client, Groups("repeat"), clock);
};

// Makes a call whose answers are lost until `is_done` has seen it carried out, and then for a while.
template <class Call, class IsDone>
auto lose_answers_of(ChaosProxy& proxy, Call call, IsDone is_done) {
  proxy.misbehave(ChaosProxy::Direction::to_client, {.cut_after = 0});
  auto calling = std::async(std::launch::async, call);
  EXPECT_TRUE(eventually(is_done));
  let_pass(300ms);
  proxy.behave();
  return calling.get();
}

TEST(LostEventAnswer, of_a_publication_is_given_again) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  const Store direct(server.url());
  const Store store("redis://" + proxy.address());
  ASSERT_TRUE(store.events->publish(store.event()));
  const auto place =
      lose_answers_of(proxy, [&] { return store.events->publish(store.event()); }, [&] { return direct.last() == 2; });
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->ordinal, 2U);
  EXPECT_EQ(direct.last(), 2U);
}

TEST(LostEventAnswer, of_a_read_of_a_group_is_given_again_with_its_gap) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  const Store direct(server.url());
  const Store store("redis://" + proxy.address());
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(store.events->publish(store.event()));
  ASSERT_EQ(store.give(1)->events.size(), 1U);
  ASSERT_EQ(store.events->trim("deploy", 4).value(), 2U);
  const auto slice = lose_answers_of(proxy, [&] { return store.give(2); }, [&] { return direct.pending() == 2; });
  ASSERT_TRUE(slice) << slice.error().message;
  ASSERT_TRUE(slice->gap);
  EXPECT_EQ(slice->gap->lost, 2U);
  ASSERT_EQ(slice->events.size(), 2U);
  EXPECT_EQ(slice->events.front().place.ordinal, 3U);
  EXPECT_EQ(direct.pending(), 2U);
}

TEST(LostEventAnswer, of_an_acknowledgement_or_a_trim_counts_what_it_did) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  const Store direct(server.url());
  const Store store("redis://" + proxy.address());
  std::vector<EventPlace> places;
  for (int i = 0; i < 4; ++i) places.push_back(store.events->publish(store.event()).value());
  ASSERT_EQ(store.give(3)->events.size(), 3U);
  // The server knows the scripts now: the next calls are carried out at once.
  ASSERT_TRUE(store.groups->acknowledge("deploy", "workers", {}));
  ASSERT_TRUE(store.events->trim("deploy", 10));
  const auto acknowledged = lose_answers_of(
      proxy, [&] { return store.groups->acknowledge("deploy", "workers", {places.data(), 2}); },
      [&] { return direct.pending() == 1; });
  EXPECT_EQ(acknowledged.value(), 2U);
  const auto trimmed =
      lose_answers_of(proxy, [&] { return store.events->trim("deploy", 1); }, [&] { return direct.first() == 4; });
  EXPECT_EQ(trimmed.value(), 3U);
}

TEST(LateEventCall, of_a_publication_is_carried_out_once_however_many_attempts_wait_at_the_server) {
  const RedisServer server;
  const Store store(server.url(), 3s);
  for (int round = 1; round <= 5; ++round) {
    const std::uint64_t before = round == 1 ? 0 : store.last();
    server.stop();
    auto publishing = std::async(std::launch::async, [&] { return store.events->publish(store.event()); });
    let_pass(round * 400ms);
    server.go_on();
    ASSERT_TRUE(publishing.get());
    EXPECT_EQ(store.last(), before + 1);
  }
}

TEST(LostEventAnswer, of_what_was_dropped_is_not_counted_twice) {
  const RedisServer server;
  ChaosProxy proxy(server.port());
  const Store direct(server.url());
  const Store store("redis://" + proxy.address());
  // The server knows the script now: the next call is carried out at once.
  store.events->count_dropped(1);
  store.events->hand_on_dropped(kPatientCallTimeout);
  ASSERT_EQ(direct.events->dropped().value(), 1U);
  store.events->count_dropped(3);
  lose_answers_of(
      proxy,
      [&] {
        store.events->hand_on_dropped(300ms);
        return true;
      },
      [&] { return direct.events->dropped().value() == 4; });
  store.events->count_dropped(1);
  store.events->hand_on_dropped(kPatientCallTimeout);
  EXPECT_EQ(direct.events->dropped().value(), 4U) << "the server heard it, and its answer was lost";
  store.events->hand_on_dropped(kPatientCallTimeout);
  EXPECT_EQ(direct.events->dropped().value(), 5U);
  EXPECT_EQ(store.events->dropped().value(), 5U);
}

TEST(EventsOnAReplica, are_there_before_a_member_of_a_group_has_them) {
  const RedisServer master;
  const RedisServer replica({.lines = {"replicaof 127.0.0.1 " + std::to_string(master.port())}});
  ASSERT_TRUE(eventually([&] { return replica.info("master_link_status") == "up"; }));
  const Store store(master.url() + "?replicas=1");
  const Store impatient(master.url() + "?replicas=1", 500ms);
  const Store direct(master.url());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(store.events->publish(store.event()));
  ASSERT_EQ(store.give(1)->events.size(), 1U);
  replica.stop();
  const auto given = impatient.give(1);
  ASSERT_FALSE(given) << "a replica that takes over would give it to another";
  EXPECT_EQ(given.error().code, ErrorCode::unavailable) << given.error().message;
  EXPECT_FALSE(impatient.give(1, "late", 2)) << "a group that the replica does not know would begin elsewhere";
  EXPECT_EQ(direct.groups->groups("deploy")->size(), 2U);
  EXPECT_TRUE(store.give(1)) << "nothing is left to give, so there is nothing to wait for";
  replica.go_on();
  ASSERT_TRUE(store.events->publish(store.event()));
  EXPECT_EQ(store.give(1)->events.size(), 1U);
}

// A type whose stream is on another master than the list of all streams.
std::string type_elsewhere(RedisCluster& cluster, const RedisServer& master_of_list) {
  for (int i = 0;; ++i) {
    std::string type = "type" + std::to_string(i);
    if (&cluster.master_of(slot_of(Groups("repeat").stream(type))) != &master_of_list) return type;
  }
}

TEST(EventsInACluster, of_a_stream_that_is_there_need_no_list_of_streams) {
  RedisCluster cluster({.node_timeout = 60s});
  const RedisServer& master_of_list = cluster.master_of(slot_of(Groups("repeat").streams()));
  const std::string type = type_elsewhere(cluster, master_of_list);
  const Store before(cluster.url());
  const auto publish = [](const Store& store, const std::string& to) {
    OutgoingEvent event = store.event();
    event.type = to;
    return store.events->publish(event);
  };
  ASSERT_TRUE(publish(before, type));
  const Store store(cluster.url(), 5s);
  master_of_list.stop();
  const auto place = publish(store, type);
  const auto slice = store.groups->read({.type = type, .group = "workers", .consumer = "ann", .start_after = 0});
  const auto refused = publish(store, type + ".new");
  master_of_list.go_on();
  EXPECT_TRUE(place) << place.error().message;
  EXPECT_TRUE(slice) << slice.error().message;
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
}

TEST(EventPatience, ends_a_publication_that_the_server_does_not_answer) {
  const RedisServer server;
  const Store store(server.url(), 24h);
  ASSERT_TRUE(store.events->publish(store.event()));
  server.stop();
  OutgoingEvent event = store.event();
  event.at_most = limits::kOwnEventPatience;
  const auto known = store.events->publish(event);
  event.type = "never-seen";
  const auto unknown = store.events->publish(event);
  server.go_on();
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().code, ErrorCode::unavailable) << known.error().message;
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::unavailable) << unknown.error().message;
}

}  // namespace
}  // namespace aldis::testing
