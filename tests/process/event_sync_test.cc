// That a disk which is slow to sync keeps nobody: what strace sees of publishing, and of commands that publish in
// passing, once there is a ledger.

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "cli/program.h"

namespace aldis::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

class EventSyncs : public ::testing::Test {
 protected:
  // The syncs of a command that succeeds, and of its threads.
  Words syncs_of(const Words& arguments) {
    const std::string file = sandbox.directory() + "/trace";
    Words words = {"/usr/bin/strace", "-f", "-qq", "-o", file, "-e", "signal=none"};
    words.insert(words.end(), {"-e", "trace=fsync,fdatasync,sync,syncfs", "--"});
    const Words command = sandbox.command(arguments);
    words.insert(words.end(), command.begin(), command.end());
    const Ended ended = Running(words, streaming).wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    Words syncs;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      if (line.find("sync") != std::string::npos) syncs.push_back(line);
    }
    return syncs;
  }
  void SetUp() override {
    if (access("/usr/bin/strace", X_OK) != 0) GTEST_SKIP() << "there is no strace: install the package strace";
  }

  const Sandbox sandbox;
  const Variables streaming = sandbox.environment({{"ALDIS_STREAM_EVENTS", "1"}});
};

TEST_F(EventSyncs, of_publishing_are_none) {
  EXPECT_THAT(syncs_of({"events", "publish", "deploy"}), Not(IsEmpty())) << "of the first: the trace works";
  EXPECT_THAT(syncs_of({"events", "publish", "deploy"}), IsEmpty());
  EXPECT_THAT(syncs_of({"events", "publish", "deploy"}), IsEmpty());
}

TEST_F(EventSyncs, of_a_signal_that_is_told_of_in_passing_are_none) {
  ASSERT_EQ(sandbox.aldis({"events", "publish", "deploy"}).exit_code, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(syncs_of({"signals", "send", "go", "--to", "bob", "--agent", "alice"}), IsEmpty());
  }
}

}  // namespace
}  // namespace aldis::testing
