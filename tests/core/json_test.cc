#include "aldis/json.h"

#include <gtest/gtest.h>

#include "aldis/limits.h"

namespace aldis {
namespace {

using ::testing::Test;

std::string refusal(std::string_view text) {
  const auto parsed = Json::parse(text);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  return parsed.error().message;
}

testing::AssertionResult refused_at(std::string_view text, std::size_t offset) {
  const std::string message = refusal(text);
  if (message.find("byte offset " + std::to_string(offset) + ":") != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << message;
}

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += R"({"a":)";
  return text + "1" + std::string(depth, '}');
}

TEST(Json, keeps_the_exact_bytes_that_were_submitted) {
  const std::string text = " { \"b\" : 1.50, \"a\":[1, 2 ,\"\\u00e9\"] }\n";
  ASSERT_TRUE(Json::parse(text));
  EXPECT_EQ(Json::parse(text)->text(), text);
  EXPECT_EQ(Json().text(), "{}");
}

TEST(Json, must_be_one_object) {
  for (const char* text : {"[]", "[{}]", "1", "\"a\"", "null", "true", "-1.5"}) {
    EXPECT_NE(refusal(text).find("not an object"), std::string::npos) << text;
  }
  EXPECT_NE(refusal(""), "accepted");
  EXPECT_NE(refusal("{} {}"), "accepted");
  EXPECT_NE(refusal("{}x"), "accepted");
  EXPECT_NE(refusal("{"), "accepted");
  EXPECT_NE(refusal("{'a':1}"), "accepted");
  EXPECT_NE(refusal("{\"a\":1,}"), "accepted");
  EXPECT_NE(refusal("{/**/}"), "accepted");
  EXPECT_NE(refusal("{\"a\":NaN}"), "accepted");
}

TEST(Json, a_refusal_names_the_byte_offset) {
  EXPECT_TRUE(refused_at(R"({"a":tru})", 5));
  EXPECT_TRUE(refused_at(R"({"a":1}})", 7));
}

TEST(Json, size_and_depth_are_bounded) {
  const std::string frame = R"({"a":""})";
  const std::string filler(limits::kPayloadBytesMax - frame.size(), 'x');
  EXPECT_TRUE(Json::parse(R"({"a":")" + filler + R"("})"));
  EXPECT_NE(refusal(R"({"a":")" + filler + R"(x"})"), "accepted");
  EXPECT_TRUE(Json::parse(nested(limits::kPayloadDepthMax)));
  EXPECT_NE(refusal(nested(limits::kPayloadDepthMax + 1)).find("deeper than 32"), std::string::npos);
}

TEST(Json, duplicate_keys_are_refused_after_unescaping_and_per_object) {
  EXPECT_NE(refusal(R"({"a":1,"a":2})").find("twice"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":1,"\u0061":2})").find("twice"), std::string::npos);
  EXPECT_NE(refusal(R"({"x":{"a":1,"b":2,"a":3}})").find("twice"), std::string::npos);
  EXPECT_TRUE(Json::parse(R"({"a":{"a":1},"b":{"a":1}})"));
}

TEST(Json, numbers_keep_their_value) {
  EXPECT_TRUE(Json::parse(R"({"a":18446744073709551615,"b":-9223372036854775808,"c":1.7e308,"d":1e-400})"));
  EXPECT_NE(refusal(R"({"a":18446744073709551616})").find("lose digits"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":-9223372036854775809})").find("lose digits"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":1e400})").find("too large"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":-1e309})").find("too large"), std::string::npos);
}

TEST(Json, broken_utf8_is_refused) {
  EXPECT_NE(refusal("{\"a\":\"\xC3\"}"), "accepted");
  EXPECT_NE(refusal("{\"a\":\"\xED\xA0\x80\"}"), "accepted");
  EXPECT_NE(refusal("{\"\xFF\":1}"), "accepted");
  EXPECT_NE(refusal(R"({"a":"\ud800"})"), "accepted");
  EXPECT_TRUE(Json::parse("{\"é\":\"\xF0\x9F\x9A\x80\"}"));
}

TEST(JsonQuote, escapes_what_a_string_literal_cannot_hold) {
  EXPECT_EQ(json_quote("a\"b\\c\n\x01\x7f"), R"("a\"b\\c\n\u0001\u007f")");
  EXPECT_EQ(json_quote("é"), "\"é\"");
  EXPECT_EQ(json_quote("a\xFF"), "\"a\xEF\xBF\xBD\"");
  EXPECT_TRUE(Json::parse("{\"a\":" + json_quote(std::string("\0\x1f\xC0", 3)) + "}"));
}

}  // namespace
}  // namespace aldis
