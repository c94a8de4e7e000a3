// The ledger between processes: together, killed, stopped, forked.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "aldis/limits.h"
#include "core/format.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LedgerProcesses : public ::testing::Test {
 protected:
  // A process that holds the write lock until its parent goes on.
  static void hold_the_lock(Ledger& ledger, ChildSide& parent) {
    const auto held = ledger.write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<void> {
      transaction.run("INSERT INTO meta VALUES ('held', '1')");
      parent.say("holding");
      parent.wait_for_parent();
      return {};
    });
    parent.say(describe(held));
  }
  std::string integrity() {
    return in_child([&] { return ask_sql(path_, "PRAGMA integrity_check"); });
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  const std::string path_ = file_of_ledger(directory_);
};

TEST_F(LedgerProcesses, lose_nothing_that_eight_write_at_once) {
  constexpr int kProcesses = 8;
  constexpr int kEach = 100;
  std::vector<std::unique_ptr<Child>> children;
  for (int process = 0; process < kProcesses; ++process) {
    children.push_back(std::make_unique<Child>([&, process](ChildSide& parent) {
      const auto ledger = ledger_in(directory_);
      std::string failure;
      for (int i = 0; i < kEach && failure.empty(); ++i) {
        const auto added = ledger->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<void> {
          transaction.run("INSERT INTO meta VALUES (?, '')", std::string_view(fmt::format("n-{}-{}", process, i)));
          transaction.run("INSERT INTO meta VALUES ('sum', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1");
          return {};
        });
        if (!added) failure = describe(added);
      }
      parent.say(failure.empty() ? "ok" : failure);
    }));
  }
  for (const auto& child : children) EXPECT_EQ(child->hear(), "ok");
  for (const auto& child : children) EXPECT_EQ(child->join(), "");
  const auto ledger = ledger_in(directory_);
  EXPECT_EQ(count_notes(*ledger, "n-"), kProcesses * kEach);
  EXPECT_EQ(noted(*ledger, "sum"), std::to_string(kProcesses * kEach));
}

// Each commit is a pair; a killed writer leaves both halves or none, and no lock.
TEST_F(LedgerProcesses, that_are_killed_leave_whole_transactions) {
  std::int64_t heard = 0;
  for (int round = 0; round < 12; ++round) {
    Child writer([&](ChildSide& parent) {
      const auto ledger = ledger_in(directory_);
      for (int i = 0;; ++i) {
        const auto written = ledger->write(
            i % 2 == 0 ? LedgerSync::normal : LedgerSync::full, [&](LedgerTransaction& transaction) -> Result<void> {
              transaction.run("INSERT INTO meta VALUES (?, '')", std::string_view(fmt::format("left-{}-{}", round, i)));
              transaction.run("INSERT INTO meta VALUES (?, '')",
                              std::string_view(fmt::format("right-{}-{}", round, i)));
              return {};
            });
        parent.say(describe(written));
      }
    });
    for (int i = 0; i <= round * 3; ++i) heard += static_cast<int>(writer.hear() == "ok");
    writer.kill(SIGKILL);
    writer.join();
    const auto ledger = ledger_in(directory_, 5s);
    const std::int64_t left = count_notes(*ledger, "left-");
    EXPECT_EQ(count_notes(*ledger, "right-"), left);
    EXPECT_GE(left, heard) << "what was answered is there";
    EXPECT_EQ(note(*ledger, fmt::format("after-{}", round), ""), "ok") << "nothing holds the lock";
    heard = left;
  }
  EXPECT_EQ(integrity(), "ok");
}

TEST_F(LedgerProcesses, that_stop_while_they_write_are_named_at_the_deadline) {
  const auto ours = ledger_in(directory_, 100ms);
  ASSERT_EQ(note(*ours, "a", "1"), "ok");
  Child writer([&](ChildSide& parent) { hold_the_lock(*ledger_in(directory_), parent); });
  ASSERT_EQ(writer.hear(), "holding");
  writer.kill(SIGSTOP);
  writer.wait_until_stopped();
  for (const LedgerSync sync : {LedgerSync::normal, LedgerSync::full}) {
    EXPECT_THAT(note(*ours, "b", "2", sync), AllOf(StartsWith("deadline_exceeded"), HasSubstr(path_),
                                                   HasSubstr(fmt::format("pid {} ", writer.pid()))));
  }
  EXPECT_EQ(noted(*ours, "a"), "1") << "reading goes on";
  EXPECT_EQ(noted(*ledger_in(directory_), "a"), "1") << "also for who comes new";
  writer.kill(SIGCONT);
  writer.go_on();
  EXPECT_EQ(writer.hear(), "ok");
  EXPECT_EQ(note(*ours, "b", "2"), "ok");
}

TEST_F(LedgerProcesses, that_stop_while_they_read_keep_nobody_from_writing) {
  const auto ours = ledger_in(directory_, 5s);
  ASSERT_EQ(note(*ours, "a", "1"), "ok");
  Child reader([&](ChildSide& parent) {
    const auto ledger = ledger_in(directory_);
    (void)ledger->read([&](LedgerTransaction& transaction) -> Result<void> {
      LedgerQuery query = transaction.query("SELECT count(*) FROM meta");
      query.next();
      parent.say("reading");
      parent.wait_for_parent();
      return {};
    });
  });
  ASSERT_EQ(reader.hear(), "reading");
  reader.kill(SIGSTOP);
  reader.wait_until_stopped();
  EXPECT_EQ(note(*ours, "b", std::string(6'000'000, 'x')), "ok") << "more than the log is moved at";
  EXPECT_EQ(note(*ours, "c", "3"), "ok");
  EXPECT_EQ(noted(*ours, "c"), "3");
}

