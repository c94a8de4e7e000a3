#include "core/environment.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "aldis/heartbeats.h"
#include "aldis/workspace.h"

namespace aldis {
namespace {

TEST(Environment, is_a_snapshot) {
  ::setenv("ALDIS_STORE", "local:", 1);
  const Environment before = Environment::from_process();
  ::setenv("ALDIS_STORE", "redis://later", 1);
  EXPECT_EQ(before.get("ALDIS_STORE"), "local:");
  ::unsetenv("ALDIS_STORE");
}

TEST(Environment, empty_counts_as_unset_but_is_there) {
  const Environment environment({{"NO_COLOR", ""}, {"HOME", "/root"}});
  EXPECT_EQ(environment.get("NO_COLOR"), std::nullopt);
  EXPECT_TRUE(environment.has("NO_COLOR"));
  EXPECT_FALSE(environment.has("CI"));
  EXPECT_EQ(environment.get("HOME"), "/root");
}

TEST(Environment, describes_the_workspace_to_join) {
  ::setenv("ALDIS_NAMESPACE", "tests", 1);
  ::setenv("ALDIS_RUNTIME_DIR", "/dev/shm/elsewhere", 1);
  const WorkspaceOptions options = WorkspaceOptions::from_environment();
  ::unsetenv("ALDIS_NAMESPACE");
  ::unsetenv("ALDIS_RUNTIME_DIR");
  EXPECT_EQ(options.store, "local:");
  EXPECT_EQ(options.namespace_name, "tests");
  EXPECT_EQ(options.runtime_directory, "/dev/shm/elsewhere");
}

TEST(Environment, tells_a_configuration_that_is_named_from_the_users_own) {
  const Environment named({{"ALDIS_CONFIG", "/srv/agents/config.toml"}, {"HOME", "/home/dana"}});
  EXPECT_EQ(configuration_directory_of(named), "/srv/agents");
  EXPECT_EQ(own_configuration_directory_of(named), "/home/dana/.config/aldis");
  EXPECT_EQ(configuration_directory_of(Environment({{"ALDIS_CONFIG", "config.toml"}, {"HOME", "/home/dana"}})), ".");
  const Environment unnamed({{"XDG_CONFIG_HOME", "/xdg"}, {"HOME", "/home/dana"}});
  EXPECT_EQ(configuration_directory_of(unnamed), "") << "whose it is, is not decided here";
  EXPECT_EQ(own_configuration_directory_of(unnamed), "/xdg/aldis");
  EXPECT_EQ(own_configuration_directory_of(Environment({{"XDG_CONFIG_HOME", ""}, {"HOME", "somewhere"}})), "");
}

TEST(Environment, says_whom_aldis_run_started_this_process_as) {
  ::setenv("ALDIS_AGENT_ID", "scout", 1);
  EXPECT_FALSE(RunIdentity::from_environment()) << "an agent id alone is no incarnation to join";
  ::setenv("ALDIS_INCARNATION", "some-incarnation", 1);
  const auto identity = RunIdentity::from_environment();
  ::unsetenv("ALDIS_AGENT_ID");
  ::unsetenv("ALDIS_INCARNATION");
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->agent_id, "scout");
  EXPECT_EQ(identity->incarnation, "some-incarnation");
}

TEST(Environment, every_variable_of_ours_is_in_the_table) {
  for (const EnvironmentVariable& variable : environment_table()) {
    EXPECT_TRUE(variable.name.starts_with("ALDIS_"));
    EXPECT_FALSE(variable.meaning.empty());
  }
}

}  // namespace
}  // namespace aldis
