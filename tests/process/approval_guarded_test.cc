// A signed decision is `verified` only where the policy is not the waiting process's to change: it runs as another user
// than the one who owns the policy, and every directory on the way there.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "approval_stage.h"
#include "core/format.h"
#include "signers.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kNobody = 65534;
constexpr const char* kPlace = "/mnt";  // ours and empty, for this process alone

// Whether that place is there now.
bool mount_own_place() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", kPlace, "tmpfs", 0, "mode=0755,size=1m") == 0;
}

class GuardedPolicy : public ::testing::TestWithParam<const char*> {
 protected:
  ~GuardedPolicy() override {
    if (is_mounted) ::umount(kPlace);
  }
  // Everything but the policy belongs to nobody, whom all processes run as.
  void set_up(const std::string& configuration) {
    for (fs::path path = configuration; path != kPlace; path = path.parent_path()) {
      fs::create_directories(path);
      fs::permissions(path, fs::perms{0755});
    }
    signers.emplace(configuration, stage.directory() + "/keys");
    for (const char* name : {"ann", "bob"}) signers->enroll(name);
    signers->write_policy();
    give_away(stage.directory(), kNobody);
  }
  Words as_nobody(Words arguments) const {
    arguments.push_back(fmt::format("uid={}", kNobody));
    return arguments;
  }
  // The last word of the waiter.
  std::string approve() {
    const auto waiter = stage.open(
        as_nobody({"agent=worker", "type=deploy", "timeout_ms=600000", "configuration=" + signers->configuration()}));
    for (const char* name : {"ann", "bob"}) stage.run(as_nobody(signers->vote(waiter.id, name)), "answered");
    const Words end = stage.hear("ended");
    EXPECT_EQ(end.at(1), "approved");
    return end.at(6);
  }

  const bool is_mounted = ::geteuid() == 0 && mount_own_place();
  ApprovalStage stage{GetParam()};
  std::optional<Signers> signers;
};

TEST_P(GuardedPolicy, makes_what_it_approves_verified) {
  if (!is_mounted) GTEST_SKIP() << "only root can be two users";
  set_up(std::string(kPlace) + "/configuration");
  EXPECT_EQ(approve(), "verified");
}

TEST_P(GuardedPolicy, is_none_that_the_waiting_user_owns) {
  if (!is_mounted) GTEST_SKIP() << "only root can be two users";
  set_up(std::string(kPlace) + "/configuration");
  give_away(signers->configuration(), kNobody);
  EXPECT_EQ(approve(), "unverified");
}

TEST_P(GuardedPolicy, is_none_in_a_directory_that_the_waiting_user_owns) {
  if (!is_mounted) GTEST_SKIP() << "only root can be two users";
  const std::string above = std::string(kPlace) + "/theirs";
  set_up(above + "/configuration");
  ASSERT_EQ(::chown(above.c_str(), kNobody, kNobody), 0);
  EXPECT_EQ(approve(), "unverified");
}

INSTANTIATE_TEST_SUITE_P(Stores, GuardedPolicy, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
