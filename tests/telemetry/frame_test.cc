#include "telemetry/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "aldis/limits.h"
#include "core/bytes.h"

namespace aldis::telemetry {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

const FrameOrigin kOrigin{
    .tool = "tool", .version = "1.2.3", .install_id = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

EventRecord record(std::int64_t rows = 7) {
  return {.time = sys_seconds(seconds(1'790'000'000)),
          .severity = Severity::information,
          .name = "command_run",
          .attributes = {{"command", std::string("list")}, {"rows", rows}, {"json", true}}};
}

// One with as much text as no other has.
EventRecord wordy_record(int number) {
  EventRecord wordy = record(number);
  for (int i = 0; i < 8; ++i) {
    std::string text = "value_" + std::to_string(number) + "_" + std::to_string(i);
    text.resize(40, 'x');
    wordy.attributes.push_back({"attribute_" + std::to_string(i), text});
  }
  return wordy;
}

std::string joined(const std::vector<EncodedFrame>& frames) {
  std::string bytes;
  for (const EncodedFrame& frame : frames) bytes += frame.bytes;
  return bytes;
}

// Bit by bit, as the checksum is defined.
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t sum = 0xFFFFFFFF;
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82F63B78 : 0);
  }
  return ~sum;
}

std::string sealed(std::string_view payload) {
  ByteWriter out;
  out.raw("ATF1").number(static_cast<std::uint16_t>(payload.size())).number<std::uint16_t>(0);
  return std::move(out.number(crc32c(payload)).raw(payload)).bytes();
}

std::vector<EventRecord> records_of(const DecodedSpool& spool) {
  std::vector<EventRecord> records;
  for (const Frame& frame : spool.frames) records.insert(records.end(), frame.records.begin(), frame.records.end());
  return records;
}

TEST(Frame, is_written_as_the_document_says) {
  const EventRecord error{.time = sys_seconds(seconds(0x0102030405)),
                          .severity = Severity::error,
                          .name = "error",
                          .attributes = {{"code", std::string("error")}, {"n", std::int64_t{-2}}, {"b", false}}};
  const auto frames = encode(kOrigin, std::span(&error, 1), 3, 0xA1A2A3A4A5A6A7A8);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].records, 1u);
  EXPECT_EQ(frames[0].dropped, 3u);
  using namespace std::string_literals;
  const std::string payload =
      "\x04tool\x05"
      "1.2.3"
      "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
      "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8"
      "\x00\x00\x00\x03"
      "\x04\x05"
      "error\x04"
      "code\x01n\x01"
      "b"
      "\x01"
      "\x00\x00\x00\x01\x02\x03\x04\x05\x11\x00\x03"
      "\x01\x02\x00"
      "\x02\x01\xff\xff\xff\xff\xff\xff\xff\xfe"
      "\x03\x00\x00"s;
  EXPECT_EQ(frames[0].bytes.substr(0, 4), "ATF1");
  EXPECT_EQ(frames[0].bytes.substr(4, 4), std::string({'\0', static_cast<char>(payload.size()), '\0', '\0'}));
  EXPECT_EQ(frames[0].bytes.substr(12), payload);
}

TEST(Frame, is_sealed_with_crc_32c) {
  ASSERT_EQ(crc32c("123456789"), 0xE3069283u) << "the check value of this checksum";
  const std::string bytes = joined(encode(kOrigin, std::vector{record()}, 0, 1));
  EXPECT_EQ(bytes, sealed(bytes.substr(12)));
}

TEST(Frame, reads_back_as_it_was_written) {
  const std::vector<EventRecord> records = {record(1), record(-1), record(std::numeric_limits<std::int64_t>::min()),
                                            record(std::numeric_limits<std::int64_t>::max())};
  const DecodedSpool spool = decode(joined(encode(kOrigin, records, 5, 42)));
  ASSERT_EQ(spool.frames.size(), 1u);
  EXPECT_EQ(spool.frames[0], (Frame{.origin = kOrigin, .nonce = 42, .dropped = 5, .records = records}));
  EXPECT_EQ(spool.gaps, 0u);
  EXPECT_EQ(spool.record_count(), 4u);
  EXPECT_EQ(spool.dropped_count(), 5u);
}

