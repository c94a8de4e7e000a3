#include "courier/sent_log.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <fstream>
#include <iterator>

#include "aldis/limits.h"
#include "core/private_files.h"
#include "fakes/scratch_directory.h"

namespace aldis::courier {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;

class SentLog : public ::testing::Test {
 protected:
  void log(int number) {
    log_sent(*state_, {.time = std::chrono::sys_seconds{1'000'000'000s + std::chrono::seconds{number}},
                       .batch_id = std::string(32, 'b'),
                       .body_sha256 = std::string(64, 'a'),
                       .records = 12,
                       .status = 200});
  }
  std::string text() const {
    std::ifstream file(directory_.file("sent"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const testing::ScratchDirectory directory_;
  const Result<FileDescriptor> state_ = open_own_directory(directory_.path(), Others::nothing);
};

const std::string kTail = " " + std::string(32, 'b') + " " + std::string(64, 'a') + " 12 200\n";

TEST_F(SentLog, has_a_line_for_each_batch) {
  log(1);
  log(2);
  EXPECT_EQ(text(), "1000000001" + kTail + "1000000002" + kTail);
}

TEST_F(SentLog, loses_its_older_half_when_the_next_line_would_be_too_much) {
  const std::size_t line = 10 + kTail.size();
  const auto fitting = static_cast<int>(limits::kTelemetrySentLogBytesMax / line);
  for (int i = 1; i <= fitting; ++i) log(i);
  EXPECT_EQ(text().size(), static_cast<std::size_t>(fitting) * line);
  log(fitting + 1);
  const std::string halved = text();
  EXPECT_LE(halved.size(), limits::kTelemetrySentLogBytesMax / 2 + line);
  EXPECT_GE(halved.size(), limits::kTelemetrySentLogBytesMax / 2 - 2 * line);
  EXPECT_EQ(halved.size() % line, 0U);
  EXPECT_THAT(halved, EndsWith(std::to_string(1'000'000'000 + fitting + 1) + kTail));
}

TEST_F(SentLog, that_has_grown_too_long_by_other_hands_begins_anew) {
  log(1);
  std::ofstream(directory_.file("sent"), std::ios::app) << std::string(limits::kTelemetrySentLogBytesMax, 'x');
  log(2);
  EXPECT_EQ(text(), "1000000002" + kTail);
}

TEST_F(SentLog, has_no_half_lines_when_there_is_no_room) {
  log(1);
  const std::string before = text();
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit tight{before.size() + 20, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  log(2);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(text(), before);
  log(3);
  EXPECT_EQ(text(), before + "1000000003" + kTail);
}

}  // namespace
}  // namespace aldis::courier
