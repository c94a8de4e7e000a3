// What other agents wrote is shown without harm: escaped, cut to fit, secrets hidden.

#include <gmock/gmock.h>

#include "cli/masking.h"
#include "cli/table.h"
#include "cli/terminal_text.h"

namespace aldis::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TerminalText, control_characters_are_shown_and_not_obeyed) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("one\ntwo\tthree\r\x07"), "one\\ntwo\\tthree\\x0d\\x07");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m");  // the one-character form of ESC [
  EXPECT_EQ(printable("\x7f"), "\\x7f");
}

TEST(TerminalText, characters_that_turn_the_reading_direction_are_shown) {
  EXPECT_EQ(printable("a\u202eb\u2066c\u200fd"), "a\\u{202e}b\\u{2066}c\\u{200f}d");
}

TEST(TerminalText, characters_that_nobody_sees_are_shown) {
  EXPECT_EQ(printable("a\u200bb\u200dc\u2060d\u00ade\ufefff\u3164g"),
            "a\\u{200b}b\\u{200d}c\\u{2060}d\\u{ad}e\\u{feff}f\\u{3164}g");
  EXPECT_EQ(printable("\U000e0041\u2064\u200f\U000e007f"), "\\u{e0041}\\u{2064}\\u{200f}\\u{e007f}");
  EXPECT_EQ(printable("☺\ufe0f"), "☺\ufe0f") << "how a character looks is no secret";
}

TEST(TerminalText, broken_utf8_is_shown_byte_by_byte) {
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
}

TEST(TerminalText, ordinary_text_stays_as_it_is) { EXPECT_EQ(printable("Grüße, 世界 👍"), "Grüße, 世界 👍"); }

