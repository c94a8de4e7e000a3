// The bytes of signal records: every record survives writing and reading, and nothing else is taken for one.

#include "engines/local/signal_codec.h"

#include <gtest/gtest.h>

#include "engines/local/board_keys.h"

namespace aldis::local {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kBoot{123'456'789'012ns};
constexpr WallTime kWall{std::chrono::microseconds{1'790'000'000'123'456}};
const Id128 kId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
const ProcessIdentity kHolder{4242, 77, "boot-id", 4026531836};
const ExpiryNotice kNotice{kId, "boss", kWall, kWall, kBoot};

// Every record with something in each field.
template <class Visit>
void each_record(Visit visit) {
  visit(SignalRecord{StoredState::expired, true, true, 3, 99, "type", "source", "target", kWall, 60s, kBoot, kWall,
                     R"({"a":1})"});
  visit(LaneRecord{1, 2, 3, {kBoot, 4}, kBoot, 5});
  visit(EndEntry{kId, "type"});
  visit(QueueEntry{kId, "source", kBoot, {2, kBoot, kHolder}});
  visit(QueueEntry{kId, "source", kBoot, {}});
  visit(kNotice);
  visit(FoldedNotice{kBoot, 12, 34, kNotice});
  CoordinationSignal signal{"sig_1", "type", "source", "target", Json::trusted(R"({"b":2})"), kWall, 60s, kWall, 2};
  visit(TakenRecord{kBoot, Delivered{signal}});
  signal.target_agent.reset();
  visit(TakenRecord{kBoot, Delivered{signal}});
  visit(TakenRecord{kBoot, Expired{"sig_1", "type", "source", kWall, kWall, 7}});
  visit(BroadcastEntry{kId, "source", kBoot, kWall, 60s, 3, kWall});
  visit(ReaderEntry{2, true, kWall, "agent"});
  visit(PositionRecord{kBoot, {{0, 5}, {7, 9}}, {{6, {1, kBoot, kHolder}}, {8, {}}}});
  visit(AppearedRecord{kBoot, kBoot});
}

TEST(SignalCodec, every_record_survives_writing_and_reading) {
  each_record([](const auto& record) {
    std::remove_cvref_t<decltype(record)> read;
    const std::string bytes = encode(record);
    ASSERT_TRUE(decode(bytes, read));
    EXPECT_EQ(encode(read), bytes);
  });
}

TEST(SignalCodec, a_record_that_ends_too_early_or_too_late_is_none) {
  each_record([](const auto& record) {
    std::remove_cvref_t<decltype(record)> read;
    const std::string bytes = encode(record);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(decode(std::string_view(bytes).substr(0, length), read)) << length << " of " << bytes.size();
    }
    EXPECT_FALSE(decode(bytes + "x", read));
  });
}

TEST(SignalCodec, a_state_or_kind_of_news_that_is_not_known_is_no_record) {
  SignalRecord signal;
  std::string bytes = encode(signal);
  bytes.front() = 4;
  EXPECT_FALSE(decode(bytes, signal));
  TakenRecord taken;
  bytes = encode(TakenRecord{kBoot, Expired{}});
  bytes[8] = 2;
  EXPECT_FALSE(decode(bytes, taken));
}

TEST(SignalCodec, names_never_meet_in_keys) {
  EXPECT_NE(names_key('f', "ab", "c"), names_key('f', "a", "bc"));
  EXPECT_NE(lane_key('m', "a", 'E'), lane_key('m', "aE", 'E'));
  EXPECT_FALSE(name_key('e', "ann").starts_with(name_key('e', "an")));
}

TEST(SignalCodec, keys_sort_by_commit_and_by_end) {
  const std::string prefix = name_key('m', "ann");
  EXPECT_LT(with_commit(prefix, 255), with_commit(prefix, 256));
  EXPECT_LT(with_end(prefix, {kBoot, 9}), with_end(prefix, {kBoot + 1ns, 1}));
  EXPECT_LT(with_end(prefix, {kBoot, 1}), with_end(prefix, {kBoot, 2}));
  EXPECT_EQ(commit_of(with_commit(prefix, 256)), 256U);
  EXPECT_EQ(end_of(with_end(prefix, {kBoot, 9})), (EndMark{kBoot, 9}));
  EXPECT_EQ(last_name(names_key('f', "ann", "type"), name_key('f', "ann")), "type");
}

}  // namespace
}  // namespace aldis::local
