// What broadcasts leave on a Redis server, what a call does that is carried out twice, and lists longer than one script
// may handle. The rest of their behaviour is in tests/contract.

#include <gmock/gmock.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "engines/redis/redis_broadcasts.h"
#include "engines/redis/store_url.h"
#include "ports/signal_address.h"
#include "redis/clock_file.h"
#include "redis/server.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

const ProcessIdentity kProcess{4242, 77, "boot-id", 4026531836};

struct SendWith {
  std::chrono::nanoseconds ttl = 60s;
  std::string payload = "{}";
};

class RedisBroadcastKeys : public ::testing::Test {
 protected:
  Id128 send(std::string_view type = "news", const SendWith& with = {}) {
    Id128 id;
    ++sent_;
    for (std::size_t i = 0; i < sizeof sent_; ++i) id.bytes[13 - i] = static_cast<std::uint8_t>(sent_ >> (8 * i));
    id = address_signal(id, std::nullopt);
    const auto sent = broadcasts_.send({id, type, "boss", std::nullopt, with.payload, WallTime{}, with.ttl});
    EXPECT_TRUE(sent) << sent.error().message;
    return id;
  }
  void send_many(std::size_t count, const SendWith& with = {}) {
    for (std::size_t i = 0; i < count; ++i) send("news", with);
  }
  Result<TakeAnswer> take(std::string_view agent, const std::string& call = {}, const TakeOptions& options = {}) {
    const SignalFilter filter;
    const TakeRequest request{.agent = agent, .filter = filter, .options = options, .holder = kProcess};
    return broadcasts_.take({request, call, 6s}, TakeMode::full);
  }
  // Empty: something else came.
  std::string taken(std::string_view agent, const std::string& call = {}, const TakeOptions& options = {}) {
    const TakeAnswer answer = take(agent, call, options).value();
    const auto* delivered = std::get_if<Delivered>(&answer);
    return delivered != nullptr ? delivered->signal.signal_id : std::string();
  }
  static std::string name(const Id128& id) { return format_id(kSignalIdPrefix, id); }

  std::string key(std::string_view suffix) const { return "aldis1:{keys/b}" + std::string(suffix); }
  std::string command(const Words& words) const { return server_.command(words); }
  std::vector<std::string> keys() const {
    std::istringstream lines(command({"KEYS", "*"}));
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }

  RedisBroadcasts& broadcasts() { return broadcasts_; }
  void advance(std::chrono::microseconds by) { clock_.advance(by); }

 private:
  ClockFile clock_;
  const RedisServer server_{{.listen = RedisServerOptions::Listen::on_socket, .clock = &clock_}};
  RedisBroadcasts broadcasts_{
      RedisClient::open(parse_store_url(server_.url()).value(), 5s, std::make_shared<SystemClock>()).value(),
      Groups("keys")};
  std::uint64_t sent_ = 0;
};

TEST_F(RedisBroadcastKeys, every_key_ends_by_itself) {
  send("news", {.ttl = limits::kSignalTtlMax});
  const Id128 short_lived = send("other", {.ttl = 1s});
  taken("ann", "i:one");
  taken("bob", "i:one", {.acknowledge_within = 10s});
  ASSERT_TRUE(broadcasts().clear("cat", {}, "i:one"));
  advance(1s);
  EXPECT_TRUE(broadcasts().receipt(short_lived));
  EXPECT_EQ(taken("cat"), "");
  for (const std::string& one : keys()) EXPECT_NE(command({"PTTL", one}), "-1") << one;
  advance(24h * 19);
  EXPECT_THAT(keys(), ::testing::IsEmpty());
}

TEST_F(RedisBroadcastKeys, reading_in_order_takes_the_same_room_however_much_was_read) {
  send_many(200);
  EXPECT_NE(taken("ann"), "");
  const std::string once = command({"HSTRLEN", key(":c:ann"), "news"});
  for (int i = 1; i < 200; ++i) EXPECT_NE(taken("ann"), "");
  EXPECT_EQ(command({"HSTRLEN", key(":c:ann"), "news"}), once);
}

TEST_F(RedisBroadcastKeys, types_that_nobody_reads_any_more_are_cleared_away_by_sends_of_others) {
  for (const char* type : {"a", "b", "c"}) send(type, {.ttl = 1s});
  advance(24h + 1s);
  send("d");
  EXPECT_EQ(command({"HLEN", key(":n")}), "2");
  send("d");
  EXPECT_EQ(command({"HLEN", key(":n")}), "1");
  EXPECT_EQ(command({"EXISTS", key(":q:a"), key(":z:a"), key(":g:a"), key(":q:a|boss"), key(":z:a|boss")}), "0");
}

TEST_F(RedisBroadcastKeys, a_position_is_dropped_with_a_new_one_when_it_was_not_used_for_long) {
  send("old", {.ttl = 1s});
  taken("ann");
  advance(24h * 9);
  send("new");
  taken("ann");
  EXPECT_EQ(command({"HKEYS", key(":c:ann")}), "new");
}

