// Event ids and positions as text: what is accepted, and that nothing gets lost on the way.

#include "domain/event_position.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <set>

#include "aldis/limits.h"
#include "core/format.h"

namespace aldis {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kNameCharacters = "ABCXYZabcxyz0189._:/@+-";

rc::Gen<std::uint64_t> any_number(std::uint64_t least = 0) {
  return rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(least, 1000),
                        rc::gen::inRange<std::uint64_t>(least, kEventNumberMax),
                        rc::gen::element<std::uint64_t>(least + 0, kEventNumberMax + 0));
}

rc::Gen<std::string> any_type() {
  return rc::gen::map(rc::gen::container<std::string>(rc::gen::elementOf(std::string(kNameCharacters))),
                      [](std::string text) { return ("t" + std::move(text)).substr(0, limits::kNameBytesMax); });
}

ReadPosition any_position() {
  ReadPosition position;
  for (const std::string& type : *rc::gen::container<std::set<std::string>>(any_type())) {
    const std::uint64_t ordinal = *any_number();
    position.streams.push_back({type, {.ms = ordinal == 0 ? 0 : *any_number(), .ordinal = ordinal}});
  }
  position.all_types = position.streams.empty() || *rc::gen::arbitrary<bool>();
  return position;
}

TEST(EventIds, are_milliseconds_and_ordinal) {
  EXPECT_EQ(format_event_id({.ms = 1'790'000'000'123, .ordinal = 7}), "1790000000123-7");
  EXPECT_EQ(parse_event_id("1790000000123-7"), (EventPlace{.ms = 1'790'000'000'123, .ordinal = 7}));
  EXPECT_EQ(parse_event_id("0-1"), (EventPlace{.ms = 0, .ordinal = 1}));
  EXPECT_EQ(parse_event_id("9007199254740991-9007199254740991"), (EventPlace{kEventNumberMax, kEventNumberMax}));
}

TEST(EventIds, of_another_form_are_invalid_argument) {
  for (const char* text : {"",
                           "-",
                           "7",
                           "7-",
                           "-7",
                           "7-0",
                           "07-7",
                           "7-07",
                           "+7-7",
                           "7-+7",
                           " 7-7",
                           "7-7 ",
                           "7-7-7",
                           "7--7",
                           "0x7-7",
                           "7.0-7",
                           "9007199254740992-1",
                           "1-9007199254740992",
                           "1-99999999999999999999999",
                           "$",
                           "0",
                           "p1;a=7"}) {
    const auto parsed = parse_event_id(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(parsed.error().message, HasSubstr("1790000000000-7"));
  }
}

TEST(EventIds, read_back_as_they_were_written) {
  EXPECT_TRUE(rc::check("event id", [] {
    const EventPlace place{*any_number(), *any_number(1)};
    const auto parsed = parse_event_id(format_event_id(place));
    RC_ASSERT(parsed);
    RC_ASSERT(*parsed == place);
  }));
}

TEST(Starts, are_new_oldest_an_event_or_a_position) {
  EXPECT_EQ(parse_start("$"), ReadStart{FromNew{}});
  EXPECT_EQ(parse_start("0"), ReadStart{FromOldest{}});
  EXPECT_EQ(parse_start("5-3"), (ReadStart{EventPlace{5, 3}}));
  EXPECT_EQ(parse_start("p1;*"), (ReadStart{ReadPosition{.all_types = true, .streams = {}}}));
  EXPECT_EQ(parse_start("p1;build=5-7;deploy=0-123"),
            (ReadStart{ReadPosition{.all_types = false, .streams = {{"build", {5, 7}}, {"deploy", {0, 123}}}}}));
  EXPECT_EQ(parse_start("p1;*;deploy=0"),
            (ReadStart{ReadPosition{.all_types = true, .streams = {{"deploy", EventPlace{}}}}}));
}

TEST(Starts, of_another_form_are_invalid_argument) {
  for (const char* text : {"",
                           "1",
                           "00",
                           "$$",
                           "-1",
                           "5-0",
                           "now",
                           "p1",
                           "p1;",
                           "p2;*",
                           "p1;*;",
                           "p1;;a=5-1",
                           "p1;a",
                           "p1;a=",
                           "p1;=5-1",
                           "p1;a=1",
                           "p1;a=00",
                           "p1;a=0-0",
                           "p1;a=5-0",
                           "p1;a=5-01",
                           "p1;a=-1",
                           "p1;a=5-1;",
                           "p1;a=5-1;*",
                           "p1;*;*",
                           "p1;a=5-1;a=5-2",
                           "p1;b=5-1;a=5-2",
                           "p1;-a=5-1",
                           "p1;@a=5-1",
                           "p1;a b=5-1",
                           "p1;a=5-1=2",
                           "p1;a=5-9007199254740992",
                           "p1;a=9007199254740992-5",
                           "P1;a=5-1",
                           "p1;a=5-1\n"}) {
    const auto parsed = parse_start(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(parsed.error().message, HasSubstr("\"$\" (only new events), \"0\" (from the oldest kept)"));
  }
}

TEST(Positions, name_at_most_as_many_streams_as_one_read_may) {
  ReadPosition position;
  for (std::size_t n = 0; n < kPositionStreamsMax; ++n) {
    std::string type = fmt::format("{:04}", n);
    type.resize(limits::kNameBytesMax, 'x');
    position.streams.push_back({std::move(type), {kEventNumberMax, kEventNumberMax}});
  }
  EXPECT_EQ(parse_start(format_position(position)), ReadStart{position}) << "the longest of all";
  position.streams.push_back({"z", {5, 1}});
  EXPECT_FALSE(parse_start(format_position(position)));
}

TEST(Positions, read_back_as_they_were_written) {
  EXPECT_TRUE(rc::check("position", [] {
    const ReadPosition position = any_position();
    const auto parsed = parse_start(format_position(position));
    RC_ASSERT(parsed);
    RC_ASSERT(*parsed == ReadStart{position});
  }));
}

TEST(Positions, that_are_damaged_are_refused_or_are_another_position_in_the_same_words) {
  EXPECT_TRUE(rc::check("damaged position", [] {
    std::string text = format_position(any_position());
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = *rc::gen::arbitrary<char>();
    const auto parsed = parse_start(text);
    if (!parsed) return;
    if (const auto* position = std::get_if<ReadPosition>(&*parsed)) RC_ASSERT(format_position(*position) == text);
  }));
}

}  // namespace
}  // namespace aldis