TEST(TerminalText, width_counts_columns_not_bytes) {
  EXPECT_EQ(display_width("Grüße"), 5u);
  EXPECT_EQ(display_width("世界"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
}

TEST(TerminalText, long_text_is_cut_with_a_mark) {
  EXPECT_EQ(shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(shorten("abcdef", 4), "abc…");
  EXPECT_EQ(shorten("世界世界", 4), "世…");
  EXPECT_EQ(shorten("abc", 0), "");
}

TEST(Tables, columns_line_up_and_cells_are_made_printable) {
  const OutputStyle style{.format = Format::table, .columns = 80};
  EXPECT_EQ(render_table(style, {{"NAME"}, {"N", false, true}}, {{{"ü"}, {"1"}}, {{"a\nb"}, {"22"}}}),
            "NAME   N\n"
            "ü      1\n"
            "a\\nb  22\n");
}

TEST(Tables, a_wide_table_is_cut_to_the_terminal) {
  const OutputStyle style{.format = Format::table, .columns = 40};
  const std::string text = render_table(style, {{"KEY"}, {"TEXT", true}}, {{{"k"}, {std::string(200, 'x')}}});
  EXPECT_THAT(text, HasSubstr("x…\n"));
  EXPECT_EQ(display_width(text.substr(text.find('\n') + 1)), 40u + 1);  // and the line's end
}

TEST(Tables, colour_only_where_the_style_has_it) {
  EXPECT_THAT(render_fields({.colour = true}, {{"state", {"dead", Colour::red}}}), HasSubstr("\x1b[31mdead\x1b[0m"));
  EXPECT_THAT(render_fields({.colour = false}, {{"state", {"dead", Colour::red}}}), Not(HasSubstr("\x1b")));
}

TEST(Masking, values_of_keys_that_are_named_like_secrets_are_hidden) {
  EXPECT_EQ(mask_json(R"({"password":"hunter2","user":"joe"})"), R"({"password":"***","user":"joe"})");
  EXPECT_EQ(mask_json(R"({"db_password" : 1, "API-Key":["a","b"],"n":2})"),
            R"({"db_password" : "***", "API-Key":"***","n":2})");
  EXPECT_EQ(mask_json(R"({"a":{"authToken":{"x":[1,{"y":"}"}]}},"b":1})"), R"({"a":{"authToken":"***"},"b":1})");
}

TEST(Masking, escapes_hide_no_secret) {
  EXPECT_EQ(mask_json(R"({"passw\u006frd":"hunter2"})"), R"({"passw\u006frd":"***"})");
  EXPECT_EQ(mask_json(R"({"\u0041pi\u005FKEY" : {"a":"b"}, "n":1})"), R"({"\u0041pi\u005FKEY" : "***", "n":1})");
  EXPECT_EQ(mask_json(R"({"to\/ken\"\\":1})"), R"({"to\/ken\"\\":"***"})");
  EXPECT_EQ(mask_json(R"({"k":"\u0067hp_0123456789abcdefghij"})"), R"({"k":"***"})");
  EXPECT_EQ(mask_json(R"({"pass\nword":"a\u00e9\ud83d\ude00\"b"})"), R"({"pass\nword":"***"})");
  EXPECT_EQ(mask_json(R"({"k\u00e9y\t":"a\u00e9\ud83d\ude00\"b\\"})"), R"({"k\u00e9y\t":"a\u00e9\ud83d\ude00\"b\\"})");
}

TEST(Masking, urls_in_json_lose_their_passwords_too) {
  EXPECT_EQ(mask_json(R"({"store":"redis://joe:hunter2@host/0"})"), R"({"store":"redis://joe:***@host/0"})");
  EXPECT_EQ(mask_json(R"(["redis:\/\/:hunter2@host"])"), R"(["redis://:***@host"])");
  EXPECT_EQ(mask_json(R"(["http:\/\/host\/a?b=1"])"), R"(["http:\/\/host\/a?b=1"])");
  EXPECT_EQ(mask_json(R"(["see http://host: ask a@b"])"), R"(["see http://host: ask a@b"])");
}

TEST(Masking, counts_of_tokens_are_no_secrets) {
  EXPECT_EQ(mask_json(R"({"tokens":12,"token_count":3})"), R"({"tokens":12,"token_count":3})");
}

TEST(Masking, strings_that_look_like_secrets_are_hidden) {
  EXPECT_TRUE(looks_like_a_secret("ghp_0123456789abcdefghij"));
  EXPECT_TRUE(looks_like_a_secret("sk-ant-api03-abcdefghijkl"));
  EXPECT_TRUE(looks_like_a_secret("q8Zr3VxK1mWp7LtY5uBn0AsD"));
  EXPECT_EQ(mask_json(R"({"list":["q8Zr3VxK1mWp7LtY5uBn0AsD","plain"]})"), R"({"list":["***","plain"]})");
}

TEST(Masking, paths_ids_and_hashes_are_no_secrets) {
  EXPECT_FALSE(looks_like_a_secret("src/engines/local/Board2.cc"));
  EXPECT_FALSE(looks_like_a_secret("sig_01JD0000000000000000000000"));
  EXPECT_FALSE(looks_like_a_secret("616505e0b1c2d3e4f5061728394a5b6c7d8e9f00"));
  EXPECT_FALSE(looks_like_a_secret("a sentence with 24 letters and more"));
}

TEST(Masking, an_url_loses_its_password) {
  EXPECT_EQ(mask_url("redis://joe:hunter2@host:6379/0"), "redis://joe:***@host:6379/0");
  EXPECT_EQ(mask_url("redis://:p@ss@host"), "redis://:***@host");
  EXPECT_EQ(mask_url("redis://host:6379"), "redis://host:6379");
  EXPECT_EQ(mask_url("redis://:hunter2@host"), "redis://:***@host");
  EXPECT_EQ(mask_url("redis://joe:hun/t?er2@host/0"), "redis://joe:***@host/0");
  EXPECT_EQ(mask_url("joe:hunter2@host:6379"), "joe:***@host:6379");
  EXPECT_EQ(mask_url("local:"), "local:");
}

TEST(Masking, an_url_loses_the_parameters_that_are_secrets) {
  EXPECT_EQ(mask_url("redis://host/0?password=hunter2"), "redis://host/0?password=***");
  EXPECT_EQ(mask_url("redis://host:1?db=1&access_token=a;b#c&x=2#y"), "redis://host:1?db=1&access_token=***&x=2#y");
  EXPECT_EQ(mask_url("redis://host:1?a=1;p%61ssword=p@ss"), "redis://host:1?a=1;p%61ssword=***");
  EXPECT_EQ(mask_url("redis://host?key=ghp_0123456789abcdefghij"), "redis://host?key=***");
  EXPECT_EQ(mask_url("redis://joe:hunter2@host?token=t"), "redis://joe:***@host?token=***");
  EXPECT_EQ(mask_url("redis://host#token=t"), "redis://host#token=***");
  EXPECT_EQ(mask_url("redis://host?password&tokens=3&%&=%4"), "redis://host?password&tokens=3&%&=%4");
}

}  // namespace
}  // namespace aldis::cli
