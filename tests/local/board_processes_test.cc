// The board among real processes: stopped, killed, forked.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <random>
#include <thread>
#include <vector>

#include "aldis/limits.h"
#include "engines/local/board.h"
#include "engines/local/environment_registry.h"
#include "local/scratch.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::Child;
using testing::ChildSide;
using testing::describe;
using testing::get;
using ::testing::HasSubstr;
using testing::in_child;
using testing::open_board;
using testing::put;

constexpr std::size_t kSmallBoard = 2 << 20;

class BoardAmongProcesses : public ::testing::Test {
 protected:
  std::shared_ptr<Board> open(std::chrono::nanoseconds timeout = 20s) {
    return *open_board(directory_.path(), timeout, kSmallBoard);
  }

  // A body for a child: stays inside a transaction.
  auto stay_inside_a_write() {
    return [this](ChildSide& parent) {
      (void)open()->write([&](BoardTransaction& transaction) -> Result<void> {
        transaction.put("key", "never committed");
        parent.say("inside");
        parent.wait_for_parent();
        return {};
      });
    };
  }
  auto stay_inside_a_read() {
    return [this](ChildSide& parent) {
      (void)open()->read([&](BoardTransaction&) -> Result<void> {
        parent.say("inside");
        parent.wait_for_parent();
        return {};
      });
    };
  }

