// The parts of the example that need no fleet.

#include <gmock/gmock.h>

#include <cstddef>
#include <string>
#include <vector>

#include "checks.h"
#include "messages.h"
#include "report_writer.h"
#include "text.h"

namespace code_review {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> found(std::string_view path, std::string_view text) {
  std::vector<std::string> lines;
  for (const Finding& finding : check_text(path, text)) {
    lines.push_back(std::to_string(finding.line) + " " + finding.check);
  }
  return lines;
}

std::string lines(std::size_t count, const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += line + "\n";
  return text;
}

TEST(Checks, clean_text_has_no_findings) {
  EXPECT_THAT(found("a.cc", ""), IsEmpty());
  EXPECT_THAT(found("a.cc", "int f() {\n  return 1;\n}\n"), IsEmpty());
  EXPECT_THAT(found("a.txt", "todos los días\r\nTODOS\r\n"), IsEmpty());
}

TEST(Checks, a_line_is_as_long_as_it_has_characters) {
  std::string wide;
  for (std::size_t i = 0; i < kLineColumnsMax; ++i) wide += "ü";
  EXPECT_THAT(found("a.txt", wide + "\n"), IsEmpty());
  EXPECT_THAT(found("a.txt", wide + "ü\n"), ElementsAre("1 long_line"));
}

TEST(Checks, every_kind_of_finding_is_found_in_its_line) {
  EXPECT_THAT(found("a.txt", "ok\ncall(); # TODO: more\n"), ElementsAre("2 leftover"));
  EXPECT_THAT(found("a.txt", "ok \n\tok\t\n"), ElementsAre("1 trailing_space", "2 trailing_space"));
  EXPECT_THAT(found("a.txt", "<<<<<<< ours\n=======\n>>>>>>> theirs\n"),
              ElementsAre("1 conflict_marker", "3 conflict_marker"));
  EXPECT_THAT(found("a.txt", "one\ntwo"), ElementsAre("2 no_final_newline"));
}

TEST(Checks, a_function_is_too_long_from_its_head_to_its_closing_brace) {
  const std::string fits = "void f() {\n" + lines(kFunctionLinesMax - 2, "  g();") + "}\n";
  const std::string too_long = "void f(int a,\n       int b) {\n" + lines(kFunctionLinesMax, "  g();") + "}\n";
  EXPECT_THAT(found("a.cc", fits), IsEmpty());
  EXPECT_THAT(found("a.cc", fits + too_long), ElementsAre(std::to_string(kFunctionLinesMax + 2) + " long_function"));
  EXPECT_THAT(found("a.txt", too_long), IsEmpty()) << "what is no program has no functions";
}

TEST(Checks, a_brace_on_its_own_line_opens_a_function_too) {
  const std::string body = "{\n" + lines(kFunctionLinesMax, "  g();") + "}\n";
  EXPECT_THAT(found("a.c", "int f(void)\n" + body), ElementsAre("1 long_function"));
  EXPECT_THAT(found("a.c", "namespace x\n" + body), IsEmpty());
  EXPECT_THAT(found("a.c", "struct x (y) " + body), IsEmpty());
}

TEST(Checks, a_python_function_ends_with_its_indentation) {
  const std::string body = lines(kFunctionLinesMax, "        g()");
  EXPECT_THAT(found("a.py", "class A:\n    def f(self):\n" + body + "\n    def g(self):\n        pass\n"),
              ElementsAre("2 long_function"));
}

TEST(Checks, secrets_are_named_but_not_repeated) {
  const std::string value = "hunter2hunter2";
  const auto findings = check_text("a.py", "PASSWORD = \"" + value + "\"\n");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].check, "possible_secret");
  EXPECT_EQ(findings[0].text.find(value), std::string::npos);
}

TEST(Checks, keys_and_tokens_are_known_by_their_shape) {
  EXPECT_EQ(secret_in(std::string("-----BEGIN RSA PRIVATE") + " KEY-----"), "a private key");
  EXPECT_EQ(secret_in("id = " + ("AKIA" + std::string(16, 'X'))), "an AWS access key");
  EXPECT_EQ(secret_in("ghp_" + std::string(36, 'x')), "a GitHub token");
  EXPECT_EQ(secret_in("ghp_tooshort"), "");
  EXPECT_EQ(secret_in(R"("api_key" : 'abcdefgh12345')"), "a password or token in plain text");
}