TEST_F(RedisBroadcastKeys, a_take_that_is_carried_out_twice_answers_the_same_and_reads_once) {
  const Id128 first = send();
  const Id128 second = send();
  for (int times = 0; times < 2; ++times) EXPECT_EQ(taken("ann", "i:one"), name(first));
  EXPECT_EQ(broadcasts().receipt(first)->receipt.readers_total, 1U);
  EXPECT_EQ(taken("ann", "i:two"), name(second));
}

TEST_F(RedisBroadcastKeys, what_was_taken_can_be_taken_again_by_its_take_id_after_it_ended) {
  const Id128 id = send("news", {.ttl = 1s});
  EXPECT_EQ(taken("ann", "i:one"), name(id));
  advance(5s);
  EXPECT_EQ(taken("ann", "i:one"), name(id));
  advance(1s);
  EXPECT_EQ(taken("ann", "i:one"), "");
}

TEST_F(RedisBroadcastKeys, a_clear_or_a_hand_back_that_is_carried_out_twice_counts_the_same) {
  const Id128 id = send();
  taken("ann", "i:one", {.acknowledge_within = 10s});
  for (int times = 0; times < 2; ++times)
    EXPECT_EQ(broadcasts().hand_back("ann", {{id, 1, kProcess}}, "i:two").value(), 1U);
  for (int times = 0; times < 2; ++times) EXPECT_EQ(broadcasts().clear("ann", {}, "i:three").value(), 1U);
  EXPECT_EQ(broadcasts().clear("ann", {}, "i:four").value(), 0U);
}

TEST_F(RedisBroadcastKeys, whoever_remembers_the_version_looks_again_after_a_send_and_a_hand_back) {
  const Id128 id = send();
  const std::string sent = command({"GET", key(":v")});
  taken("ann", "i:one", {.acknowledge_within = 10s});
  EXPECT_EQ(command({"GET", key(":v")}), sent);
  EXPECT_EQ(broadcasts().hand_back("ann", {{id, 1, kProcess}}, "i:two").value(), 1U);
  EXPECT_NE(command({"GET", key(":v")}), sent);
}

TEST_F(RedisBroadcastKeys, a_list_of_many_pages_is_whole_and_in_order) {
  constexpr std::size_t kCount = limits::kRedisPageSignalsMax + 100;
  for (std::size_t i = 0; i < kCount; ++i) send(i % 2 == 0 ? "news" : "other");
  const auto all = broadcasts().pending("ann", {}).value();
  ASSERT_EQ(all.size(), kCount);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &CoordinationSignal::signal_id));
}

TEST_F(RedisBroadcastKeys, a_list_of_large_payloads_is_whole) {
  const std::string payload = R"({"text":")" + std::string(250'000, 'x') + "\"}";
  send_many(40, {.payload = payload});
  EXPECT_EQ(broadcasts().pending("ann", {}).value().size(), 40U);
}

TEST_F(RedisBroadcastKeys, more_than_one_script_clears_is_cleared_by_one_call) {
  constexpr std::size_t kCount = limits::kRedisSettledPerScript + 100;
  send_many(kCount);
  EXPECT_EQ(broadcasts().clear("ann", {}, "i:one").value(), kCount);
  EXPECT_EQ(broadcasts().clear("ann", {}, "i:one").value(), kCount);
  EXPECT_EQ(taken("ann"), "");
}

TEST_F(RedisBroadcastKeys, more_readers_than_one_script_asks_are_told_of_what_folded) {
  constexpr std::size_t kReaders = limits::kRedisSettledPerScript + 100;
  const auto reader = [](std::size_t number) { return "reader-" + std::to_string(number); };
  send("news", {.ttl = 1s});
  for (std::size_t i = 0; i < kReaders; ++i) ASSERT_NE(taken(reader(i)), "");
  const Id128 missed = send("news", {.ttl = 1s});
  for (std::size_t sent = 0; sent < limits::kTombstonesMax; sent += limits::kBroadcastsMax) {
    advance(1s);
    send_many(limits::kBroadcastsMax, {.ttl = 1s});
  }
  advance(1s);
  for (std::size_t i = 0; i < kReaders; ++i) {
    const TakeAnswer answer = take(reader(i)).value();
    const auto* told = std::get_if<Expired>(&answer);
    ASSERT_NE(told, nullptr) << i;
    EXPECT_EQ(told->signal_id, name(missed)) << i;
  }
}

TEST_F(RedisBroadcastKeys, what_the_server_evicted_is_reported_once_and_blocks_nobody) {
  const Id128 first = send();
  const Id128 second = send();
  const Id128 third = send();
  command({"DEL", key(":p:" + format_id("", first))});
  command({"DEL", key(":s:" + format_id("", second))});
  for (int times = 0; times < 2; ++times) {
    const auto answer = take("ann");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::data_loss);
    EXPECT_THAT(answer.error().message, ::testing::HasSubstr("noeviction"));
  }
  EXPECT_EQ(taken("ann"), name(third));
}

}  // namespace
}  // namespace aldis::testing
