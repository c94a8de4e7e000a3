// Boards that are not, or not yet, this process's own: other boots, formats, namespaces, owners, and no room for any.

#include "engines/local/board_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engines/local/board.h"
#include "engines/local/board_environment.h"
#include "engines/local/lmdb_transaction.h"
#include "engines/local/lock_page.h"
#include "local/scratch.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace aldis {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::describe;
using testing::get;
using ::testing::HasSubstr;
using testing::in_namespaces;
using testing::kCannotUnshare;
using testing::on_small_file_system;
using testing::open_board;
using testing::put;

class BoardFilesTest : public ::testing::Test {
 protected:
  BoardFilesTest() : home_(*BoardHome::of_this_process()), files_(board_files(directory_.path(), "default")) {}

  Result<std::shared_ptr<Board>> open() { return open_board(directory_.path()); }
  void put_in_a_healthy_board(std::string_view key) { ASSERT_EQ(describe(put(**open(), key, "value")), "ok"); }

  // Makes the files of a board that belongs to `home`.
  void forge_board_of(const BoardHome& home) {
    ASSERT_EQ(describe(ready_board_files(directory_.path(), "default", home, 1 << 20, BootTime{5s})), "ok");
  }
  // Replaces the format record inside the data file, and leaves the lock page alone.
  void forge_record(const BoardFormat& format) {
    std::filesystem::remove(files_.data);
    ASSERT_EQ(describe(BoardEnvironment::make_data_file(files_.data, 1 << 20, encode(format))), "ok");
  }
  void forge_lock_page(const BoardFormat& format) {
    ASSERT_EQ(describe(LockPage::create(files_.lock_page, encode(format))), "ok");
  }
  std::string path(std::string_view name) { return directory_.file(name); }

  testing::ScratchDirectory directory_;
  BoardHome home_;
  BoardFiles files_;
};

TEST_F(BoardFilesTest, a_board_of_an_earlier_boot_is_thrown_away) {
  BoardHome earlier = home_;
  earlier.boot_id = "01234567-89ab-cdef-0123-456789abcdef";
  forge_board_of(earlier);
  {
    const auto environment = *BoardEnvironment::open(files_, 1s);
    LmdbTransaction transaction(*environment, *environment->begin_write(), LmdbTransaction::Kind::write, 1s);
    transaction.put("key", "of the earlier boot");
    transaction.commit();
  }
  const auto board = open();
  ASSERT_EQ(describe(board), "ok");
  EXPECT_EQ(get(**board, "key"), "nothing");
  EXPECT_EQ(describe(put(**board, "key", "value")), "ok");
  EXPECT_EQ(get(**open(), "key"), "value") << "thrown away once, not at each opening";
}

TEST_F(BoardFilesTest, a_board_of_an_earlier_boot_is_thrown_away_even_if_only_the_record_tells) {
  put_in_a_healthy_board("key");
  BoardFormat earlier;
  earlier.home = home_;
  earlier.home.boot_id = "01234567-89ab-cdef-0123-456789abcdef";
  forge_record(earlier);
  EXPECT_EQ(get(**open(), "key"), "nothing");
}