TEST_F(LedgerProcesses, that_were_forked_are_refused_what_they_inherited) {
  const auto ours = ledger_in(directory_);
  ASSERT_EQ(note(*ours, "a", "1"), "ok");
  ASSERT_EQ(noted(*ours, "a"), "1");
  EXPECT_EQ(in_child([&]() -> std::string {
              std::shared_ptr<Ledger> inherited = ours;
              const bool refused = note(*inherited, "b", "2").starts_with("failed_precondition") &&
                                   noted(*inherited, "a").starts_with("failed_precondition");
              return refused ? "refused" : "allowed";
            }),
            "refused");
  EXPECT_EQ(note(*ours, "b", "2"), "ok");
}

// SQLite remembers which files and locks its process has; a child that believed that would hold none of them.
TEST_F(LedgerProcesses, that_were_forked_hold_locks_of_their_own_when_they_open_it_anew) {
  auto ours = std::make_optional(ledger_in(directory_));
  ASSERT_EQ(note(**ours, "a", "1"), "ok");
  ASSERT_EQ(noted(**ours, "a"), "1");
  Child child([&](ChildSide& parent) {
    alarm(60);
    const auto own = ledger_in(directory_);
    parent.say(noted(*own, "a"));
    parent.wait_for_parent();
    parent.say(noted(*own, "b"));
    parent.say(note(*own, "c", "3"));
    parent.wait_for_parent();
  });
  ASSERT_EQ(child.hear(), "1");
  // The last of this process.
  ours.reset();
  EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
  const auto third = ledger_in(directory_);
  ASSERT_EQ(note(*third, "b", "2"), "ok");
  child.go_on();
  EXPECT_EQ(child.hear(), "2");
  EXPECT_EQ(child.hear(), "ok");
  EXPECT_EQ(noted(*third, "c"), "3");
  child.go_on();
  EXPECT_EQ(child.join(), "");
}

TEST_F(LedgerProcesses, that_were_forked_may_let_go_of_everything_and_disturb_nobody) {
  auto ours = ledger_in(directory_);
  ASSERT_EQ(note(*ours, "a", "1"), "ok");
  ASSERT_EQ(noted(*ours, "a"), "1");
  Child holder([&](ChildSide& parent) { hold_the_lock(*ledger_in(directory_), parent); });
  ASSERT_EQ(holder.hear(), "holding");
  EXPECT_EQ(in_child([&] {
              ours.reset();
              return noted(*ledger_in(directory_), "a");
            }),
            "1");
  const auto impatient = ledger_in(directory_, 50ms);
  EXPECT_THAT(note(*impatient, "b", "2"), StartsWith("deadline_exceeded")) << "the holder's lock is still there";
  holder.go_on();
  EXPECT_EQ(holder.hear(), "ok");
  EXPECT_EQ(note(*ours, "b", "2"), "ok");
  EXPECT_EQ(integrity(), "ok");
}

// The threads are anywhere in SQLite at the fork; no child may hang there.
TEST_F(LedgerProcesses, can_be_forked_while_threads_write) {
  const auto ours = ledger_in(directory_);
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; !is_over; ++i) {
        EXPECT_EQ(note(*ours, fmt::format("n-{}-{}", thread, i), ""), "ok");
        EXPECT_EQ(noted(*ledger_in(directory_), "nobody"), "nothing");  // opens and closes
      }
    });
  }
  for (int child = 0; child < 20; ++child) {
    EXPECT_EQ(in_child([&] {
                alarm(60);
                return note(*ledger_in(directory_), fmt::format("child-{}", child), "");
              }),
              "ok");
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count_notes(*ours, "child-"), 20);
  EXPECT_EQ(integrity(), "ok");
}

// To move it would cost every short process several syncs.
TEST_F(LedgerProcesses, that_close_last_leave_the_log_to_the_next) {
  ASSERT_EQ(note(*ledger_in(directory_), "a", "1"), "ok");
  EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
  EXPECT_EQ(noted(*ledger_in(directory_), "a"), "1");
  EXPECT_EQ(note(*ledger_in(directory_), "b", "2"), "ok");
  EXPECT_EQ(noted(*ledger_in(directory_), "a"), "1");
}

TEST_F(LedgerProcesses, that_are_all_short_keep_the_log_within_bounds) {
  const std::string page(16'384, 'x');
  for (int i = 0; i < 400; ++i) ASSERT_EQ(note(*ledger_in(directory_), fmt::format("note-{}", i), page), "ok");
  EXPECT_LE(std::filesystem::file_size(path_ + "-wal"), limits::kLedgerWalBytesKept);
  EXPECT_EQ(count_notes(*ledger_in(directory_), "note-"), 400);
}

}  // namespace
}  // namespace aldis::testing
