// How a ledger comes to its newest schema, and which files are no ledgers.

#include "engines/local/ledger_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "core/fork_hold.h"
#include "engines/local/ledger_connection.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kFirstStep = "CREATE TABLE animals (name TEXT) STRICT; INSERT INTO animals VALUES ('cat');";
constexpr std::string_view kSecondStep =
    "ALTER TABLE animals ADD COLUMN legs INTEGER; UPDATE animals SET legs = 4; INSERT INTO animals VALUES ('ant', 6);";
constexpr std::string_view kBrokenStep = "UPDATE animals SET legs = 5; INSERT INTO plants VALUES ('oak');";

class LedgerSchema : public ::testing::Test {
 protected:
  LedgerSchema() {
    std::ofstream(path_).close();
    chmod(path_.c_str(), 0600);
  }

  std::string migrate(const std::vector<std::string_view>& steps) {
    const ForkHold hold;
    auto connection = LedgerConnection::open({path_, LedgerAccess::shared, false});
    return connection ? describe(migrate_ledger(**connection, steps)) : describe(connection);
  }
  std::string ask(const std::string& sql) { return ask_sql(path_, sql); }
  void forge(const std::string& sql) { ASSERT_EQ(run_sql(path_, sql), "ok"); }

  testing::ScratchDirectory scratch_;
  const std::string path_ = scratch_.file("ledger-default.sqlite3");
};

TEST_F(LedgerSchema, of_an_empty_file_takes_every_step) {
  EXPECT_EQ(migrate({kFirstStep, kSecondStep}), "ok");
  EXPECT_EQ(ask("SELECT group_concat(name || legs) FROM animals"), "cat4,ant6");
  EXPECT_EQ(ask("SELECT user_version FROM pragma_user_version"), "2");
  EXPECT_EQ(ask("SELECT application_id FROM pragma_application_id"), std::to_string(kLedgerApplicationId));
}

TEST_F(LedgerSchema, of_an_earlier_version_takes_the_steps_that_are_missing) {
  ASSERT_EQ(migrate({kFirstStep}), "ok");
  forge("INSERT INTO animals VALUES ('dog')");
  EXPECT_EQ(migrate({kFirstStep, kSecondStep}), "ok");
  EXPECT_EQ(ask("SELECT group_concat(name || legs) FROM animals"), "cat4,dog4,ant6");
  EXPECT_EQ(migrate({kFirstStep, kSecondStep}), "ok") << "nothing is left to do";
  EXPECT_EQ(ask("SELECT count(*) FROM animals"), "3");
}

TEST_F(LedgerSchema, stays_as_it_was_when_a_step_fails) {
  ASSERT_EQ(migrate({kFirstStep}), "ok");
  EXPECT_THAT(migrate({kFirstStep, kSecondStep, kBrokenStep}), HasSubstr("plants"));
  EXPECT_EQ(ask("SELECT group_concat(name) FROM animals"), "cat");
  EXPECT_EQ(ask("SELECT user_version FROM pragma_user_version"), "1");
  EXPECT_EQ(migrate({kFirstStep, kSecondStep}), "ok") << "a sound program can still do it";
}

TEST_F(LedgerSchema, that_is_newer_is_left_alone) {
  ASSERT_EQ(migrate({kFirstStep, kSecondStep}), "ok");
  EXPECT_THAT(migrate({kFirstStep}),
              AllOf(StartsWith("failed_precondition"), HasSubstr("version 2"), HasSubstr("version 1")));
  EXPECT_EQ(ask("SELECT count(*) FROM animals"), "2");
}

// A maker that was killed after it had chosen the journal, and before its first step.
TEST_F(LedgerSchema, of_a_file_without_tables_takes_every_step) {
  forge("CREATE TABLE t (a); DROP TABLE t");
  ASSERT_GT(std::filesystem::file_size(path_), 0u);
  EXPECT_EQ(noted(*ledger_in(scratch_.path()), "a"), "nothing");
}

TEST_F(LedgerSchema, is_the_newest_of_every_ledger_that_is_opened) {
  EXPECT_EQ(note(*ledger_in(scratch_.path()), "a", "1"), "ok");
  EXPECT_EQ(ask("SELECT user_version FROM pragma_user_version"), std::to_string(ledger_steps().size()));
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%STRICT%'"), "0");
}

// The oldest ledger that can be met holds what a person must not lose; every later version must carry it over.
TEST_F(LedgerSchema, of_version_1_keeps_what_it_holds) {
  ASSERT_EQ(migrate({ledger_steps().front()}), "ok");
  forge(
      "INSERT INTO boots (id, boot_id) VALUES (1, 'b'); INSERT INTO meta (key, value) VALUES ('a', 'kept'); "
      "INSERT INTO audit_log (number, kind, time_us, request_id, approval_type, agent_id, actor, outcome, key_id, "
      "context_hash, detail_hash, previous_hash, hash) "
      "VALUES (1, 'requested', 5, 'apr_1', 'deploy', 'alice', 'alice', '', '', 'c', 'd', 'p', 'h')");
  const auto ledger = ledger_in(scratch_.path());
  EXPECT_EQ(noted(*ledger, "a"), "kept");
  const auto hash = ledger->read([](LedgerTransaction& transaction) -> Result<std::string> {
    LedgerQuery query = transaction.query("SELECT hash FROM audit_log WHERE number = 1");
    return query.next() ? std::string(query.text(0)) : std::string("lost");
  });
  EXPECT_EQ(hash.value_or("lost"), "h");
}

TEST_F(LedgerSchema, of_another_program_is_refused_and_left_alone) {
  forge("CREATE TABLE recipes (name TEXT); PRAGMA application_id = 42");
  const auto ledger = ledger_in(scratch_.path());
  EXPECT_THAT(note(*ledger, "a", "1"), AllOf(StartsWith("failed_precondition"), HasSubstr("another program"),
                                             HasSubstr("42"), HasSubstr("ALDIS_STATE_DIR")));
  EXPECT_THAT(noted(*ledger, "a"), StartsWith("failed_precondition"));
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema"), "1");
}

TEST_F(LedgerSchema, of_a_database_that_says_nothing_of_itself_is_refused) {
  forge("CREATE TABLE recipes (name TEXT)");
  EXPECT_THAT(note(*ledger_in(scratch_.path()), "a", "1"),
              AllOf(StartsWith("failed_precondition"), HasSubstr("another program")));
}

TEST_F(LedgerSchema, is_made_once_by_processes_that_begin_together) {
  std::filesystem::remove(path_);
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(std::make_unique<Child>([&, i](ChildSide& parent) {
      parent.wait_for_parent();
      parent.say(note(*ledger_in(scratch_.path()), "n-" + std::to_string(i), ""));
    }));
  }
  for (const auto& child : children) child->go_on();
  for (const auto& child : children) EXPECT_EQ(child->hear(), "ok");
  EXPECT_EQ(count_notes(*ledger_in(scratch_.path()), "n-"), 8);
  EXPECT_EQ(ask("SELECT count(*) FROM meta WHERE key = 'store_id'"), "1");
}

}  // namespace
}  // namespace aldis::testing
