// The board as one process sees it.

#include "engines/local/board.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "aldis/limits.h"
#include "core/failure.h"
#include "fakes/fake_clock.h"
#include "local/scratch.h"

namespace aldis {
namespace {

using testing::describe;
using ::testing::ElementsAre;
using testing::get;
using ::testing::HasSubstr;
using testing::open_board;
using testing::put;

class BoardOfOneProcess : public ::testing::Test {
 protected:
  BoardOfOneProcess() : board_(*open_board(directory_.path())) {}

  std::vector<std::string> keys(std::string_view prefix, std::string_view from) {
    return *board_->read([&](BoardTransaction& transaction) -> Result<std::vector<std::string>> {
      std::vector<std::string> found;
      for (auto entry = transaction.seek(prefix, from); entry; entry = transaction.next())
        found.emplace_back(entry->key);
      return found;
    });
  }

  testing::ScratchDirectory directory_;
  std::shared_ptr<Board> board_;
};

TEST_F(BoardOfOneProcess, what_was_written_is_read) {
  ASSERT_EQ(describe(put(*board_, "key", "value")), "ok");
  EXPECT_EQ(get(*board_, "key"), "value");
  EXPECT_EQ(get(*board_, "other"), "nothing");
}

TEST_F(BoardOfOneProcess, erase_says_whether_the_key_was_there) {
  ASSERT_EQ(describe(put(*board_, "key", "value")), "ok");
  const auto erase = [&] { return *board_->write([](BoardTransaction& t) -> Result<bool> { return t.erase("key"); }); };
  EXPECT_TRUE(erase());
  EXPECT_FALSE(erase());
  EXPECT_EQ(get(*board_, "key"), "nothing");
}

TEST_F(BoardOfOneProcess, seek_walks_the_keys_of_a_prefix_from_a_key_on) {
  for (const auto* key : {"a1", "b1", "b2", "b3", "c1"}) ASSERT_EQ(describe(put(*board_, key, "")), "ok");
  EXPECT_THAT(keys("b", "b2"), ElementsAre("b2", "b3"));
  EXPECT_THAT(keys("b", ""), ElementsAre("b1", "b2", "b3"));
  EXPECT_THAT(keys("b", "b4"), ElementsAre());
}

TEST_F(BoardOfOneProcess, an_error_of_the_body_undoes_what_it_did) {
  const Result<void> answer = board_->write([](BoardTransaction& transaction) -> Result<void> {
    transaction.put("key", "value");
    return fail(ErrorCode::conflict, "changed my mind");
  });
  EXPECT_EQ(describe(answer), "conflict: changed my mind");
  EXPECT_EQ(get(*board_, "key"), "nothing");
}

TEST_F(BoardOfOneProcess, the_first_failure_sticks_and_undoes_the_transaction) {
  bool found_after_failure = true;
  const Result<void> answer = board_->write([&](BoardTransaction& transaction) -> Result<void> {
    transaction.put("key", "value");
    transaction.put(std::string(600, 'k'), "a key that LMDB refuses");
    found_after_failure = transaction.get("key").has_value();
    return {};
  });
  EXPECT_THAT(describe(answer), HasSubstr("internal"));
  EXPECT_FALSE(found_after_failure);
  EXPECT_EQ(get(*board_, "key"), "nothing");
}

TEST_F(BoardOfOneProcess, ids_grow_by_one_with_each_commit_that_changes_something) {
  const auto write_id = [&](bool change) {
    return *board_->write([&](BoardTransaction& transaction) -> Result<std::uint64_t> {
      if (change) transaction.put("key", std::to_string(transaction.id()));
      return transaction.id();
    });
  };
  const std::uint64_t first = write_id(true);
  EXPECT_EQ(board_->last_transaction_id(), first);
  EXPECT_EQ(write_id(false), first + 1);
  EXPECT_EQ(board_->last_transaction_id(), first);
  EXPECT_EQ(write_id(true), first + 1);
  const auto read_id =
      board_->read([](BoardTransaction& transaction) -> Result<std::uint64_t> { return transaction.id(); });
  EXPECT_EQ(*read_id, first + 1);
}

TEST_F(BoardOfOneProcess, a_read_keeps_its_snapshot_while_another_thread_writes) {
  ASSERT_EQ(describe(put(*board_, "key", "old")), "ok");
  const auto seen = board_->read([&](BoardTransaction& transaction) -> Result<std::string> {
    std::thread([&] { EXPECT_EQ(describe(put(*board_, "key", "new")), "ok"); }).join();
    return std::string(*transaction.get("key"));
  });
  EXPECT_EQ(*seen, "old");
  EXPECT_EQ(get(*board_, "key"), "new");
}

TEST_F(BoardOfOneProcess, a_transaction_inside_another_is_an_error_and_not_a_deadlock) {
  const Result<void> outer =
      board_->write([&](BoardTransaction&) -> Result<void> { return put(*board_, "key", "value"); });
  EXPECT_THAT(describe(outer), HasSubstr("inside another"));
}

TEST_F(BoardOfOneProcess, many_threads_write_and_read_without_losing_anything) {
  constexpr int kThreads = 4;
  constexpr int kWrites = 200;
  std::vector<std::jthread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&] {
      for (int i = 0; i < kWrites; ++i) {
        const Result<void> counted = board_->write([](BoardTransaction& transaction) -> Result<void> {
          const std::string before(transaction.get("count").value_or("0"));
          transaction.put("count", std::to_string(std::stoi(before) + 1));
          return {};
        });
        ASSERT_EQ(describe(counted), "ok");
        get(*board_, "count");
      }
    });
  }
  threads.clear();
  EXPECT_EQ(get(*board_, "count"), std::to_string(kThreads * kWrites));
}