TEST(Frame, nothing_to_say_is_no_frame) { EXPECT_TRUE(encode(kOrigin, {}, 0, 1).empty()); }

TEST(Frame, a_count_alone_is_a_frame_without_records) {
  const auto frames = encode(kOrigin, {}, 9, 1);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].records, 0u);
  const DecodedSpool spool = decode(frames[0].bytes);
  ASSERT_EQ(spool.frames.size(), 1u);
  EXPECT_EQ(spool.frames[0].dropped, 9u);
  EXPECT_TRUE(spool.frames[0].records.empty());
}

TEST(Frame, what_does_not_fit_into_one_goes_into_more) {
  std::vector<EventRecord> records;
  for (int i = 0; i < 48; ++i) records.push_back(wordy_record(i));
  const auto frames = encode(kOrigin, records, 2, 100);
  ASSERT_GT(frames.size(), 1u);
  std::uint32_t count = 0;
  std::size_t bytes = 0;
  for (const EncodedFrame& frame : frames) {
    EXPECT_LE(frame.bytes.size(), limits::kTelemetryFrameBytesMax);
    count += frame.records;
    bytes += frame.bytes.size();
  }
  EXPECT_EQ(count, 48u);
  EXPECT_LE(frames.size(), bytes / limits::kTelemetryFrameBytesMax + frames.size() / 4 + 1) << "as few as hold it";
  const DecodedSpool spool = decode(joined(frames));
  EXPECT_EQ(records_of(spool), records);
  for (std::size_t i = 0; i < spool.frames.size(); ++i) {
    EXPECT_EQ(spool.frames[i].nonce, 100 + i) << "no two frames are equal";
    EXPECT_EQ(spool.frames[i].dropped, i == 0 ? 2u : 0u);
    EXPECT_EQ(spool.frames[i].origin, kOrigin);
  }
}

TEST(Frame, holds_255_records_and_255_strings_at_most) {
  std::vector<EventRecord> records(600, {.time = {}, .severity = Severity::error, .name = "e", .attributes = {}});
  auto frames = encode(kOrigin, records, 0, 0);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].records, 255u);
  EXPECT_EQ(frames[2].records, 90u);
  EXPECT_EQ(records_of(decode(joined(frames))), records);

  records.clear();
  for (int i = 0; i < 300; ++i)
    records.push_back({.time = {}, .severity = Severity::error, .name = std::to_string(i), .attributes = {}});
  EXPECT_EQ(records_of(decode(joined(encode(kOrigin, records, 0, 0)))), records);
  records.resize(200);
  for (EventRecord& each : records) each.attributes.push_back({"again_" + each.name, each.name});
  frames = encode(kOrigin, records, 0, 0);
  EXPECT_EQ(records_of(decode(joined(frames))), records);
  EXPECT_EQ(frames[0].records, 127u) << "two strings each";
}

TEST(Frame, is_filled_to_the_last_byte_but_no_further) {
  std::size_t longest = 0;
  FrameOrigin origin = kOrigin;
  // Each record is of 21 bytes, so one of these versions leaves no byte free.
  for (std::size_t length = 0; length < 21; ++length) {
    origin.version = std::string(length, '1');
    const std::vector<EventRecord> records(
        255, {.time = {}, .severity = Severity::error, .name = "e", .attributes = {{"e", std::int64_t{7}}}});
    const auto frames = encode(origin, records, 0, 0);
    EXPECT_EQ(records_of(decode(joined(frames))), records);
    longest = std::max(longest, frames[0].bytes.size());
  }
  EXPECT_EQ(longest, limits::kTelemetryFrameBytesMax);
}

TEST(Frame, the_largest_event_that_a_table_can_hold_fits) {
  EventRecord largest = record();
  largest.attributes.clear();
  for (int i = 0; i < 16; ++i) {
    std::string name = "name_" + std::to_string(i);
    std::string value = "value_" + std::to_string(i);
    name.resize(limits::kTelemetryNameBytesMax, 'n');
    value.resize(limits::kTelemetryNameBytesMax, 'v');
    largest.attributes.push_back({name, value});
  }
  const auto frames = encode(kOrigin, std::span(&largest, 1), 0, 0);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(records_of(decode(frames[0].bytes)), std::vector{largest});
}

