#include "aldis/tool_environment.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include "core/environment.h"

namespace aldis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

EnvironmentSnapshot changes(EnvironmentSnapshot environment, bool stdout_is_terminal) {
  return ToolEnvironment(std::move(environment), stdout_is_terminal).changes();
}

const EnvironmentSnapshot kQuiet = {
    {"CI", "1"}, {"HOMEBREW_NO_AUTO_UPDATE", "1"}, {"NO_UPDATE_NOTIFIER", "1"}, {"PIP_DISABLE_PIP_VERSION_CHECK", "1"}};

EnvironmentSnapshot quiet_with(const EnvironmentSnapshot& more) {
  EnvironmentSnapshot all = kQuiet;
  all.insert(more.begin(), more.end());
  return all;
}

TEST(Ci, is_said_by_three_variables_whatever_they_hold) {
  for (const char* variable : {"CI", "GITHUB_ACTIONS", "JENKINS_URL"}) {
    for (const char* value : {"1", "true", "0", "false"}) EXPECT_TRUE(runs_in_ci({{variable, value}})) << variable;
    EXPECT_FALSE(runs_in_ci({{variable, ""}})) << variable;
  }
  EXPECT_FALSE(runs_in_ci({}));
  EXPECT_FALSE(runs_in_ci({{"CIRCLE", "1"}, {"GITLAB_CI", "1"}}));
}

TEST(Colour, is_allowed_unless_something_speaks_against_it) {
  EXPECT_TRUE(allows_colour({}));
  EXPECT_TRUE(allows_colour({{"TERM", "xterm-256color"}, {"CI", ""}}));
  EXPECT_FALSE(allows_colour({{"NO_COLOR", "1"}}));
  EXPECT_FALSE(allows_colour({{"NO_COLOR", ""}})) << "its presence counts";
  EXPECT_FALSE(allows_colour({{"NO_COLOR", "0"}}));
  EXPECT_FALSE(allows_colour({{"TERM", "dumb"}}));
  EXPECT_FALSE(allows_colour({{"CI", "false"}}));
  EXPECT_FALSE(allows_colour({{"GITHUB_ACTIONS", "true"}}));
}

TEST(ToolEnvironment, changes_nothing_for_a_person_at_a_terminal) {
  EXPECT_THAT(changes({{"TERM", "xterm"}, {"HOME", "/home/ann"}}, true), IsEmpty());
}

TEST(ToolEnvironment, without_a_terminal_nobody_speaks_of_updates) {
  EXPECT_EQ(changes({{"TERM", "xterm"}}, false), kQuiet) << "and colour is for the caller to decide";
}

TEST(ToolEnvironment, in_ci_nobody_speaks_of_updates_or_colours) {
  EXPECT_EQ(changes({{"GITHUB_ACTIONS", "true"}}, true), quiet_with({{"NO_COLOR", "1"}}));
  EXPECT_THAT(changes({{"CI", "true"}}, true),
              UnorderedElementsAre(Pair("NO_COLOR", "1"), Pair("NO_UPDATE_NOTIFIER", "1"),
                                   Pair("HOMEBREW_NO_AUTO_UPDATE", "1"), Pair("PIP_DISABLE_PIP_VERSION_CHECK", "1")));
}

TEST(ToolEnvironment, where_colour_is_not_allowed_every_child_learns_it) {
  EXPECT_THAT(changes({{"TERM", "dumb"}}, true), ElementsAre(Pair("NO_COLOR", "1")));
  EXPECT_THAT(changes({{"NO_COLOR", ""}}, true), ElementsAre(Pair("NO_COLOR", "1")))
      << "not every program minds an empty one";
}