// Opening an LMDB environment twice and closing one drops the process's locks on it: the next process to come would
// take the board for unused and make its mutexes anew under our feet.
TEST_F(BoardOfOneProcess, two_opens_in_one_process_share_one_environment_and_keep_its_locks) {
  auto second = *open_board(directory_.path());
  ASSERT_EQ(describe(put(*second, "key", "by the second")), "ok");
  EXPECT_EQ(get(*board_, "key"), "by the second");
  second.reset();
  const std::string locked = testing::in_child([&]() -> std::string {
    const int file = open(directory_.file("board-v1-default.mdb-lock").c_str(), O_RDWR);
    struct flock probe{};
    probe.l_type = F_WRLCK;
    probe.l_len = 1;
    fcntl(file, F_GETLK, &probe);
    return probe.l_type == F_UNLCK ? "nobody" : std::to_string(probe.l_pid);
  });
  EXPECT_EQ(locked, std::to_string(getpid()));
}

TEST_F(BoardOfOneProcess, opening_and_closing_from_many_threads_is_safe) {
  ASSERT_EQ(describe(put(*board_, "key", "value")), "ok");
  board_.reset();
  std::vector<std::jthread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) EXPECT_EQ(get(**open_board(directory_.path()), "key"), "value");
    });
  }
}

TEST_F(BoardOfOneProcess, lock_files_are_allocated_to_the_last_byte) {
  for (const auto* name : {"board-v1-default.mdb-lock", "board-v1-default.locks"}) {
    struct stat status{};
    ASSERT_EQ(stat(directory_.file(name).c_str(), &status), 0) << name;
    EXPECT_GE(status.st_blocks * 512, status.st_size) << name;
  }
}

TEST_F(BoardOfOneProcess, files_are_readable_by_their_owner_only) {
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << entry.path();
  }
}

TEST_F(BoardOfOneProcess, namespaces_have_boards_of_their_own) {
  const SystemClock clock;
  const auto other = *Board::open({directory_.path(), "other", {}, &clock, 0});
  ASSERT_EQ(describe(put(*board_, "key", "value")), "ok");
  EXPECT_EQ(get(*other, "key"), "nothing");
}

