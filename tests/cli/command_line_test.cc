// Words, options and arguments: anywhere, byte for byte, and everything that is wrong at once.

#include "cli/command_line.h"

#include <gmock/gmock.h>

namespace aldis::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Words = std::vector<std::string>;

ParsedCommandLine parse(std::string_view command, const Words& rest) {
  return parse_command_line(*find_command(command), rest);
}

TEST(CommandLine, the_words_stand_anywhere_among_the_options) {
  const Words arguments = {"--output", "json", "signals", "--agent", "a", "send", "t", "--to", "b"};
  const CommandWords found = find_words(arguments);
  EXPECT_THAT(found.words, ElementsAre("signals", "send"));
  EXPECT_THAT(found.rest, ElementsAre("--output", "json", "--agent", "a", "t", "--to", "b"));
}

TEST(CommandLine, a_value_that_is_spelled_like_a_command_is_a_value) {
  const CommandWords found = find_words(Words{"agents", "beat", "--agent", "list"});
  EXPECT_THAT(found.words, ElementsAre("agents", "beat"));
  EXPECT_THAT(found.rest, ElementsAre("--agent", "list"));
}

TEST(CommandLine, an_option_means_the_same_in_every_command) {
  std::map<std::string_view, bool> flags;
  for (const CommandSpec* command : all_commands()) {
    for_each_option(*command, [&](const OptionSpec& option) {
      const bool flag = option.type == ValueType::flag;
      EXPECT_EQ(flags.emplace(option.name, flag).first->second, flag) << command->name << " " << option.name;
      EXPECT_EQ(option.value.empty(), flag) << command->name << " " << option.name;
    });
  }
}

TEST(CommandLine, brackets_are_text) {
  EXPECT_THAT(parse("signals send", {"[]", "--payload", "[a,b]"}).arguments, ElementsAre("[]"));
  EXPECT_THAT(parse("signals send", {"t", "--payload", "[a,b]"}).options["--payload"], ElementsAre("[a,b]"));
  EXPECT_THAT(parse("signals send", {"t", "--payload=[]"}).options["--payload"], ElementsAre("[]"));
  EXPECT_THAT(parse("signals check", {"[a,b]", "[]", "[[c]]"}).arguments, ElementsAre("[a,b]", "[]", "[[c]]"));
  EXPECT_THAT(parse("agents list", {"--state", "[dead,stale]"}).options["--state"], ElementsAre("[dead,stale]"));
}

TEST(CommandLine, values_are_taken_whatever_they_begin_with) {
  ParsedCommandLine parsed = parse("signals send", {"t", "--ttl", "-1", "--payload", "-", "--to", "--x"});
  EXPECT_THAT(parsed.options["--ttl"], ElementsAre("-1"));
  EXPECT_THAT(parsed.options["--payload"], ElementsAre("-"));
  EXPECT_THAT(parsed.options["--to"], ElementsAre("--x"));
  EXPECT_THAT(parse("agents beat", {"--task", "-h"}).options["--task"], ElementsAre("-h"));
  EXPECT_THAT(parsed.problems, IsEmpty());
}

TEST(CommandLine, an_equals_sign_gives_a_value_even_an_empty_one) {
  ParsedCommandLine parsed = parse("signals send", {"t", "--to=", "--payload={\"a\":\"b=c\"}"});
  EXPECT_THAT(parsed.options["--to"], ElementsAre(""));
  EXPECT_THAT(parsed.options["--payload"], ElementsAre("{\"a\":\"b=c\"}"));
}

TEST(CommandLine, behind_two_dashes_everything_is_an_argument) {
  EXPECT_THAT(parse("signals check", {"a", "--", "--keep", "-x", "--"}).arguments,
              ElementsAre("a", "--keep", "-x", "--"));
}

TEST(CommandLine, options_may_be_repeated_only_where_that_is_said) {
  EXPECT_THAT(parse("agents list", {"--state", "dead", "--state", "stale"}).options["--state"],
              ElementsAre("dead", "stale"));
  EXPECT_THAT(parse("agents list", {"--limit", "1", "--limit", "2"}).problems, ElementsAre("--limit is given 2 times"));
}

TEST(CommandLine, everything_that_is_wrong_is_told_at_once) {
  EXPECT_THAT(
      parse("signals send", {"--nonsense", "--ttl"}).problems,
      UnorderedElementsAre("--ttl needs a value", "unknown option --nonsense", "--to is missing", "TYPE is missing"));
  EXPECT_THAT(parse("agents show", {"a", "b", "c"}).problems,
              ElementsAre("unexpected argument b", "unexpected argument c"));
  EXPECT_THAT(parse("signals check", {"t", "--keep=no"}).problems, ElementsAre("--keep takes no value"));
}

TEST(CommandLine, of_more_arguments_than_are_taken_the_bound_is_told) {
  Words types(65, "t");
  EXPECT_THAT(parse("signals check", types).problems,
              ElementsAre("TYPE is given 65 times, and at most 64 times at once"));
  types.pop_back();
  EXPECT_THAT(parse("signals check", types).problems, IsEmpty());
}

TEST(CommandLine, an_option_without_its_value_does_not_hide_the_others) {
  ParsedCommandLine parsed = parse("signals send", {"t", "--payload", "{}", "--to"});
  EXPECT_THAT(parsed.options["--payload"], ElementsAre("{}"));
  EXPECT_THAT(parsed.arguments, ElementsAre("t"));
  EXPECT_THAT(parsed.problems, ElementsAre("--to needs a value"));
}

TEST(CommandLine, the_output_format_is_found_before_anything_is_judged) {
  EXPECT_EQ(find_option_value(Words{"x", "--output", "json"}, "--output"), "json");
  EXPECT_EQ(find_option_value(Words{"--output=table", "x"}, "--output"), "table");
  EXPECT_EQ(find_option_value(Words{"x", "--", "--output", "json"}, "--output"), "");
  EXPECT_EQ(find_option_value(Words{"x", "--output"}, "--output"), "");
}

TEST(CommandLine, a_slip_finds_what_was_meant) {
  const std::vector<std::string_view> words = {"signals send", "signals clear", "doctor"};
  EXPECT_EQ(closest("signals sned", words), "signals send");
  EXPECT_EQ(closest("docter", words), "doctor");
  EXPECT_EQ(closest("approve", words), "");
}

TEST(CommandLine, the_usage_names_what_must_be_given) {
  EXPECT_EQ(usage_line(*find_command("signals send")), "aldis signals send TYPE --to AGENT [OPTION...]");
  EXPECT_EQ(usage_line(*find_command("signals pending")), "aldis signals pending [TYPE] [OPTION...]");
  EXPECT_EQ(usage_line(*find_command("run")), "aldis run [OPTION...] -- CMD [ARG...]");
}

}  // namespace
}  // namespace aldis::cli