TEST(ToolEnvironment, what_says_yes_already_stays_and_what_says_no_does_not) {
  EXPECT_THAT(changes({{"CI", "woodpecker"}, {"NO_COLOR", "yes"}, {"NO_UPDATE_NOTIFIER", "true"}}, false),
              UnorderedElementsAre(Pair("HOMEBREW_NO_AUTO_UPDATE", "1"), Pair("PIP_DISABLE_PIP_VERSION_CHECK", "1")));
  EXPECT_THAT(
      changes({{"CI", "false"}, {"NO_COLOR", "1"}, {"NO_UPDATE_NOTIFIER", "0"}, {"HOMEBREW_NO_AUTO_UPDATE", ""}}, true),
      UnorderedElementsAre(Pair("CI", "1"), Pair("NO_UPDATE_NOTIFIER", "1"), Pair("HOMEBREW_NO_AUTO_UPDATE", "1"),
                           Pair("PIP_DISABLE_PIP_VERSION_CHECK", "1")));
}

TEST(ToolEnvironment, a_child_gets_the_snapshot_with_the_changes) {
  const ToolEnvironment environment({{"HOME", "/home/ann"}, {"NO_COLOR", ""}, {"EMPTY", ""}, {"A", "b=c"}}, true);
  EXPECT_THAT(environment.child_environment(), UnorderedElementsAre("HOME=/home/ann", "NO_COLOR=1", "EMPTY=", "A=b=c"));
}

TEST(ToolEnvironment, a_childs_variables_are_named_once) {
  const ToolEnvironment environment({{"CI", "yes"}, {"NO_UPDATE_NOTIFIER", ""}}, false);
  EXPECT_THAT(environment.child_environment(),
              UnorderedElementsAre("CI=yes", "NO_COLOR=1", "NO_UPDATE_NOTIFIER=1", "HOMEBREW_NO_AUTO_UPDATE=1",
                                   "PIP_DISABLE_PIP_VERSION_CHECK=1"));
}

class Applied : public ::testing::Test {
 protected:
  Applied() {
    for (const auto& [name, value] : kQuiet) ::unsetenv(name.c_str());
    ::unsetenv("GITHUB_ACTIONS");
    ::unsetenv("JENKINS_URL");
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "xterm", 1);
  }
  ~Applied() override {
    for (const auto& [name, value] : kQuiet) ::unsetenv(name.c_str());
    change_environment(before_);
  }

  EnvironmentSnapshot before_ = environment_snapshot();
};

TEST_F(Applied, sets_the_changes_in_this_process) {
  const EnvironmentSnapshot before = environment_snapshot();
  ToolEnvironment(before, false).apply();
  EnvironmentSnapshot expected = before;
  expected.insert(kQuiet.begin(), kQuiet.end());
  EXPECT_EQ(environment_snapshot(), expected);
}

TEST_F(Applied, leaves_the_process_alone_for_a_person_at_a_terminal) {
  const EnvironmentSnapshot before = environment_snapshot();
  ToolEnvironment(before, true).apply();
  EXPECT_EQ(environment_snapshot(), before);
}

TEST_F(Applied, nothing_is_changed_before) {
  const EnvironmentSnapshot before = environment_snapshot();
  const ToolEnvironment environment(before, false);
  environment.changes();
  environment.child_environment();
  EXPECT_EQ(environment_snapshot(), before);
}

TEST_F(Applied, silences_notifiers_where_nobody_looks) {
  const auto silenced = [](EnvironmentSnapshot snapshot, bool stdout_is_terminal) {
    int calls = 0;
    ToolEnvironment environment(std::move(snapshot), stdout_is_terminal);
    environment.suppress_update_notifier([&] { ++calls; });
    environment.suppress_update_notifier([&] { ++calls; });
    environment.suppress_update_notifier({});
    environment.apply();
    return calls;
  };
  EXPECT_EQ(silenced({}, true), 0);
  EXPECT_EQ(silenced({{"TERM", "dumb"}}, true), 0);
  EXPECT_EQ(silenced({}, false), 2);
  EXPECT_EQ(silenced({{"CI", "1"}}, true), 2);
}

}  // namespace
}  // namespace aldis
