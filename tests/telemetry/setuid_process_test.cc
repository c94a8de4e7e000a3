// A program with somebody else's rights reports nothing, whatever that somebody has enabled. Needs root, to make one.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/program.h"

namespace aldis::testing {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

// A copy of the reporter that belongs to nobody; beside the original, since memory may be mounted nosuid.
class CopyOfReporter {
 public:
  explicit CopyOfReporter(mode_t mode) {
    fs::copy_file(ALDIS_REPORTER, path_, fs::copy_options::overwrite_existing);
    ready_ = chown(path_.c_str(), kNobody, kNobody) == 0 && chmod(path_.c_str(), mode) == 0;
  }
  ~CopyOfReporter() { fs::remove(path_); }
  CopyOfReporter(const CopyOfReporter&) = delete;
  CopyOfReporter& operator=(const CopyOfReporter&) = delete;

  bool is_ready() const { return ready_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = ALDIS_REPORTER "-of-nobody";
  bool ready_ = false;
};

void give_to_nobody(const std::string& directory) {
  ASSERT_EQ(chown(directory.c_str(), kNobody, kNobody), 0);
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    ASSERT_EQ(lchown(entry.path().c_str(), kNobody, kNobody), 0);
  }
}

TEST(SetuidProgram, reports_nothing_although_its_owner_has_enabled_telemetry) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a program of somebody else's";
  const ScratchDirectory home;
  const Variables variables = {{"HOME", home.path()}};
  const Words enable = {ALDIS_REPORTER, "telemetry", "enable", "--endpoint", "http://127.0.0.1:9/"};
  ASSERT_EQ(Running(enable, variables).wait().exit_code, 0);
  ASSERT_EQ(Running({ALDIS_REPORTER, "1"}, variables).wait().exit_code, 0) << "the consent is in force";
  fs::remove_all(home.path() + "/.local");
  give_to_nobody(home.path());

  const CopyOfReporter reporter(04755);
  ASSERT_TRUE(reporter.is_ready());
  EXPECT_EQ(Running({reporter.path(), "1"}, variables).wait().exit_code, 1) << "it is active";
  EXPECT_FALSE(fs::exists(home.path() + "/.local"));
}

}  // namespace
}  // namespace aldis::testing
