// What a Redis server answers about heartbeats, and what it must not make us believe.

#include "engines/redis/heartbeat_codec.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/bytes.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'790'000'000'000'000;
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// A value of G:r as the scripts write it, field by field.
struct Written {
  std::uint8_t published = 1;
  double ttl = 30e9;
  double finished = 0;
  double renewed = kNow - 10e6;
  double last_beat = kNow - 20e6;
  double beats = 4;
  double mean = 1.5;
  double progress = 0.5;

  std::string bytes() const {
    ByteWriter out;
    out.raw(std::string(32, 'i')).number(published).real(ttl).real(finished).real(renewed).real(renewed);
    out.real(last_beat).real(beats).real(3).real(mean).real(14).real(progress);
    return out.number(std::uint16_t{4}).number(std::uint16_t{6}).raw("busy").raw("file 3").bytes();
  }
};

std::string self_description() {
  AgentStart start;
  start.display_name = "The Worker";
  start.host = "castor";
  start.process = ProcessIdentity{4242, 77, "boot-id", 4026531836};
  return ByteWriter{}.real(kNow - 60e6).bytes() + pack_self_description(start);
}

Reply text(std::string value) { return {.kind = Reply::Kind::text, .text = std::move(value)}; }
Reply array(std::vector<Reply> elements) { return {.kind = Reply::Kind::array, .elements = std::move(elements)}; }
Reply time_of(std::int64_t microseconds) {
  return array({text(std::to_string(microseconds / 1'000'000)), text(std::to_string(microseconds % 1'000'000))});
}

std::optional<ErrorCode> refusal_of(const Result<HeartbeatListing>& listing) {
  return listing ? std::nullopt : std::optional(listing.error().code);
}

TEST(RedisHeartbeatCodec, reads_what_the_scripts_write) {
  const std::string bytes = Written{}.bytes();
  const auto pulse = unpack_pulse(bytes);
  ASSERT_TRUE(pulse);
  EXPECT_EQ(pulse->published, AgentState::suspect);
  EXPECT_EQ(pulse->ttl, 30s);
  EXPECT_EQ(pulse->finished, std::nullopt);
  EXPECT_EQ(pulse->renewed, WallTime{std::chrono::microseconds{kNow}} - 10s);
  EXPECT_EQ(pulse->beats, 4U);
  EXPECT_EQ(pulse->rhythm, (BeatRhythm{3, 1.5, 14}));
  EXPECT_EQ(pulse->progress, 0.5);
  EXPECT_EQ(pulse->status, "busy");
  EXPECT_EQ(pulse->current_task, "file 3");
  EXPECT_EQ(unpack_pulse(Written{.progress = kNotANumber}.bytes())->progress, std::nullopt);
  EXPECT_TRUE(unpack_pulse(Written{.finished = kNow}.bytes())->finished);
}

TEST(RedisHeartbeatCodec, refuses_a_pulse_that_is_cut_or_too_long) {
  const std::string whole = Written{}.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(unpack_pulse(whole.substr(0, size))) << size;
  EXPECT_FALSE(unpack_pulse(whole + 'x'));
}