  // Overwrites a large value until it fails: each commit frees as many pages as it takes.
  static Result<void> churn(Board& board, int commits) {
    for (int i = 0; i < commits; ++i) {
      if (Result<void> written = put(board, "large", std::string(100'000, static_cast<char>('a' + i % 26))); !written) {
        return written;
      }
    }
    return {};
  }

  testing::ScratchDirectory directory_;
};

TEST_F(BoardAmongProcesses, a_stopped_writer_delays_others_to_their_deadline_and_is_named) {
  const auto board = open(50ms);
  Child writer(stay_inside_a_write());
  ASSERT_EQ(writer.hear(), "inside");
  writer.kill(SIGSTOP);
  writer.wait_until_stopped();
  EXPECT_THAT(describe(put(*board, "key", "mine")),
              AllOf(HasSubstr("deadline_exceeded"), HasSubstr("pid " + std::to_string(writer.pid()))));
  EXPECT_EQ(get(*board, "key"), "nothing") << "readers are not held up";

  writer.kill(SIGCONT);
  writer.go_on();
  EXPECT_EQ(writer.join(), "");
  EXPECT_EQ(get(*board, "key"), "never committed") << "it went on where it was stopped";
  EXPECT_EQ(describe(put(*board, "key", "mine")), "ok");
}

TEST_F(BoardAmongProcesses, a_killed_writer_holds_up_nobody_and_leaves_nothing_behind) {
  const auto board = open();
  for (int round = 0; round < 20; ++round) {
    Child writer(stay_inside_a_write());
    ASSERT_EQ(writer.hear(), "inside");
    writer.kill(SIGKILL);
    ASSERT_EQ(writer.join(), "signal 9");
    ASSERT_EQ(get(*board, "key"), "nothing");
    ASSERT_EQ(describe(put(*board, "other", std::to_string(round))), "ok");
  }
}

// Two keys that every commit changes together, written by two processes that are killed at any point.
TEST_F(BoardAmongProcesses, kill_minus_nine_at_any_point_never_tears_a_commit) {
  const auto board = open();
  const auto write_pairs = [this](ChildSide& parent) {
    const auto mine = open();
    for (int i = 0;; ++i) {
      const Result<void> written = mine->write([&](BoardTransaction& transaction) -> Result<void> {
        const std::string value = std::to_string(getpid()) + "." + std::to_string(i) + std::string(i % 3000, 'x');
        transaction.put("left", value);
        transaction.put("right", value);
        return {};
      });
      // A reader that lost its processor in the middle pins pages of so small a board; it goes on.
      if (!written && written.error().code != ErrorCode::resource_exhausted) {
        std::fputs(written.error().message.c_str(), stderr);
        _exit(3);
      }
      if (i == 0) parent.say("writing");
    }
  };
  std::mt19937 random(1);  // the same moments each time, as far as the scheduler lets us
  for (int round = 0; round < 40; ++round) {
    Child first(write_pairs);
    Child second(write_pairs);
    ASSERT_EQ(first.hear(), "writing");
    ASSERT_EQ(second.hear(), "writing");
    for (unsigned reads = random() % 300; reads > 0; --reads) {
      const auto equal = board->read([](BoardTransaction& transaction) -> Result<bool> {
        return std::string(transaction.get("left").value_or("")) == transaction.get("right").value_or("");
      });
      ASSERT_TRUE(equal && *equal);
    }
    first.kill(SIGKILL);
    second.kill(SIGKILL);
    ASSERT_EQ(first.join(), "signal 9");
    ASSERT_EQ(second.join(), "signal 9");
    ASSERT_EQ(describe(put(*board, "count", std::to_string(round))), "ok");
    ASSERT_EQ(get(*board, "left"), get(*board, "right"));
  }
}

TEST_F(BoardAmongProcesses, a_stopped_reader_that_pins_the_full_board_is_named_and_its_death_mends_it) {
  const auto board = open();
  ASSERT_EQ(describe(put(*board, "large", std::string(100'000, 'x'))), "ok");
  Child reader(stay_inside_a_read());
  ASSERT_EQ(reader.hear(), "inside");
  EXPECT_THAT(describe(churn(*board, 100)), AllOf(HasSubstr("resource_exhausted"), HasSubstr("full"),
                                                  HasSubstr("pid " + std::to_string(reader.pid()))));
  reader.kill(SIGKILL);
  ASSERT_EQ(reader.join(), "signal 9");
  EXPECT_EQ(describe(churn(*board, 100)), "ok") << "the dead reader's pages are used again, without anybody's help";
}

TEST_F(BoardAmongProcesses, signals_have_room_again_when_a_reader_that_pinned_pages_is_dead) {
  const auto board = open();
  const auto has_room = [&] {
    return *board->write(
        [](BoardTransaction& transaction) -> Result<bool> { return transaction.has_room_for_signals(); });
  };
  ASSERT_EQ(describe(churn(*board, 1)), "ok");
  Child reader(stay_inside_a_read());
  ASSERT_EQ(reader.hear(), "inside");
  int commits = 0;
  for (; has_room(); ++commits) ASSERT_EQ(describe(churn(*board, 1)), "ok");
  EXPECT_GT(commits, 5) << "one overwritten value of a twentieth of the board is no load; what is pinned is";
  EXPECT_EQ(describe(put(*board, "heartbeat", "value")), "ok") << "the rest is for others";
  reader.kill(SIGKILL);
  ASSERT_EQ(reader.join(), "signal 9");
  EXPECT_TRUE(has_room());
}

TEST_F(BoardAmongProcesses, a_process_stopped_while_it_takes_a_reader_slot_delays_new_readers_to_their_deadline) {
  const auto board = open(50ms);
  ASSERT_EQ(get(*board, "key"), "nothing");
  Child claimer([this](ChildSide& parent) {
    const auto environment = *acquire_environment({directory_.path(), "default"}, kSmallBoard, 20s, BootTime{});
    const auto hold = environment->locks().lock_reader_table(20s);
    parent.say("inside");
    parent.wait_for_parent();
  });
  ASSERT_EQ(claimer.hear(), "inside");
  EXPECT_EQ(get(*board, "key"), "nothing") << "who has a slot needs none";
  EXPECT_THAT(describe(open_board(directory_.path(), 50ms)), HasSubstr("ok")) << "this process has a slot too";
  EXPECT_THAT(in_child([this] { return describe(open_board(directory_.path(), 50ms)); }),
              AllOf(HasSubstr("deadline_exceeded"), HasSubstr("pid " + std::to_string(claimer.pid()))));
  claimer.kill(SIGKILL);
  EXPECT_EQ(in_child([this] { return describe(open_board(directory_.path())); }), "ok");
}

TEST_F(BoardAmongProcesses, a_board_filled_by_its_records_says_so_and_lives_on) {
  const auto board = open();
  int written = 0;
  Result<void> answer;
  while ((answer = put(*board, "record" + std::to_string(written), std::string(50'000, 'x')))) ++written;
  EXPECT_THAT(describe(answer), AllOf(HasSubstr("resource_exhausted"), HasSubstr("is full")));
  EXPECT_GT(written * 50'000u, kSmallBoard / 2);
  const auto erased =
      board->write([](BoardTransaction& transaction) -> Result<bool> { return transaction.erase("record0"); });
  EXPECT_TRUE(*erased);
  EXPECT_EQ(describe(put(*board, "small", "value")), "ok");
}

TEST_F(BoardAmongProcesses, a_full_reader_table_names_who_fills_it_and_is_cleared_of_the_dead) {
  Child hoarder([this](ChildSide& parent) {
    const auto environment = *acquire_environment({directory_.path(), "default"}, kSmallBoard, 20s, BootTime{});
    std::size_t slots = 0;
    while (environment->begin_read(20s)) ++slots;
    parent.say(std::to_string(slots));
    parent.wait_for_parent();
  });
  // One slot went to reading the format when the hoarder opened the board, and back to its pool.
  EXPECT_EQ(hoarder.hear(), std::to_string(limits::kBoardReadersMax));
  EXPECT_THAT(describe(open_board(directory_.path())),
              AllOf(HasSubstr("resource_exhausted"), HasSubstr("pid " + std::to_string(hoarder.pid()))));
  hoarder.kill(SIGKILL);
  ASSERT_EQ(hoarder.join(), "signal 9");
  EXPECT_EQ(get(*open(), "key"), "nothing");
}

TEST_F(BoardAmongProcesses, sixteen_first_opens_at_once_make_one_board) {
  constexpr int kProcesses = 16;
  constexpr int kWrites = 20;
  std::vector<std::unique_ptr<Child>> children;
  for (int number = 0; number < kProcesses; ++number) {
    children.push_back(std::make_unique<Child>([this](ChildSide& parent) {
      parent.wait_for_parent();
      const auto board = open();
      for (int i = 0; i < kWrites; ++i) {
        const Result<void> counted = board->write([](BoardTransaction& transaction) -> Result<void> {
          const std::string before(transaction.get("count").value_or("0"));
          transaction.put("count", std::to_string(std::stoi(before) + 1));
          return {};
        });
        if (!counted) _exit(3);
      }
    }));
  }
  for (const auto& child : children) child->go_on();
  for (const auto& child : children) EXPECT_EQ(child->join(), "");
  EXPECT_EQ(get(*open(), "count"), std::to_string(kProcesses * kWrites));
}

TEST_F(BoardAmongProcesses, an_opener_stopped_half_way_delays_others_to_their_deadline) {
  Child opener([this](ChildSide& parent) {
    const int held = ::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY);
    flock(held, LOCK_EX);
    parent.say("inside");
    parent.wait_for_parent();
  });
  ASSERT_EQ(opener.hear(), "inside");
  EXPECT_THAT(describe(open_board(directory_.path(), 20ms)), HasSubstr("deadline_exceeded"));
  opener.kill(SIGKILL);
  EXPECT_EQ(describe(open_board(directory_.path())), "ok");
}

class ForkedBoard : public BoardAmongProcesses {};

TEST_F(ForkedBoard, is_refused_in_the_child) {
  const auto board = open();
  ASSERT_EQ(describe(put(*board, "key", "value")), "ok");
  EXPECT_THAT(in_child([&] { return describe(put(*board, "key", "of the child")); }), HasSubstr("failed_precondition"));
  EXPECT_THAT(in_child([&] { return get(*board, "key"); }), HasSubstr("before fork()"));
  EXPECT_THAT(in_child([&] { return describe(board->check_usable()); }), HasSubstr("failed_precondition"));
  EXPECT_EQ(get(*board, "key"), "value");
}

TEST_F(ForkedBoard, may_be_destroyed_in_the_child_and_works_on_in_the_parent) {
  auto board = open();
  ASSERT_EQ(describe(put(*board, "key", "value")), "ok");
  EXPECT_EQ(in_child([&]() -> std::string {
              board.reset();
              const auto own = open();
              return describe(put(*own, "key", "of the child"));
            }),
            "ok");
  EXPECT_EQ(get(*board, "key"), "of the child");
  EXPECT_EQ(describe(put(*board, "key", "of the parent")), "ok");
  const std::string locked = in_child([&]() -> std::string {
    const int file = ::open(directory_.file("board-v1-default.mdb-lock").c_str(), O_RDWR);
    struct flock probe{};
    probe.l_type = F_WRLCK;
    probe.l_len = 1;
    fcntl(file, F_GETLK, &probe);
    return probe.l_type == F_UNLCK ? "nobody" : std::to_string(probe.l_pid);
  });
  EXPECT_EQ(locked, std::to_string(getpid())) << "the child took none of the parent's locks with it";
}

TEST_F(ForkedBoard, forked_inside_a_transaction_leaves_it_to_the_parent) {
  const auto board = open();
  const Result<void> written = board->write([&](BoardTransaction& transaction) -> Result<void> {
    transaction.put("key", "of the parent");
    EXPECT_THAT(
        in_child([&] {
          return describe(
              open_board(directory_.path(), 20ms)->get()->write([](BoardTransaction&) -> Result<void> { return {}; }));
        }),
        HasSubstr("pid " + std::to_string(getpid())));
    return {};
  });
  EXPECT_EQ(describe(written), "ok");
  EXPECT_EQ(get(*board, "key"), "of the parent");
}

TEST_F(ForkedBoard, a_child_can_open_its_own_while_other_threads_of_the_parent_hold_every_lock) {
  std::atomic<bool> stop{false};
  std::jthread busy([&] {
    while (!stop) EXPECT_EQ(describe(put(*open(), "key", "value")), "ok");
  });
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(in_child([&] { return describe(put(*open(), "child", std::to_string(round))); }), "ok");
  }
  stop = true;
}

}  // namespace
}  // namespace aldis
