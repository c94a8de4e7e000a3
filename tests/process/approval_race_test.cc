// Fifty processes answer one request at once.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <fstream>

#include "approval_stage.h"
#include "core/file_descriptor.h"
#include "core/format.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kResponders = 50;

// Where processes wait for each other: who starts there goes on when it is opened.
class Line {
 public:
  explicit Line(std::string path) : path_(std::move(path)) {
    std::ofstream(path_).flush();
    barrier_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::flock(barrier_.get(), LOCK_EX), 0);
  }
  std::string argument() const { return "line=" + path_; }
  void open() { ::flock(barrier_.get(), LOCK_UN); }

 private:
  const std::string path_;
  FileDescriptor barrier_;
};

class ApprovalRaces : public ::testing::TestWithParam<const char*> {
 protected:
  ApprovalStage stage{GetParam()};
};

TEST_P(ApprovalRaces, one_of_50_answers_at_once_decides_and_the_others_hear_who_did) {
  const auto waiter = stage.open({"agent=worker", "type=deploy"});
  Line line(stage.directory() + "/line");
  for (int i = 0; i < kResponders; ++i) {
    stage.start({"answer", "id=" + waiter.id, fmt::format("as=responder-{}", i), line.argument(),
                 i % 2 == 0 ? "verdict=approved" : "verdict=rejected"});
  }
  for (int i = 0; i < kResponders; ++i) stage.hear("ready");
  line.open();
  std::vector<Words> answered;
  std::vector<Words> refused;
  std::string end;
  for (int i = 0; i < kResponders + 1; ++i) {
    const auto said = stage.fleet().hear();
    ASSERT_TRUE(said) << "somebody is blocked";
    if (said->front() == "ended") end = joined(*said, 2);
    if (said->front() == "answered") answered.push_back(*said);
    if (said->front() == "refused") refused.push_back(*said);
  }
  ASSERT_EQ(answered.size(), 1u);
  ASSERT_EQ(refused.size(), kResponders - 1u);
  const std::string& verdict = answered[0].at(2);
  const std::string& winner = answered[0].at(3);
  const ApprovalRequest record = stage.read(waiter.id);
  for (const Words& loser : refused) {
    EXPECT_EQ(loser.at(2), "conflict");
    EXPECT_THAT(joined(loser, 3), AllOf(HasSubstr(winner + " "), HasSubstr(verdict),
                                        HasSubstr(format_timestamp(record.decided_at.value()))));
  }
  EXPECT_THAT(end, HasSubstr(verdict + " " + winner));
  EXPECT_EQ(to_string(record.status), verdict);
  EXPECT_EQ(record.responder, winner);
  EXPECT_EQ(record.votes.size(), 1u);
  EXPECT_EQ(stage.audit_of(waiter.id),
            fmt::format("requested by worker, vote {0} by {1}, decided {0} by {1}", verdict, winner));
  EXPECT_EQ(stage.audit_fault(), "");
}

INSTANTIATE_TEST_SUITE_P(Stores, ApprovalRaces, ::testing::Values("local", "redis", "cluster"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
