// What the ledger promises to one process: transactions, snapshots, failures, versions.

#include "engines/local/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "core/format.h"
#include "fakes/fake_clock.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class LedgerTest : public ::testing::Test {
 protected:
  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  std::shared_ptr<Ledger> ledger_ = ledger_in(directory_, kPatient, clock_, "boot-1");
};

TEST_F(LedgerTest, makes_nothing_before_its_first_use) {
  EXPECT_FALSE(std::filesystem::exists(directory_));
  EXPECT_EQ(noted(*ledger_, "a"), "nothing");
  EXPECT_TRUE(std::filesystem::exists(file_of_ledger(directory_)));
}

TEST_F(LedgerTest, keeps_what_was_committed_on_either_connection) {
  EXPECT_EQ(note(*ledger_, "a", "1", LedgerSync::normal), "ok");
  EXPECT_EQ(note(*ledger_, "b", "2", LedgerSync::full), "ok");
  ledger_ = ledger_in(directory_);
  EXPECT_EQ(noted(*ledger_, "a"), "1");
  EXPECT_EQ(noted(*ledger_, "b"), "2");
}

TEST_F(LedgerTest, forgets_all_of_a_write_whose_body_fails) {
  const auto failed = ledger_->write(LedgerSync::normal, [](LedgerTransaction& transaction) -> Result<int> {
    transaction.run("INSERT INTO meta VALUES ('a', '1')");
    return std::unexpected(Error{ErrorCode::conflict, "changed my mind"});
  });
  EXPECT_EQ(describe(failed), "conflict: changed my mind");
  EXPECT_EQ(noted(*ledger_, "a"), "nothing");
}

TEST_F(LedgerTest, remembers_the_first_failure_whatever_the_body_answers) {
  std::uint64_t rows_after = 99;
  const auto failed = ledger_->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<int> {
    transaction.run("INSERT INTO meta VALUES ('a', '1')");
    transaction.run("INSERT INTO meta VALUES ('a', '2')");
    rows_after = transaction.run("INSERT INTO meta VALUES ('b', '1')");
    EXPECT_FALSE(transaction.query("SELECT 1").next());
    return 7;
  });
  EXPECT_THAT(describe(failed), AllOf(StartsWith("internal"), HasSubstr("UNIQUE")));
  EXPECT_EQ(rows_after, 0u);
  EXPECT_EQ(count_notes(*ledger_, ""), 1) << "the store id alone";
  EXPECT_EQ(note(*ledger_, "a", "3"), "ok") << "the next one begins anew";
}

TEST_F(LedgerTest, binds_and_reads_every_type) {
  const auto read = ledger_->write(LedgerSync::normal, [](LedgerTransaction& transaction) -> Result<std::string> {
    const std::optional<std::int64_t> none;
    const std::optional<std::string_view> some = "some";
    LedgerQuery query = transaction.query("SELECT ?, ?, ?, ?, ?, ?, ?, typeof(?4), typeof(?5)", std::int64_t{-5}, true,
                                          nullptr, std::string_view("te\0xt", 5), LedgerBlob{"blob"}, none, some);
    if (!query.next()) return std::string("no row");
    std::string answer = fmt::format("{} {} ", query.integer(0), query.integer(1));
    answer += fmt::format("{}{}{} ", query.is_null(2), query.is_null(5), query.is_null(6));
    answer +=
        fmt::format("{} {} {} {} {}", query.text(3).size(), query.text(4), query.text(6), query.text(7), query.text(8));
    return answer + (query.next() ? " more" : "");
  });
  EXPECT_EQ(read.value_or(describe(read)), "-5 1 truetruefalse 5 blob some text blob");
}

TEST_F(LedgerTest, tells_an_empty_text_from_none) {
  ASSERT_EQ(note(*ledger_, "a", {}), "ok");
  EXPECT_EQ(noted(*ledger_, "a"), "");
}