TEST(RedisHeartbeatCodec, refuses_numbers_that_nobody_can_calculate_with) {
  for (const double wrong : {-1.0, 0.5, 1e300, kNotANumber, std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(unpack_pulse(Written{.ttl = wrong}.bytes())) << wrong;
    EXPECT_FALSE(unpack_pulse(Written{.finished = wrong}.bytes())) << wrong;
    EXPECT_FALSE(unpack_pulse(Written{.renewed = wrong}.bytes())) << wrong;
    EXPECT_FALSE(unpack_pulse(Written{.last_beat = wrong}.bytes())) << wrong;
    EXPECT_FALSE(unpack_pulse(Written{.beats = wrong}.bytes())) << wrong;
  }
  EXPECT_FALSE(unpack_pulse(Written{.mean = kNotANumber}.bytes()));
  EXPECT_FALSE(unpack_pulse(Written{.published = 5}.bytes()));
}

TEST(RedisHeartbeatCodec, refuses_a_self_description_that_is_cut_or_too_long) {
  const std::string whole = self_description();
  HeartbeatRecord record;
  ASSERT_TRUE(unpack_self_description(whole, record));
  EXPECT_EQ(record.start.process, (ProcessIdentity{4242, 77, "boot-id", 4026531836}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(unpack_self_description(whole.substr(0, size), record)) << size;
  EXPECT_FALSE(unpack_self_description(whole + 'x', record));
}

TEST(RedisHeartbeatCodec, servers_with_different_clocks_agree_on_how_long_ago_something_was) {
  constexpr std::int64_t kAhead = 3'600'000'000;
  Written ahead;
  ahead.renewed += kAhead;
  ahead.last_beat += kAhead;
  const auto shard = [](std::int64_t now, const std::string& agent, const std::string& pulse) {
    return array({time_of(now), array({text(agent), text(pulse)}), array({text(agent), text(self_description())})});
  };
  const std::vector<Reply> shards{shard(kNow, "b", Written{}.bytes()), shard(kNow + kAhead, "a", ahead.bytes())};
  const auto listing = read_heartbeat_answers(shards);
  ASSERT_TRUE(listing);
  ASSERT_EQ(listing->records.size(), 2U);
  EXPECT_EQ(listing->records[0].start.agent_id, "a");
  for (const HeartbeatRecord& record : listing->records) {
    EXPECT_EQ(record.renewed, listing->now - 10s) << record.start.agent_id;
    EXPECT_EQ(record.last_beat, listing->now - 20s) << record.start.agent_id;
  }
}

TEST(RedisHeartbeatCodec, the_two_hashes_of_a_shard_may_be_in_any_order) {
  const Reply pulse = text(Written{}.bytes());
  const Reply self = text(self_description());
  const auto listing =
      read_heartbeat_answers(std::vector{array({time_of(kNow), array({text("b"), pulse, text("a"), pulse}),
                                                array({text("a"), self, text("left over"), self, text("b"), self})})});
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->records.size(), 2U);
}

TEST(RedisHeartbeatCodec, a_damaged_record_is_named) {
  const Reply self = array({text("worker"), text(self_description())});
  const auto listing =
      read_heartbeat_answers(std::vector{array({time_of(kNow), array({text("worker"), text("junk")}), self})});
  ASSERT_FALSE(listing);
  EXPECT_EQ(listing.error().code, ErrorCode::data_loss);
  EXPECT_THAT(listing.error().message, HasSubstr("worker"));
  const auto alone = read_heartbeat_answers(
      std::vector{array({time_of(kNow), array({text("worker"), text(Written{}.bytes())}), array({})})});
  EXPECT_EQ(refusal_of(alone), ErrorCode::data_loss);
}

TEST(RedisHeartbeatCodec, a_reading_of_another_shape_is_data_loss_too) {
  const Reply now = time_of(kNow);
  EXPECT_FALSE(read_heartbeat_answer("agent", array({now, Reply{}, Reply{}})).value());
  for (const Reply& wrong :
       {Reply{}, array({now, Reply{}}), array({now, array({}), Reply{}}), array({Reply{}, Reply{}, Reply{}}),
        array({now, text(Written{}.bytes()), Reply{}}), array({now, text("junk"), text(self_description())})}) {
    const auto reading = read_heartbeat_answer("agent", wrong);
    ASSERT_FALSE(reading);
    EXPECT_EQ(reading.error().code, ErrorCode::data_loss);
  }
}

TEST(RedisHeartbeatCodec, an_answer_of_another_shape_is_data_loss) {
  const Reply none = array({});
  const Reply now = time_of(kNow);
  for (const Reply& wrong :
       {Reply{}, none, array({now, none}), array({now, none, Reply{}}), array({Reply{}, none, none}),
        array({array({text("1e9"), text("0")}), none, none}), array({array({text("-1"), text("0")}), none, none}),
        array({array({text("9999999999999"), text("0")}), none, none}), array({now, array({text("odd")}), none}),
        array({now, array({text("agent"), Reply{}}), none})}) {
    EXPECT_EQ(refusal_of(read_heartbeat_answers({&wrong, 1})), ErrorCode::data_loss);
  }
}

}  // namespace
}  // namespace aldis::testing
