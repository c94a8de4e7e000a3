#include "telemetry/places.h"

#include <gtest/gtest.h>

namespace aldis::telemetry {
namespace {

std::optional<Places> located(std::map<std::string, std::string, std::less<>> variables, std::string_view tool) {
  return find_places(Environment(std::move(variables)), tool);
}

TEST(Places, are_below_home_when_nothing_else_is_said) {
  const auto places = located({{"HOME", "/home/ann"}}, "my-tool");
  ASSERT_TRUE(places);
  EXPECT_EQ(places->consent_directory, "/home/ann/.config/my-tool");
  EXPECT_EQ(places->state_directory, "/home/ann/.local/state/my-tool/telemetry");
}

TEST(Places, follow_the_variables_of_xdg) {
  const auto places =
      located({{"HOME", "/home/ann"}, {"XDG_CONFIG_HOME", "/config"}, {"XDG_STATE_HOME", "/state"}}, "tool");
  ASSERT_TRUE(places);
  EXPECT_EQ(places->consent_directory, "/config/tool");
  EXPECT_EQ(places->state_directory, "/state/tool/telemetry");
}

TEST(Places, the_tools_own_state_directory_comes_first_and_holds_no_tool_name) {
  const auto places =
      located({{"HOME", "/home/ann"}, {"XDG_STATE_HOME", "/state"}, {"MY_TOOL_STATE_DIR", "/here"}}, "my-tool");
  ASSERT_TRUE(places);
  EXPECT_EQ(places->state_directory, "/here/telemetry");
  EXPECT_EQ(places->consent_directory, "/home/ann/.config/my-tool") << "consent is the user's, wherever the state lies";
}

TEST(Places, need_no_home_when_the_variables_say_it_all) {
  EXPECT_TRUE(located({{"XDG_CONFIG_HOME", "/config"}, {"TOOL_STATE_DIR", "/state"}}, "tool"));
  EXPECT_TRUE(located({{"XDG_CONFIG_HOME", "/config"}, {"XDG_STATE_HOME", "/state"}}, "tool"));
}

TEST(Places, are_nowhere_without_home) {
  EXPECT_FALSE(located({}, "tool"));
  EXPECT_FALSE(located({{"HOME", ""}}, "tool"));
  EXPECT_FALSE(located({{"XDG_CONFIG_HOME", "/config"}}, "tool"));
  EXPECT_FALSE(located({{"TOOL_STATE_DIR", "/state"}, {"XDG_STATE_HOME", "/state"}}, "tool"));
}

TEST(Places, a_relative_path_counts_as_unset) {
  const auto places = located({{"HOME", "/home/ann"},
                               {"XDG_CONFIG_HOME", "config"},
                               {"XDG_STATE_HOME", "./state"},
                               {"TOOL_STATE_DIR", "../here"}},
                              "tool");
  ASSERT_TRUE(places);
  EXPECT_EQ(places->consent_directory, "/home/ann/.config/tool");
  EXPECT_EQ(places->state_directory, "/home/ann/.local/state/tool/telemetry");
  EXPECT_FALSE(located({{"HOME", "home/ann"}}, "tool"));
}

TEST(Places, a_tool_is_a_lower_case_word) {
  for (const char* fine : {"a", "tool", "my-tool", "tool2"}) EXPECT_TRUE(is_tool_name(fine)) << fine;
  EXPECT_TRUE(is_tool_name(std::string(48, 'a')));
  EXPECT_FALSE(is_tool_name(std::string(49, 'a')));
  for (const char* wrong : {"", "Tool", "-tool", "2tool", "my_tool", "a/b", "..", "a b", "t\xc3\xb6ol"}) {
    EXPECT_FALSE(is_tool_name(wrong)) << wrong;
    EXPECT_FALSE(located({{"HOME", "/home/ann"}}, wrong)) << wrong;
  }
}

TEST(Places, variables_are_named_after_the_tool) { EXPECT_EQ(variable_prefix("my-tool2"), "MY_TOOL2"); }

}  // namespace
}  // namespace aldis::telemetry
