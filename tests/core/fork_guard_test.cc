#include "core/fork_guard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace aldis {
namespace {

TEST(ForkGuard, knows_a_child_from_its_maker) {
  const ForkGuard guard;
  EXPECT_TRUE(guard.check());
  const pid_t child = ::fork();
  if (child == 0) {
    const ForkGuard own;
    const bool right = guard.in_child() && guard.check().error().code == ErrorCode::failed_precondition && own.check();
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(guard.check());
}

}  // namespace
}  // namespace aldis