TEST(Frame, a_record_that_fits_into_none_is_counted) {
  EventRecord huge = record();
  for (int i = 0; i < 100; ++i) huge.attributes.push_back({std::to_string(i) + std::string(100, 'n'), true});
  const std::vector<EventRecord> records = {record(1), huge, record(2)};
  const DecodedSpool spool = decode(joined(encode(kOrigin, records, 4, 0)));
  EXPECT_EQ(records_of(spool), (std::vector{record(1), record(2)}));
  EXPECT_EQ(spool.dropped_count(), 5u);
}

TEST(Frame, a_text_is_cut_to_255_bytes) {
  FrameOrigin origin = kOrigin;
  origin.version = std::string(1000, '1');
  EventRecord wordy = record();
  wordy.attributes = {{"text", std::string(1000, 'a')}};
  const DecodedSpool spool = decode(joined(encode(origin, std::span(&wordy, 1), 0, 0)));
  ASSERT_EQ(spool.frames.size(), 1u);
  EXPECT_EQ(spool.frames[0].origin.version, std::string(255, '1'));
  EXPECT_EQ(std::get<std::string>(spool.frames[0].records[0].attributes[0].value), std::string(255, 'a'));
}

class Spool : public ::testing::Test {
 protected:
  std::string one_ = joined(encode(kOrigin, std::vector{record(1)}, 0, 1));
  std::string two_ = joined(encode(kOrigin, std::vector{record(2)}, 0, 2));
  std::string three_ = joined(encode(kOrigin, std::vector{record(3)}, 0, 3));

  static void expect(const DecodedSpool& spool, const std::vector<EventRecord>& records, std::uint32_t gaps) {
    EXPECT_EQ(records_of(spool), records);
    EXPECT_EQ(spool.gaps, gaps);
  }
};

TEST_F(Spool, is_read_frame_by_frame) { expect(decode(one_ + two_ + three_), {record(1), record(2), record(3)}, 0); }

TEST_F(Spool, that_is_empty_holds_nothing) { expect(decode(""), {}, 0); }

TEST_F(Spool, a_torn_frame_costs_itself_only) {
  for (std::size_t kept = 1; kept < two_.size(); ++kept)
    expect(decode(one_ + two_.substr(0, kept) + three_), {record(1), record(3)}, 1);
  for (std::size_t kept = 1; kept < three_.size(); ++kept)
    expect(decode(one_ + two_ + three_.substr(0, kept)), {record(1), record(2)}, 1);
}

TEST_F(Spool, any_flipped_byte_costs_its_frame_only) {
  for (std::size_t at = 0; at < two_.size(); ++at) {
    std::string damaged = two_;
    damaged[at] = static_cast<char>(~damaged[at]);
    expect(decode(one_ + damaged + three_), {record(1), record(3)}, 1);
  }
}