TEST_F(LedgerTest, runs_the_same_text_while_an_earlier_query_of_it_is_read) {
  const auto pairs = ledger_->read([](LedgerTransaction& transaction) -> Result<int> {
    constexpr std::string_view kThree = "SELECT 1 UNION SELECT 2 UNION SELECT 3";
    int count = 0;
    LedgerQuery outer = transaction.query(kThree);
    while (outer.next()) {
      LedgerQuery inner = transaction.query(kThree);
      while (inner.next()) ++count;
    }
    return count;
  });
  EXPECT_EQ(pairs.value_or(-1), 9);
}

TEST_F(LedgerTest, answers_how_many_rows_changed_and_which_came_last) {
  const auto last = ledger_->write(LedgerSync::normal, [](LedgerTransaction& transaction) -> Result<std::int64_t> {
    EXPECT_EQ(transaction.run("INSERT INTO meta VALUES ('a', '1'), ('b', '1')"), 2u);
    EXPECT_EQ(transaction.run("UPDATE meta SET value = '2' WHERE key = 'nobody'"), 0u);
    transaction.run("INSERT INTO boots (id, boot_id) VALUES (41, 'earlier')");
    transaction.run("INSERT INTO boots (boot_id) VALUES ('later')");
    return transaction.last_row();
  });
  EXPECT_EQ(last.value_or(-1), 42);
}

TEST_F(LedgerTest, holds_references_between_tables) {
  const auto failed = ledger_->write(LedgerSync::normal, [](LedgerTransaction& transaction) -> Result<void> {
    transaction.run(
        "INSERT INTO event_groups (stream, name, delivered, used_boot, used_boot_ns, used_us) "
        "VALUES (77, 'g', 0, 1, 0, 0)");
    return {};
  });
  EXPECT_THAT(describe(failed), HasSubstr("FOREIGN KEY"));
}

TEST_F(LedgerTest, reads_one_snapshot_whatever_is_committed_meanwhile) {
  ASSERT_EQ(note(*ledger_, "n-1", ""), "ok");
  const auto before_and_after = ledger_->read([&](LedgerTransaction& transaction) -> Result<std::string> {
    const auto count = [&] {
      LedgerQuery query = transaction.query("SELECT count(*) FROM meta WHERE key LIKE 'n-%'");
      return query.next() ? query.integer(0) : -1;
    };
    const std::int64_t before = count();
    std::thread([&] { EXPECT_EQ(note(*ledger_, "n-2", ""), "ok"); }).join();
    return fmt::format("{} {}", before, count());
  });
  EXPECT_EQ(before_and_after.value_or(describe(before_and_after)), "1 1");
  EXPECT_EQ(count_notes(*ledger_, "n-"), 2);
}

TEST_F(LedgerTest, loses_nothing_that_many_threads_write) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const LedgerSync sync = thread % 2 == 0 ? LedgerSync::full : LedgerSync::normal;
        EXPECT_EQ(note(*ledger_, fmt::format("n-{}-{}", thread, i), "", sync), "ok");
        EXPECT_GT(count_notes(*ledger_, "n-"), i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count_notes(*ledger_, "n-"), kThreads * kEach);
}

TEST_F(LedgerTest, gives_up_at_the_callers_deadline_while_another_thread_writes) {
  ASSERT_EQ(note(*ledger_, "a", "1"), "ok");
  for (const LedgerSync theirs : {LedgerSync::full, LedgerSync::normal}) {
    const auto outer = ledger_->write(theirs, [&](LedgerTransaction&) -> Result<void> {
      std::string inner;
      std::thread([&] {
        inner =
            describe(ledger_->write(LedgerSync::normal, [](LedgerTransaction&) -> Result<void> { return {}; }, 5ms));
      }).join();
      EXPECT_THAT(inner, AllOf(StartsWith("deadline_exceeded"), HasSubstr("thread of this process")));
      return {};
    });
    EXPECT_EQ(describe(outer), "ok");
  }
}

TEST_F(LedgerTest, reads_while_somebody_writes) {
  ASSERT_EQ(note(*ledger_, "a", "1"), "ok");
  const auto written = ledger_->write(LedgerSync::full, [&](LedgerTransaction& transaction) -> Result<void> {
    transaction.run("UPDATE meta SET value = '2' WHERE key = 'a'");
    std::thread([&] { EXPECT_EQ(noted(*ledger_, "a"), "1"); }).join();
    return {};
  });
  EXPECT_EQ(describe(written), "ok");
  EXPECT_EQ(noted(*ledger_, "a"), "2");
}

