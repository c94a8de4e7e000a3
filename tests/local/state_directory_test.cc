#include "engines/local/state_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "core/format.h"
#include "engines/local/ledger_report.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

class StateDirectory : public ::testing::Test {
 protected:
  std::string prepare(std::string_view name) { return describe(prepare_state_directory(scratch_.file(name))); }

  testing::ScratchDirectory scratch_;
};

TEST_F(StateDirectory, that_was_given_is_the_one_chosen) {
  EXPECT_EQ(choose_state_directory("/some//./where/"), "/some/where");
  EXPECT_EQ(choose_state_directory("relative"), std::filesystem::current_path().string() + "/relative");
}

TEST_F(StateDirectory, without_a_given_one_is_in_the_home_that_the_user_database_names) {
  const passwd* user = getpwuid(geteuid());
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(choose_state_directory(""), std::string(user->pw_dir) + "/.local/state/aldis");
}

TEST_F(StateDirectory, of_a_user_without_a_home_must_be_given) {
  EXPECT_THAT(describe(prepare_state_directory("")),
              AllOf(StartsWith("failed_precondition"), HasSubstr("ALDIS_STATE_DIR")));
}

TEST_F(StateDirectory, is_made_for_its_owner_alone_with_its_parents) {
  umask(0);
  EXPECT_EQ(prepare("home/.local/state/aldis"), "ok");
  umask(022);
  EXPECT_EQ(mode_of(scratch_.file("home/.local/state/aldis")), 0700u);
  EXPECT_EQ(prepare("home/.local/state/aldis"), "ok") << "the second time too";
}

TEST_F(StateDirectory, that_is_a_link_or_open_to_others_is_refused) {
  std::filesystem::create_directory(scratch_.file("open"));
  chmod(scratch_.file("open").c_str(), 0750);
  EXPECT_THAT(prepare("open"),
              AllOf(StartsWith("failed_precondition"), HasSubstr("0750"), HasSubstr("ALDIS_STATE_DIR")));
  std::filesystem::create_directory_symlink(scratch_.path(), scratch_.file("link"));
  EXPECT_THAT(prepare("link"), AllOf(StartsWith("failed_precondition"), HasSubstr("ALDIS_STATE_DIR")));
}

TEST_F(StateDirectory, of_somebody_else_is_refused_to_root_too) {
  std::filesystem::create_directory(scratch_.file("foreign"));
  chmod(scratch_.file("foreign").c_str(), 0700);
  if (chown(scratch_.file("foreign").c_str(), geteuid() + 1, getegid()) != 0) {
    GTEST_SKIP() << "only root can give it away";
  }
  EXPECT_THAT(prepare("foreign"), AllOf(StartsWith("failed_precondition"), HasSubstr("belongs to user")));
}

// An automounter that never answers: whoever looks below it hangs until he is killed.
bool mount_dead(const std::string& directory) {
  std::array<int, 2> ends{};
  if (setsid() < 0 || pipe2(ends.data(), O_CLOEXEC | O_DIRECT) != 0) return false;
  const std::string mode = fmt::format("fd={},pgrp={},minproto=5,maxproto=5,indirect", ends[1], getpgrp());
  return mount("automounter", directory.c_str(), "autofs", 0, mode.c_str()) == 0;
}

TEST_F(StateDirectory, on_a_network_file_system_is_refused_and_not_touched) {
  const std::string dead = scratch_.file("dead");
  std::filesystem::create_directory(dead);
  std::filesystem::create_directory_symlink("dead/home", scratch_.file("link"));
  EXPECT_EQ(describe(refuse_network_state_directory(dead)), "ok");
  const std::string answer = in_child([&]() -> std::string {
    alarm(30);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        !mount_dead(dead)) {
      return std::string(kCannotUnshare);
    }
    // In a child: the mounter itself would not hang.
    return in_child([&] {
      alarm(30);
      setsid();
      return noted(*ledger_in(scratch_.file("link/aldis")), "a") + " " +
             examine_ledger(scratch_.file("link/aldis"), "default").value().problem.value_or(Error()).message;
    });
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, AllOf(StartsWith("failed_precondition"), HasSubstr("autofs"), HasSubstr("ALDIS_STATE_DIR")));
}

TEST_F(StateDirectory, holds_ledgers_that_nobody_else_can_read_whatever_the_umask_is) {
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const std::string directory = scratch_.file("state-" + std::to_string(mask));
    umask(mask);
    const auto ledger = ledger_in(directory);
    const std::string written = note(*ledger, "a", "1");
    umask(022);
    ASSERT_EQ(written, "ok");
    for (const char* suffix : {"", "-wal", "-shm"}) {
      EXPECT_EQ(mode_of(file_of_ledger(directory) + suffix), 0600u) << suffix << " under " << mask;
    }
  }
}

}  // namespace
}  // namespace aldis::testing
