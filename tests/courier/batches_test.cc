#include "courier/batches.h"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "aldis/limits.h"
#include "core/private_files.h"
#include "fakes/scratch_directory.h"

namespace aldis::courier {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::chrono::sys_seconds kNow{1'790'000'000s};

TEST(BatchName, has_one_spelling) {
  const BatchName name{kNow, 3, "00112233445566ff"};
  EXPECT_EQ(format_batch_name(name), "1790000000-3-00112233445566ff");
  EXPECT_EQ(parse_batch_name("1790000000-3-00112233445566ff"), name);
  for (const char* wrong :
       {"", "-", "--", "1790000000-3", "1790000000-3-00112233445566f", "1790000000-3-00112233445566FF",
        "1790000000-3-00112233445566ff0", "01790000000-3-00112233445566ff", "1790000000-03-00112233445566ff",
        "-1790000000-3-00112233445566ff", "1790000000-+3-00112233445566ff", "1790000000--3-00112233445566ff",
        "99999999999999999999-3-00112233445566ff", "1790000000-99999999999-00112233445566ff",
        "1790000000-3-00112233445566ff ", "1790000000-3-0011223344556/ff", "spool.new"}) {
    EXPECT_FALSE(parse_batch_name(wrong).has_value()) << wrong;
  }
}

TEST(BatchName, is_worn_out_after_five_attempts_or_seven_days) {
  EXPECT_FALSE(is_worn_out({kNow, 4, ""}, kNow));
  EXPECT_TRUE(is_worn_out({kNow, 5, ""}, kNow));
  EXPECT_FALSE(is_worn_out({kNow, 0, ""}, kNow + std::chrono::days{7} - 1s));
  EXPECT_TRUE(is_worn_out({kNow, 0, ""}, kNow + std::chrono::days{7}));
  EXPECT_FALSE(is_worn_out({kNow, 0, ""}, kNow - std::chrono::days{70}));  // a clock that was set back
}

class BatchesTest : public ::testing::Test {
 protected:
  BatchesTest() : batches_(*Batches::open(*state_)) {}

  void write_spool(std::string_view bytes) {
    const auto spool = open_own_file(*state_, "spool", O_WRONLY | O_APPEND | O_CREAT);
    ASSERT_TRUE(spool.has_value());
    ASSERT_TRUE(write_once(*spool, bytes));
  }

  const testing::ScratchDirectory directory_;
  const Result<FileDescriptor> state_ = open_own_directory(directory_.path(), Others::nothing);
  Batches batches_;
};

TEST_F(BatchesTest, a_claimed_spool_is_a_batch_that_was_never_tried) {
  write_spool("bytes");
  const auto name = batches_.claim_spool(kNow);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->first_seen, kNow);
  EXPECT_EQ(name->attempt, 0U);
  EXPECT_THAT(batches_.list(), ElementsAre(*name));
  EXPECT_EQ(batches_.read(*name).value(), "bytes");
  EXPECT_NE(access(directory_.file("spool").c_str(), F_OK), 0);
  EXPECT_FALSE(batches_.claim_spool(kNow).has_value());
}

TEST_F(BatchesTest, counting_an_attempt_changes_the_name_only) {
  write_spool("bytes");
  const auto name = batches_.claim_spool(kNow);
  ASSERT_TRUE(name.has_value());
  const auto counted = batches_.count_attempt(*name);
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->attempt, 1U);
  EXPECT_EQ(counted->id, name->id);
  EXPECT_THAT(batches_.list(), ElementsAre(*counted));
  EXPECT_EQ(batches_.read(*counted).value(), "bytes");
  EXPECT_EQ(batches_.count_attempt(*name).error().code, ErrorCode::not_found);
  batches_.remove(*counted);
  EXPECT_THAT(batches_.list(), IsEmpty());
}

TEST_F(BatchesTest, there_are_never_more_than_eight) {
  for (std::size_t i = 0; i < limits::kTelemetryBatchesMax; ++i) {
    write_spool("bytes");
    EXPECT_TRUE(batches_.claim_spool(kNow).has_value());
  }
  write_spool("bytes");
  EXPECT_FALSE(batches_.claim_spool(kNow).has_value());
  EXPECT_EQ(access(directory_.file("spool").c_str(), F_OK), 0);
  batches_.remove(batches_.list().front());
  EXPECT_TRUE(batches_.claim_spool(kNow).has_value());
}

TEST_F(BatchesTest, an_empty_spool_and_what_is_no_spool_stay) {
  write_spool("");
  EXPECT_FALSE(batches_.claim_spool(kNow).has_value());
  ASSERT_EQ(unlink(directory_.file("spool").c_str()), 0);
  ASSERT_EQ(mkdir(directory_.file("spool").c_str(), 0700), 0);
  EXPECT_FALSE(batches_.claim_spool(kNow).has_value());
}

TEST_F(BatchesTest, reading_waits_for_a_writer_in_flight) {
  const auto spool = open_own_file(*state_, "spool", O_WRONLY | O_APPEND | O_CREAT);
  ASSERT_TRUE(spool.has_value());
  ASSERT_EQ(flock(spool->get(), LOCK_SH), 0);
  ASSERT_TRUE(write_once(*spool, "first "));
  const auto name = batches_.claim_spool(kNow);
  ASSERT_TRUE(name.has_value());
  auto read = std::async(std::launch::async, [&] { return batches_.read(*name); });
  ASSERT_TRUE(write_once(*spool, "second"));
  ASSERT_EQ(flock(spool->get(), LOCK_UN), 0);
  EXPECT_EQ(read.get().value(), "first second");
}

TEST_F(BatchesTest, what_is_no_batch_is_left_alone) {
  std::ofstream(directory_.file("batch/README")) << "notes";
  EXPECT_THAT(batches_.list(), IsEmpty());
}

TEST_F(BatchesTest, a_directory_that_others_may_enter_is_refused) {
  ASSERT_EQ(chmod(directory_.file("batch").c_str(), 0755), 0);
  EXPECT_EQ(Batches::open(*state_).error().code, ErrorCode::failed_precondition);
  ASSERT_EQ(rmdir(directory_.file("batch").c_str()), 0);
  EXPECT_EQ(Batches::open_existing(*state_).error().code, ErrorCode::not_found);
  ASSERT_EQ(symlink("/tmp", directory_.file("batch").c_str()), 0);
  EXPECT_EQ(Batches::open(*state_).error().code, ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace aldis::courier
