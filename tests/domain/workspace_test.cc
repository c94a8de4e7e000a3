// Workspace::open: which stores and namespaces it accepts, and what it makes of the environment. On the real local
// engine.

#include "aldis/workspace.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>

#include "aldis/signals.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class WorkspaceTest : public ::testing::Test {
 protected:
  WorkspaceOptions options(std::string store = "local:", std::string namespace_name = "default") {
    WorkspaceOptions options;
    options.store = std::move(store);
    options.namespace_name = std::move(namespace_name);
    options.runtime_directory = directory.path();
    return options;
  }
  ErrorCode refusal(const WorkspaceOptions& given) {
    const auto workspace = Workspace::open(given);
    EXPECT_FALSE(workspace) << given.store << " " << given.namespace_name;
    if (workspace) return ErrorCode::internal;
    EXPECT_FALSE(workspace.error().message.empty());
    return workspace.error().code;
  }

  ScratchDirectory directory;
};

TEST_F(WorkspaceTest, the_local_store_needs_no_server) {
  const auto workspace = Workspace::open(options());
  ASSERT_TRUE(workspace) << workspace.error().message;
  EXPECT_EQ(workspace->options().store, "local:");
  EXPECT_EQ(workspace->options().namespace_name, "default");
  EXPECT_EQ(workspace->options().runtime_directory, directory.path());
}

// Nobody listens on port 1.
TEST_F(WorkspaceTest, on_a_store_that_cannot_be_reached_is_unavailable_at_once) {
  for (const char* store :
       {"redis://127.0.0.1:1", "rediss://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/main",
        "rediss+sentinel://127.0.0.1:1/main", "redis+cluster://127.0.0.1:1", "rediss+cluster://127.0.0.1:1"}) {
    EXPECT_EQ(refusal(options(store)), ErrorCode::unavailable) << store;
  }
}

TEST_F(WorkspaceTest, repeats_no_password_of_what_it_refuses) {
  const auto refused = Workspace::open({.store = "postgres://ann:hunter2@host/db"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("\"postgres://\""), Not(HasSubstr("hunter2"))));
}

TEST_F(WorkspaceTest, refuses_what_is_no_store) {
  for (const char* store :
       {"", "local", "local:/tmp", "local:x", "redis", "redisx://a", "Redis://a", "http://a", ":", " local:"}) {
    EXPECT_EQ(refusal(options(store)), ErrorCode::invalid_argument) << store;
  }
}

TEST_F(WorkspaceTest, refuses_what_is_no_namespace) {
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("_a"), std::string("a.b"), std::string("a/b"), std::string("a*"),
        std::string("a\n"), std::string(65, 'a'), std::string("../a")}) {
    EXPECT_EQ(refusal(options("local:", name)), ErrorCode::invalid_argument) << name;
  }
  EXPECT_TRUE(Workspace::open(options("local:", std::string(64, 'a'))));
  EXPECT_TRUE(Workspace::open(options("local:", "7-Team_a")));
}

TEST_F(WorkspaceTest, refuses_a_call_timeout_that_leaves_no_time) {
  WorkspaceOptions given = options();
  given.call_timeout = 0s;
  EXPECT_EQ(refusal(given), ErrorCode::invalid_argument);
  given.call_timeout = -1s;
  EXPECT_EQ(refusal(given), ErrorCode::invalid_argument);
}

TEST_F(WorkspaceTest, two_of_them_on_one_store_meet_and_other_namespaces_do_not) {
  auto alice = *CoordinationSignals::open(*Workspace::open(options()), "alice");
  auto bob = *CoordinationSignals::open(*Workspace::open(options()), "bob");
  auto stranger = *CoordinationSignals::open(*Workspace::open(options("local:", "other")), "bob");
  ASSERT_TRUE(alice.signal("go", "bob"));
  EXPECT_TRUE(std::holds_alternative<NothingYet>(*stranger.check_signal({})));
  EXPECT_TRUE(std::holds_alternative<Delivered>(*bob.check_signal({})));
}

TEST_F(WorkspaceTest, lives_as_long_as_what_was_made_from_it) {
  std::optional<Workspace> workspace = *Workspace::open(options());
  std::optional<Workspace> copy = workspace;
  auto alice = *CoordinationSignals::open(*workspace, "alice");
  workspace.reset();
  copy.reset();
  EXPECT_TRUE(alice.signal("go", "alice"));
  EXPECT_TRUE(std::holds_alternative<Delivered>(*alice.check_signal({})));
}

TEST_F(WorkspaceTest, callbacks_and_waits_work_on_the_local_engine) {
  const Workspace workspace = *Workspace::open(options());
  auto alice = *CoordinationSignals::open(workspace, "alice");
  auto bob = *CoordinationSignals::open(workspace, "bob");
  ASSERT_TRUE(bob.on_signal({"ping"}, {}, [&](const SignalNews&) { EXPECT_TRUE(bob.signal("pong", "alice")); }, {}));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(alice.signal("ping", "bob"));
    const auto outcome = alice.wait_for_signal({"pong"}, "bob");
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(std::holds_alternative<Delivered>(*outcome));
  }
}

TEST(WorkspaceOptionsTest, are_read_from_the_environment) {
  ::setenv("ALDIS_STORE", "redis://somewhere", 1);
  ::setenv("ALDIS_NAMESPACE", "testing", 1);
  ::setenv("ALDIS_RUNTIME_DIR", "/dev/shm/elsewhere", 1);
  const WorkspaceOptions set = WorkspaceOptions::from_environment();
  EXPECT_EQ(set.store, "redis://somewhere");
  EXPECT_EQ(set.namespace_name, "testing");
  EXPECT_EQ(set.runtime_directory, "/dev/shm/elsewhere");
  ::setenv("ALDIS_STORE", "", 1);
  ::unsetenv("ALDIS_NAMESPACE");
  ::unsetenv("ALDIS_RUNTIME_DIR");
  const WorkspaceOptions unset = WorkspaceOptions::from_environment();
  EXPECT_EQ(unset.store, "local:") << "empty counts as unset";
  EXPECT_EQ(unset.namespace_name, "default");
  EXPECT_EQ(unset.runtime_directory, "");
  ::unsetenv("ALDIS_STORE");
}

}  // namespace
}  // namespace aldis::testing