TEST(Checks, placeholders_and_prose_are_no_secrets) {
  EXPECT_EQ(secret_in(R"(password = "$PASSWORD_OF_BUILD")"), "");
  EXPECT_EQ(secret_in(R"(token: "<your token here>")"), "");
  EXPECT_EQ(secret_in(R"(password = "short")"), "");
  EXPECT_EQ(secret_in(R"(password = "unclosed_and_long)"), "");
  EXPECT_EQ(secret_in(R"(The password is kept in: "a safe place")"), "");
}

TEST(Text, escaping_shows_any_name_on_one_line_and_gives_it_back) {
  std::string every_byte;
  for (int byte = 1; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const std::string& name : {every_byte, std::string("new\nline"), std::string("\\x0a"), std::string("ünïcode"),
                                  std::string("\xE2\x80\xAE"
                                              "reversed"),
                                  std::string("cut \xF0\x9F")}) {
    const std::string shown = escape(name);
    EXPECT_EQ(unescape(shown), name);
    EXPECT_EQ(printable(shown), shown) << "nothing is left to hide";
  }
  EXPECT_EQ(escape("ünï\n\\"), "ünï\\x0a\\\\");
}

TEST(Text, shortening_cuts_between_characters) {
  EXPECT_EQ(shorten("short", 5), "short");
  EXPECT_EQ(shorten("üüüü", 6), "ü…");
  EXPECT_EQ(shorten("too long", 7), "too …");
  EXPECT_EQ(columns("ü…\xFF"), 3u);
}

TEST(Messages, a_task_arrives_as_it_was_sent) {
  const auto task = decode_task(*encode_task({"a\n\"\xFF\\x0a", 3, 7, true}));
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->path, "a\n\"\xFF\\x0a");
  EXPECT_EQ(task->number, 3u);
  EXPECT_EQ(task->count, 7u);
  EXPECT_TRUE(task->hold);
}

TEST(Messages, the_largest_review_fits_into_a_signal) {
  const FileReview largest{
      .path = std::string(kPathBytesMax, '\x01'),
      .skipped = "",
      .findings = {kFindingsPerFileMax, {1'000'000, "no_final_newline", std::string(kFindingTextBytesMax, '"')}},
      .unlisted = 1'000'000};
  const auto payload = encode_review(largest);
  ASSERT_TRUE(payload) << payload.error().message;
  const auto review = decode_review(*payload);
  ASSERT_TRUE(review) << review.error().message;
  EXPECT_EQ(review->path, largest.path);
  EXPECT_EQ(review->findings, largest.findings);
  EXPECT_EQ(review->unlisted, largest.unlisted);
}

TEST(Messages, what_is_no_payload_of_ours_is_an_error) {
  EXPECT_FALSE(decode_task(*aldis::Json::parse(R"({"path":"a"})")));
  EXPECT_FALSE(decode_review(*aldis::Json::parse(R"({"path":"a","skipped":"","findings":[{}],"unlisted":0})")));
  EXPECT_FALSE(decode_count(*aldis::Json::parse(R"({"count":"many"})")));
}

TEST(Report, is_in_the_order_of_names_and_says_what_was_skipped) {
  const Reviews reviews = {
      {"b.cc", {.path = "b.cc", .skipped = "", .findings = {{3, "leftover", "TODO: `x`"}}, .unlisted = 2}},
      {"a`\n.cc", {.path = "a`\n.cc", .skipped = "", .findings = {{1, "long_line", "130 columns"}}}},
      {"c.png", {.path = "c.png", .skipped = "binary", .findings = {}}}};
  EXPECT_EQ(render_report(reviews),
            "# Code review\n\n3 files, 1 of them skipped; 4 findings in 2 files\n\n"
            "- (not listed): 2\n- leftover: 1\n- long_line: 1\n"
            "\n## Findings\n"
            "\n### ``a`\\x0a.cc``\n\n- line 1, long_line: `130 columns`\n"
            "\n### `b.cc`\n\n- line 3, leftover: `` TODO: `x` ``\n- and 2 more\n"
            "\n## Skipped\n\n- `c.png`: binary\n");
}

}  // namespace
}  // namespace code_review