TEST_F(Spool, a_gap_counts_once_however_long_it_is) {
  expect(decode("ATFATF1ATF1 rubbish ATF1" + one_), {record(1)}, 1);
  expect(decode(one_ + std::string(10'000, 'A') + two_ + "ATF1"), {record(1), record(2)}, 2);
  EXPECT_EQ(decode(one_ + "x").dropped_count(), 1u);
}

// What begins like a frame of 4 KiB each 8 bytes would cost a checksum of 4 KiB each 8 bytes.
TEST_F(Spool, after_too_many_frames_that_are_none_the_rest_is_one_gap) {
  std::string bytes = one_;
  for (std::size_t i = 1; i < limits::kTelemetryUnsoundFramesMax; ++i) bytes += std::string_view("ATF1\x0f\xf4\0\0", 8);
  expect(decode(bytes + three_), {record(1), record(3)}, 1);
  expect(decode(bytes + "ATF1" + three_), {record(1)}, 1);
  expect(decode(bytes + three_ + "ATF1" + two_), {record(1), record(3)}, 2);
}

std::size_t text_bytes_of(const DecodedSpool& spool) {
  std::size_t bytes = 0;
  for (const EventRecord& each : records_of(spool)) {
    bytes += each.name.size();
    for (const Attribute& attribute : each.attributes) {
      const auto* text = std::get_if<std::string>(&attribute.value);
      bytes += attribute.name.size() + (text == nullptr ? 0 : text->size());
    }
  }
  return bytes;
}

TEST_F(Spool, says_no_more_than_events_can_say_however_often_it_repeats_a_text) {
  const auto spool_of = [](const EventRecord& repeated) {
    const std::string frame = encode(kOrigin, std::vector<EventRecord>(255, repeated), 0, 1).front().bytes;
    std::string bytes;
    while (bytes.size() + frame.size() <= limits::kTelemetrySpoolBytesMax) bytes += frame;
    return bytes;
  };
  EventRecord wordy = record();
  wordy.attributes.assign(limits::kTelemetryFieldsMax, {std::string(48, 'n'), std::string(48, 'v')});
  const DecodedSpool whole = decode(spool_of(wordy));
  EXPECT_EQ(whole.gaps, 0u);
  EXPECT_GT(text_bytes_of(whole), limits::kTelemetryBatchTextBytesMax / 2);

  wordy.attributes.assign(255, {std::string(255, 'n'), std::string(255, 'n')});
  const DecodedSpool cut = decode(spool_of(wordy));
  EXPECT_EQ(cut.gaps, 1u);
  EXPECT_GT(cut.record_count(), 0u);
  EXPECT_LE(text_bytes_of(cut), limits::kTelemetryBatchTextBytesMax);
}

TEST_F(Spool, a_frame_of_another_version_costs_nothing_else) {
  std::string later = two_;
  later[3] = '2';
  expect(decode(one_ + later + three_), {record(1), record(3)}, 1);
}

// A frame of one string and one record, and what is wrong with it.
struct Unsound {
  std::string what;
  std::uint8_t severity = 9;
  std::uint8_t name = 0;
  std::uint8_t attributes = 1;
  std::uint8_t kind = 0;
  std::uint8_t value = 1;
  std::string behind = {};

  std::string bytes() const {
    ByteWriter out;
    out.raw(std::string(30, '\0')).number<std::uint8_t>(1).number<std::uint8_t>(1).raw("e").number<std::uint8_t>(1);
    out.number<std::uint64_t>(5).number(severity).number(name).number(attributes);
    out.number<std::uint8_t>(0).number(kind).number(value).raw(behind);
    return sealed(out.bytes());
  }
};

TEST_F(Spool, a_sealed_frame_that_no_writer_writes_is_a_gap) {
  EXPECT_EQ(decode(Unsound{.what = "nothing"}.bytes()).record_count(), 1u);
  for (const Unsound& unsound :
       {Unsound{.what = "a severity that there is not", .severity = 10}, Unsound{.what = "no such string", .name = 1},
        Unsound{.what = "no such kind", .kind = 3}, Unsound{.what = "a boolean of 2", .value = 2},
        Unsound{.what = "no such text", .kind = 2, .value = 1}, Unsound{.what = "half an integer", .kind = 1},
        Unsound{.what = "an attribute that is not there", .attributes = 2},
        Unsound{.what = "bytes behind the last record", .attributes = 0}, Unsound{.what = "more", .behind = "x"}}) {
    SCOPED_TRACE(unsound.what);
    expect(decode(one_ + unsound.bytes() + three_), {record(1), record(3)}, 1);
  }
  expect(decode(one_ + sealed("") + three_), {record(1), record(3)}, 1);
}

TEST_F(Spool, a_frame_that_is_too_long_is_a_gap) {
  // Sound but for its length: 255 records of 17 bytes and one string of 255.
  ByteWriter out;
  out.raw(std::string(30, '\0')).number<std::uint8_t>(1).number<std::uint8_t>(255).raw(std::string(255, 'e'));
  out.number<std::uint8_t>(255);
  for (int i = 0; i < 255; ++i) {
    out.number<std::uint64_t>(5).number<std::uint8_t>(9).number<std::uint8_t>(0).number<std::uint8_t>(2);
    for (int attribute = 0; attribute < 2; ++attribute) out.raw(std::string_view("\0\0\1", 3));
  }
  const std::string frame = sealed(out.bytes());
  ASSERT_GT(frame.size(), limits::kTelemetryFrameBytesMax);
  expect(decode(one_ + frame + three_), {record(1), record(3)}, 1);
}

}  // namespace
}  // namespace aldis::telemetry
