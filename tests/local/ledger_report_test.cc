#include "engines/local/ledger_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "aldis/limits.h"
#include "core/format.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class LedgerReportTest : public ::testing::Test {
 protected:
  LedgerReport examine() { return examine_ledger(directory_, "default").value(); }
  static std::uint64_t entries_of(const LedgerReport& report, std::string_view table) {
    const auto found = std::ranges::find(report.tables, table, &LedgerReport::Table::name);
    return found == report.tables.end() ? 999 : found->entries;
  }
  static std::string problem_of(const LedgerReport& report) {
    return report.problem ? describe(Result<void>(std::unexpected(*report.problem))) : "none";
  }
  void overwrite(std::size_t offset, const std::string& bytes) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  const std::string path_ = file_of_ledger(directory_);
};

TEST_F(LedgerReportTest, of_a_ledger_that_does_not_exist_says_so_and_makes_nothing) {
  const LedgerReport report = examine();
  EXPECT_EQ(report.path, path_);
  EXPECT_FALSE(report.exists);
  EXPECT_EQ(problem_of(report), "none");
  EXPECT_FALSE(std::filesystem::exists(directory_));
  EXPECT_GT(report.free_disk_bytes.value_or(0), 0u) << "where it would be";
  EXPECT_EQ(describe(examine_ledger(directory_, "..")).substr(0, 16), "invalid_argument");
}

TEST_F(LedgerReportTest, tells_sizes_version_and_entries_beside_a_process_that_uses_it) {
  const auto ledger = ledger_in(directory_);
  ASSERT_EQ(note(*ledger, "a", "1"), "ok");
  const LedgerReport report = examine();
  EXPECT_TRUE(report.exists);
  EXPECT_EQ(problem_of(report), "none");
  EXPECT_GT(report.size_bytes, 0u);
  EXPECT_GT(report.log_bytes, 0u);
  EXPECT_GT(report.free_disk_bytes.value_or(0), 0u);
  EXPECT_TRUE(report.is_writable);
  EXPECT_EQ(report.schema_version, 1);
  EXPECT_EQ(report.journal_mode, "wal");
  EXPECT_EQ(report.page_bytes, 4096u);
  EXPECT_GT(report.pages, 10u);
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_EQ(entries_of(report, "meta"), 2u);
  EXPECT_EQ(entries_of(report, "audit_log"), 0u);
  EXPECT_EQ(entries_of(report, "events"), 0u);
  EXPECT_EQ(note(*ledger, "b", "2"), "ok") << "and disturbs nobody";
}

TEST_F(LedgerReportTest, leaves_no_other_file_behind) {
  ASSERT_EQ(note(*ledger_in(directory_), "a", "1"), "ok");
  EXPECT_EQ(problem_of(examine()), "none");
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) files.push_back(entry.path().string());
  EXPECT_THAT(files, UnorderedElementsAre(path_, path_ + "-wal", path_ + "-shm"));
}

TEST_F(LedgerReportTest, names_the_ledgers_of_other_namespaces) {
  for (const char* name : {"default", "zebra", "ant"}) {
    const auto ledger = Ledger::make({directory_, name, kPatient, std::make_shared<SystemClock>(), ""});
    ASSERT_EQ(note(*ledger, "a", "1"), "ok");
  }
  EXPECT_THAT(examine().other_namespaces, ElementsAre("ant", "zebra"));
}

TEST_F(LedgerReportTest, tells_of_damaged_pages_and_ends_its_list_somewhere) {
  {
    const auto ledger = ledger_in(directory_);
    for (int i = 0; i < 400; ++i) ASSERT_EQ(note(*ledger, fmt::format("n-{}", i), std::string(1'000, 'x')), "ok");
  }
  const auto size = std::filesystem::file_size(path_);
  for (std::size_t page = size / 4096 / 2; page < size / 4096; ++page) overwrite(page * 4096, std::string(64, '\xff'));
  const LedgerReport report = examine();
  EXPECT_TRUE(report.exists);
  EXPECT_FALSE(report.damage.empty() && !report.problem) << "the damage is seen";
  EXPECT_THAT(report.damage, SizeIs(::testing::Le(limits::kLedgerDamageReported)));
}

TEST_F(LedgerReportTest, tells_of_references_that_lead_nowhere) {
  ASSERT_EQ(note(*ledger_in(directory_), "a", "1"), "ok");
  ASSERT_EQ(run_sql(path_,
                    "PRAGMA foreign_keys = OFF; "
                    "INSERT INTO event_groups VALUES (1, 77, 'g', 0, 1, 0, 0)"),
            "ok");
  const LedgerReport report = examine();
  EXPECT_EQ(problem_of(report), "none");
  EXPECT_THAT(report.damage, Contains(AllOf(HasSubstr("event_groups"), HasSubstr("streams"))));
}

TEST_F(LedgerReportTest, of_what_is_no_database_has_its_size_and_the_problem) {
  std::filesystem::create_directory(directory_);
  chmod(directory_.c_str(), 0700);
  std::ofstream(path_) << std::string(8192, 'z');
  chmod(path_.c_str(), 0600);
  const LedgerReport report = examine();
  EXPECT_TRUE(report.exists);
  EXPECT_EQ(report.size_bytes, 8192u);
  EXPECT_THAT(problem_of(report), StartsWith("data_loss"));
}

TEST_F(LedgerReportTest, of_a_newer_schema_names_its_version) {
  ASSERT_EQ(note(*ledger_in(directory_), "a", "1"), "ok");
  ASSERT_EQ(run_sql(path_, "PRAGMA user_version = 9"), "ok");
  const LedgerReport report = examine();
  EXPECT_EQ(report.schema_version, 9);
  EXPECT_THAT(problem_of(report), AllOf(StartsWith("failed_precondition"), HasSubstr("version 9")));
}

TEST_F(LedgerReportTest, of_a_link_refuses_to_look) {
  ASSERT_EQ(note(*ledger_in(directory_), "a", "1"), "ok");
  std::filesystem::rename(path_, scratch_.file("real"));
  std::filesystem::create_symlink(scratch_.file("real"), path_);
  EXPECT_THAT(problem_of(examine()), AllOf(StartsWith("failed_precondition"), HasSubstr("link")));
}

}  // namespace
}  // namespace aldis::testing
