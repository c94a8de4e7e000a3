#include "engines/local/board_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "aldis/limits.h"
#include "local/scratch.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;
using testing::Child;
using testing::ChildSide;
using testing::open_board;
using testing::put;

class BoardReportTest : public ::testing::Test {
 protected:
  BoardReport inspect() { return inspect_board({directory_.path(), "default", 1s, &clock_, 0}); }

  const SystemClock clock_;
  testing::ScratchDirectory directory_;
};

TEST_F(BoardReportTest, a_missing_board_is_reported_and_not_made) {
  const BoardReport report = inspect();
  EXPECT_FALSE(report.exists);
  EXPECT_EQ(report.path, directory_.file("board-v1-default.mdb"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(BoardReportTest, shows_size_use_readers_and_the_last_transaction) {
  const auto board = *open_board(directory_.path(), 1s, 2 << 20);
  ASSERT_TRUE(put(*board, "key", std::string(500'000, 'x')));
  const BoardReport full = inspect();
  EXPECT_TRUE(full.exists);
  EXPECT_FALSE(full.problem);
  EXPECT_EQ(full.bytes_max, std::size_t{2 << 20});
  EXPECT_GT(full.bytes_used, 500'000u);
  EXPECT_EQ(full.readers, 1u);
  EXPECT_EQ(full.readers_max, limits::kBoardReadersMax);
  EXPECT_EQ(full.last_transaction_id, board->last_transaction_id());
  EXPECT_FALSE(full.oldest_pin);

  ASSERT_TRUE(put(*board, "key", ""));
  ASSERT_TRUE(put(*board, "key", ""));
  EXPECT_LT(inspect().bytes_used, 100'000u);
}

TEST_F(BoardReportTest, names_the_reader_of_an_old_snapshot) {
  const auto board = *open_board(directory_.path());
  Child reader([this](ChildSide& parent) {
    (void)(*open_board(directory_.path()))->read([&](BoardTransaction&) -> Result<void> {
      parent.say("inside");
      parent.wait_for_parent();
      return {};
    });
  });
  ASSERT_EQ(reader.hear(), "inside");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(put(*board, "key", std::to_string(i)));
  const BoardReport report = inspect();
  ASSERT_TRUE(report.oldest_pin);
  EXPECT_EQ(report.oldest_pin->pid, reader.pid());
  EXPECT_EQ(report.oldest_pin->transactions_behind, 3u);
}

TEST_F(BoardReportTest, lists_other_boards_of_the_directory) {
  const auto board = *open_board(directory_.path());
  const auto other = *Board::open({directory_.path(), "other-one", 1s, &clock_, 0});
  const std::ofstream newer(directory_.file("board-v7-default.mdb"));
  const BoardReport report = inspect();
  ASSERT_EQ(report.other_boards.size(), 2u);
  EXPECT_EQ(report.other_boards[0].namespace_name, "default");
  EXPECT_EQ(report.other_boards[0].version, 7u);
  EXPECT_EQ(report.other_boards[1].namespace_name, "other-one");
  EXPECT_EQ(report.other_boards[1].version, 1u);
}

TEST_F(BoardReportTest, a_board_that_cannot_be_opened_is_reported_with_its_problem) {
  open_board(directory_.path())->reset();
  std::filesystem::permissions(directory_.file("board-v1-default.locks"), std::filesystem::perms::all);
  const BoardReport report = inspect();
  EXPECT_TRUE(report.exists);
  ASSERT_TRUE(report.problem);
  EXPECT_EQ(report.problem->code, ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace aldis