TEST_F(BoardFilesTest, a_board_of_an_earlier_boot_need_not_be_readable) {
  BoardHome earlier = home_;
  earlier.boot_id = "01234567-89ab-cdef-0123-456789abcdef";
  forge_board_of(earlier);
  std::ofstream(files_.data, std::ios::trunc) << std::string(10'000, 'x');  // nothing was synced before the power went
  EXPECT_EQ(get(**open(), "key"), "nothing");
}

TEST_F(BoardFilesTest, a_newer_format_is_refused) {
  BoardFormat newer;
  newer.version = kBoardFormatVersion + 1;
  newer.home = home_;
  put_in_a_healthy_board("key");
  forge_record(newer);
  EXPECT_THAT(describe(open()),
              AllOf(HasSubstr("failed_precondition"), HasSubstr("newer Aldis"), HasSubstr("format 2")));
  forge_lock_page(newer);
  EXPECT_THAT(describe(open()), AllOf(HasSubstr("failed_precondition"), HasSubstr("newer Aldis")));
}

TEST_F(BoardFilesTest, a_board_of_a_newer_format_beside_ours_is_refused_since_agents_would_not_meet) {
  put_in_a_healthy_board("key");
  std::ofstream(path("board-v2-default.mdb")) << "whatever version 2 looks like";
  EXPECT_THAT(describe(open()), AllOf(HasSubstr("failed_precondition"), HasSubstr("format 2")));
  std::filesystem::rename(path("board-v2-default.mdb"), path("board-v2-other.mdb"));
  EXPECT_EQ(describe(open()), "ok");
}

TEST_F(BoardFilesTest, the_format_is_checked_inside_every_write_transaction) {
  const auto board = *open();
  ASSERT_EQ(describe(put(*board, "V", "overwritten")), "ok");
  EXPECT_THAT(describe(put(*board, "key", "value")), HasSubstr("failed_precondition"));
  EXPECT_EQ(get(*board, "key"), "nothing");
}

TEST_F(BoardFilesTest, what_is_no_board_is_data_loss_and_named) {
  put_in_a_healthy_board("key");
  std::ofstream(files_.data, std::ios::trunc) << std::string(10'000, 'x');
  EXPECT_THAT(describe(open()), AllOf(HasSubstr("data_loss"), HasSubstr(files_.data)));
}

TEST_F(BoardFilesTest, a_board_whose_making_was_cut_short_is_made_anew) {
  put_in_a_healthy_board("key");
  std::filesystem::rename(files_.data, files_.data + ".new");  // killed before the last rename
  EXPECT_EQ(get(**open(), "key"), "nothing");
  put_in_a_healthy_board("key");
}

TEST_F(BoardFilesTest, a_link_is_refused) {
  put_in_a_healthy_board("key");
  std::filesystem::rename(files_.data, path("elsewhere"));
  std::filesystem::create_symlink(path("elsewhere"), files_.data);
  EXPECT_THAT(describe(open()), AllOf(HasSubstr("failed_precondition"), HasSubstr("is a link")));
}

TEST_F(BoardFilesTest, a_file_that_others_may_open_is_refused) {
  put_in_a_healthy_board("key");
  chmod(files_.lock_page.c_str(), 0666);
  EXPECT_THAT(describe(open()), AllOf(HasSubstr("failed_precondition"), HasSubstr("chmod 600")));
}

TEST_F(BoardFilesTest, a_file_of_another_user_is_refused) {
  put_in_a_healthy_board("key");
  if (chown(files_.data.c_str(), geteuid() + 1, getegid()) != 0) GTEST_SKIP() << "only root can give files away";
  EXPECT_THAT(describe(open()), AllOf(HasSubstr("failed_precondition"), HasSubstr("belongs to user")));
}

// Equal pids of two PID namespaces would share a reader slot and a robust mutex.
TEST_F(BoardFilesTest, another_pid_namespace_is_refused_and_told_what_to_do) {
  put_in_a_healthy_board("key");
  const std::string answer = in_namespaces(CLONE_NEWPID, [this] { return describe(open()); });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, AllOf(HasSubstr("failed_precondition"), HasSubstr("PID namespace"), HasSubstr("redis+unix://")));
  EXPECT_EQ(get(**open(), "key"), "value");
}

// Its boot clock is another, so every deadline on the board would be wrong.
TEST_F(BoardFilesTest, another_time_namespace_is_refused_and_told_what_to_do) {
  put_in_a_healthy_board("key");
  const std::string answer = in_namespaces(CLONE_NEWTIME, [this] { return describe(open()); });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, AllOf(HasSubstr("failed_precondition"), HasSubstr("time namespace"), HasSubstr("redis+unix://")));
}

class SmallFileSystem : public BoardFilesTest {
 protected:
  std::string on(std::string_view size, const std::function<std::string()>& body) {
    return on_small_file_system(directory_.path(), size, body);
  }
};

TEST_F(SmallFileSystem, the_board_takes_half_of_it) {
  const std::string answer = on("8m", [this]() -> std::string {
    const auto board = *open();
    int records = 0;
    while (put(*board, "record" + std::to_string(records), std::string(4'000, 'x'))) ++records;
    return records > 800 && records < 1'024 ? "about half" : std::to_string(records);
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_EQ(answer, "about half");
}

TEST_F(SmallFileSystem, one_too_small_for_any_board_is_resource_exhausted) {
  const std::string answer = on("1m", [this] { return describe(open()); });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, AllOf(HasSubstr("resource_exhausted"), HasSubstr("room")));
}

// A store to a mapped page that a full tmpfs cannot provide is SIGBUS, and LMDB alone makes its lock file with holes.
// So there must be room for all of the files or for none, whatever is left.
TEST_F(SmallFileSystem, one_that_fills_up_while_a_board_is_made_is_resource_exhausted_and_never_a_signal) {
  const std::string answer = on("4m", [this]() -> std::string {
    testing::fill(directory_.path());
    const auto filled = std::filesystem::file_size(path("filler"));
    int refused = 0;
    for (std::size_t room = 0; room <= 200 * 1024; room += 4096) {
      std::filesystem::resize_file(path("filler"), filled - room);
      const std::string opened = testing::in_child([this] { return describe(open()); });
      if (opened.starts_with("resource_exhausted")) ++refused;
      if (opened != "ok" && !opened.starts_with("resource_exhausted")) return opened;
      discard_board_files(files_);
    }
    return refused > 30 && refused < 50 ? "some refused, some made" : std::to_string(refused);
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_EQ(answer, "some refused, some made");
}

TEST_F(SmallFileSystem, one_that_fills_up_later_refuses_writes_and_serves_reads_and_new_readers) {
  const std::string answer = on("4m", [this]() -> std::string {
    const auto board = *open();
    if (!put(*board, "key", "value")) return "cannot write";
    testing::fill(directory_.path());
    Result<void> written;
    for (int i = 0; i < 100 && written; ++i) {
      written = put(*board, "record" + std::to_string(i), std::string(20'000, 'x'));
    }
    if (get(*board, "key") != "value") return "lost the key";
    const std::string reader = testing::in_child([this] { return get(**open(), "key"); });
    if (reader != "value") return "a new reader found " + reader;
    std::filesystem::remove(path("filler"));
    return describe(written) + " then " + describe(put(*board, "key", "after"));
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, AllOf(HasSubstr("resource_exhausted"), HasSubstr("file system is full"), HasSubstr("then ok")));
}

}  // namespace
}  // namespace aldis