TEST_F(LedgerTest, is_made_with_a_store_id_of_its_own) {
  const std::string id = noted(*ledger_, "store_id");
  EXPECT_THAT(id, ::testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(noted(*ledger_in(directory_), "store_id"), id);
  EXPECT_NE(noted(*ledger_in(scratch_.file("other")), "store_id"), id);
}

TEST_F(LedgerTest, keeps_namespaces_apart) {
  ASSERT_EQ(note(*ledger_, "a", "1"), "ok");
  const auto other = Ledger::make({directory_, "other", kPatient, clock_, "boot-1"});
  EXPECT_EQ(noted(*other, "a"), "nothing");
  EXPECT_THAT(noted(*Ledger::make({directory_, "../up", kPatient, clock_, ""}), "a"), StartsWith("invalid_argument"));
}

// Version 2 of a newer Aldis, made while we have the ledger open.
TEST_F(LedgerTest, writes_and_reads_nothing_once_the_schema_is_newer_than_it_knows) {
  ASSERT_EQ(note(*ledger_, "a", "1"), "ok");
  ASSERT_EQ(in_child([&] { return run_sql(file_of_ledger(directory_), "PRAGMA user_version = 2"); }), "ok");
  const auto refused = AllOf(StartsWith("failed_precondition"), HasSubstr("schema version 2"), HasSubstr("update"));
  EXPECT_THAT(note(*ledger_, "b", "1"), refused);
  EXPECT_THAT(noted(*ledger_, "a"), refused);
  EXPECT_THAT(note(*ledger_in(directory_), "b", "1"), refused) << "newly opened, too";
  EXPECT_EQ(ask_sql(file_of_ledger(directory_), "SELECT count(*) FROM meta"), "2") << "the store id and a";
}

TEST_F(LedgerTest, goes_on_when_the_tables_changed_under_its_statements) {
  ASSERT_EQ(note(*ledger_, "a", "1"), "ok");
  ASSERT_EQ(in_child([&] { return run_sql(file_of_ledger(directory_), "ALTER TABLE meta ADD COLUMN more TEXT"); }),
            "ok");
  EXPECT_EQ(note(*ledger_, "b", "2"), "ok");
  EXPECT_EQ(noted(*ledger_, "b"), "2");
}

TEST_F(LedgerTest, numbers_each_boot_once) {
  const auto boot_of = [&](Ledger& ledger) {
    return ledger
        .write(LedgerSync::normal,
               [](LedgerTransaction& transaction) -> Result<std::int64_t> { return transaction.now().boot; })
        .value_or(-1);
  };
  const std::int64_t first = boot_of(*ledger_);
  EXPECT_GT(first, 0);
  EXPECT_EQ(boot_of(*ledger_), first);
  EXPECT_EQ(boot_of(*ledger_in(directory_, kPatient, clock_, "boot-1")), first);
  EXPECT_NE(boot_of(*ledger_in(directory_, kPatient, clock_, "boot-2")), first);
}

TEST_F(LedgerTest, forgets_the_number_of_a_boot_that_was_not_committed) {
  const auto failed = ledger_->write(LedgerSync::normal, [](LedgerTransaction&) -> Result<void> {
    return std::unexpected(Error{ErrorCode::conflict, "no"});
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(note(*ledger_, "a", "1"), "ok");
  const auto rows = ledger_->read([](LedgerTransaction& transaction) -> Result<std::int64_t> {
    LedgerQuery query = transaction.query("SELECT count(*) FROM boots WHERE id = ?", transaction.now().boot);
    return query.next() ? query.integer(0) : -1;
  });
  EXPECT_EQ(rows.value_or(-1), 1);
}

TEST_F(LedgerTest, reads_the_clocks_once_a_transaction) {
  const auto same = ledger_->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<bool> {
    const BootTime before = transaction.now().boot_time;
    clock_->advance(1h);
    return transaction.now().boot_time == before && before == clock_->boot_now() - 1h;
  });
  EXPECT_TRUE(same.value_or(false));
}

}  // namespace
}  // namespace aldis::testing