TEST_F(BoardOfOneProcess, signals_are_refused_above_their_share_and_accepted_again_after_removal) {
  const SystemClock clock;
  const auto small = *Board::open({directory_.path(), "small", {}, &clock, 2 << 20});
  const auto send = [&](int number) {
    return small->write([&](BoardTransaction& transaction) -> Result<bool> {
      if (!transaction.has_room_for_signals()) return false;
      transaction.put("s" + std::to_string(number), std::string(10'000, 'x'));
      return true;
    });
  };
  int sent = 0;
  while (*send(sent)) ++sent;
  const std::size_t share = (2u << 20) * limits::kBoardSignalShare / 100;
  EXPECT_GT(sent * 10'000u, share * 7 / 10);
  EXPECT_LT(sent * 10'000u, share);
  EXPECT_EQ(describe(put(*small, "h", std::string(10'000, 'x'))), "ok") << "the rest is for others";

  for (int number = 0; number < sent; ++number) {
    ASSERT_TRUE(
        *small->write([&](BoardTransaction& t) -> Result<bool> { return t.erase("s" + std::to_string(number)); }));
  }
  EXPECT_TRUE(*send(0));
}

TEST_F(BoardOfOneProcess, steady_load_does_not_make_the_file_grow) {
  const auto load = [&] {
    for (int i = 0; i < 2'000; ++i) {
      const std::string key = "s" + std::to_string(i);
      ASSERT_EQ(describe(put(*board_, key, std::string(500, 'x'))), "ok");
      ASSERT_TRUE(*board_->write([&](BoardTransaction& t) -> Result<bool> { return t.erase(key); }));
    }
  };
  load();
  const auto size = std::filesystem::file_size(directory_.file("board-v1-default.mdb"));
  load();
  EXPECT_EQ(std::filesystem::file_size(directory_.file("board-v1-default.mdb")), size);
}

TEST(BoardNames, a_bad_namespace_is_invalid) {
  const testing::ScratchDirectory directory;
  const SystemClock clock;
  EXPECT_THAT(describe(Board::open({directory.path(), "../x", {}, &clock, 0})), HasSubstr("invalid_argument"));
}

// systemd removes /run/user/<uid> at the last logout, under processes that linger.
class RemovedBoard : public ::testing::Test {
 protected:
  std::shared_ptr<Board> open() { return *Board::open({directory_.path(), "default", {}, &clock_, 0}); }
  void remove_directory() { std::filesystem::remove_all(directory_.path()); }

  testing::FakeClock clock_;
  testing::ScratchDirectory directory_;
};

TEST_F(RemovedBoard, is_made_anew_at_the_next_recheck) {
  const auto board = open();
  ASSERT_EQ(describe(put(*board, "key", "old")), "ok");
  remove_directory();
  clock_.advance(limits::kRecheckLocal);
  EXPECT_EQ(get(*board, "key"), "nothing");
  ASSERT_EQ(describe(put(*board, "key", "new")), "ok");
  EXPECT_EQ(get(*open(), "key"), "new");
}

TEST_F(RemovedBoard, is_joined_where_another_process_made_it_anew) {
  const auto board = open();
  remove_directory();
  EXPECT_EQ(testing::in_child([&] { return describe(put(**open_board(directory_.path()), "key", "of another")); }),
            "ok");
  clock_.advance(limits::kRecheckLocal);
  EXPECT_EQ(get(*board, "key"), "of another");
}

TEST_F(RemovedBoard, never_repeats_a_transaction_id) {
  const auto board = open();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(describe(put(*board, "key", std::to_string(i))), "ok");
  const std::uint64_t before = board->last_transaction_id();
  remove_directory();
  clock_.advance(limits::kRecheckLocal);
  ASSERT_TRUE(board->check_usable());
  EXPECT_GT(board->last_transaction_id(), before);
}

TEST_F(RemovedBoard, is_looked_for_again_when_only_a_lock_file_is_missing) {
  const auto board = open();
  ASSERT_EQ(describe(put(*board, "key", "old")), "ok");
  std::filesystem::remove(directory_.file("board-v1-default.mdb-lock"));
  clock_.advance(limits::kRecheckLocal);
  EXPECT_EQ(get(*board, "key"), "nothing");
}

TEST_F(RemovedBoard, lets_transactions_end_on_the_old_one) {
  const auto board = open();
  ASSERT_EQ(describe(put(*board, "key", "old")), "ok");
  const auto seen = board->read([&](BoardTransaction& transaction) -> Result<std::string> {
    std::thread([&] {
      remove_directory();
      clock_.advance(limits::kRecheckLocal);
      EXPECT_EQ(get(*board, "key"), "nothing");
    }).join();
    return std::string(*transaction.get("key"));
  });
  EXPECT_EQ(*seen, "old");
}

TEST_F(RemovedBoard, that_cannot_be_made_anew_is_an_error_and_never_an_empty_answer) {
  const auto board = open();
  ASSERT_EQ(describe(put(*board, "key", "old")), "ok");
  remove_directory();
  std::filesystem::create_symlink("/nowhere", directory_.path());
  clock_.advance(limits::kRecheckLocal);
  EXPECT_THAT(get(*board, "key"), HasSubstr("is a link"));
  EXPECT_THAT(describe(put(*board, "key", "new")), HasSubstr("failed_precondition"));
}

}  // namespace
}  // namespace aldis
