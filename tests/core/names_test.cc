#include "core/names.h"

#include <gtest/gtest.h>

namespace aldis {
namespace {

TEST(Names, hold_letters_digits_and_a_few_marks) {
  for (const char* name : {"a", "agent-1", "ci/build:7", "me@host", "a.b_c+d", "_x", ".hidden", "..."}) {
    EXPECT_TRUE(check_name("agent", name)) << name;
  }
  EXPECT_TRUE(check_name("agent", std::string(128, 'a')));
}

TEST(Names, anything_else_is_invalid_argument) {
  for (const char* name : {"", "-a", "@a", ".", "..", "a b", "a*", "a?", "a\n", "é", "a\x7f", "a,b", "#"}) {
    const auto checked = check_name("agent", name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(check_name("agent", std::string(129, 'a')));
  EXPECT_FALSE(check_name("agent", std::string_view("a\0b", 3)));
}

TEST(Names, a_refusal_shows_no_control_characters) {
  EXPECT_EQ(check_name("agent", "a\x1b[31m").error().message.find('\x1b'), std::string::npos);
}

TEST(Namespaces, are_narrower_than_names) {
  EXPECT_TRUE(check_namespace("default"));
  EXPECT_TRUE(check_namespace("7_a-B"));
  EXPECT_TRUE(check_namespace(std::string(64, 'n')));
  for (const char* name : {"", "-a", "_a", "a.b", "a/b", "a:b", "*", "é"}) EXPECT_FALSE(check_namespace(name)) << name;
  EXPECT_FALSE(check_namespace(std::string(65, 'n')));
}

TEST(Texts, are_bounded_utf8_without_control_characters) {
  EXPECT_TRUE(check_text("task", "", 4));
  EXPECT_TRUE(check_text("task", "é\tx", 4));
  EXPECT_FALSE(check_text("task", "12345", 4));
  EXPECT_FALSE(check_text("task", "a\nb", 4));
  EXPECT_FALSE(check_text("task", "\xC3", 4));
}

TEST(Utf8, follows_rfc_3629) {
  EXPECT_TRUE(is_valid_utf8("a\xC2\x80\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\x80", "\xED\xA0\x80", "\xF0\x8F\x80\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xC3("}) {
    EXPECT_FALSE(is_valid_utf8(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace aldis
