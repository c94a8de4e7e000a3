// The ledger on bad ground: read-only, full, damaged, replaced, not ours.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "aldis/limits.h"
#include "core/format.h"
#include "fakes/fake_clock.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uid_t kSomebody = 54321;

class LedgerFiles : public ::testing::Test {
 protected:
  // A user without root's powers, to whom the scratch directory belongs.
  std::string as_somebody(const std::function<std::string()>& body) {
    if (geteuid() != 0) return in_child(body);
    std::filesystem::permissions(scratch_.path(), std::filesystem::perms::owner_all);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch_.path())) {
      EXPECT_EQ(chown(entry.path().c_str(), kSomebody, kSomebody), 0);
    }
    EXPECT_EQ(chown(scratch_.path().c_str(), kSomebody, kSomebody), 0);
    return in_child([&]() -> std::string {
      if (setgid(kSomebody) != 0 || setuid(kSomebody) != 0) return "cannot become somebody";
      return body();
    });
  }

  // One file alone, as other programs leave it; and, by a process that commits and is killed, with its log.
  void leave_closed(std::string_view key) {
    ASSERT_EQ(in_child([&]() -> std::string {
                const std::string noted = note(*ledger_in(directory_), key, "kept");
                return noted == "ok" ? run_sql(path_, "PRAGMA wal_checkpoint(TRUNCATE)") : noted;
              }),
              "ok");
    for (const char* beside : {"-wal", "-shm"}) ASSERT_TRUE(std::filesystem::remove(path_ + beside));
  }
  void leave_killed(std::string_view key) {
    Child writer([&](ChildSide& parent) {
      const auto ledger = ledger_in(directory_);
      parent.say(note(*ledger, key, "kept"));
      parent.wait_for_parent();
    });
    ASSERT_EQ(writer.hear(), "ok");
    writer.kill(SIGKILL);
    writer.join();
    ASSERT_TRUE(std::filesystem::exists(path_ + "-wal"));
  }

  // "value/error of a write"
  std::string read_and_write(std::string_view key) {
    const auto ledger = ledger_in(directory_);
    const std::string read = noted(*ledger, key);
    return read + "/" + note(*ledger, "new", "1");
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  const std::string path_ = file_of_ledger(directory_);
};

const auto kReadsButMayNotWrite = AllOf(StartsWith("kept/permission_denied"), HasSubstr("ALDIS_STATE_DIR"));

TEST_F(LedgerFiles, of_a_directory_that_cannot_be_written_are_read) {
  leave_closed("a");
  chmod(directory_.c_str(), 0500);
  EXPECT_THAT(as_somebody([&] { return read_and_write("a"); }), kReadsButMayNotWrite);
  chmod(directory_.c_str(), 0700);
}

TEST_F(LedgerFiles, of_a_directory_that_cannot_be_written_are_used_with_the_files_of_a_killed_writer) {
  leave_closed("a");
  leave_killed("b");
  chmod(directory_.c_str(), 0500);
  EXPECT_EQ(as_somebody([&] { return read_and_write("b"); }), "kept/ok") << "every file that a write needs is there";
  chmod(directory_.c_str(), 0700);
}

TEST_F(LedgerFiles, of_a_directory_that_cannot_be_written_are_read_with_a_log_alone) {
  leave_closed("a");
  leave_killed("b");
  std::filesystem::remove(path_ + "-shm");
  chmod(directory_.c_str(), 0500);
  EXPECT_THAT(as_somebody([&] { return read_and_write("b"); }), kReadsButMayNotWrite);
  chmod(directory_.c_str(), 0700);
}

TEST_F(LedgerFiles, that_cannot_be_written_themselves_are_read) {
  leave_closed("a");
  chmod(path_.c_str(), 0400);
  EXPECT_THAT(as_somebody([&] { return read_and_write("a"); }), kReadsButMayNotWrite);
}

TEST_F(LedgerFiles, can_be_written_once_they_may_be) {
  leave_closed("a");
  const auto clock = std::make_shared<FakeClock>();
  chmod(path_.c_str(), 0400);
  EXPECT_EQ(as_somebody([&]() -> std::string {
              const auto ledger = ledger_in(directory_, kPatient, clock);
              if (note(*ledger, "b", "1") == "ok") return "written although it must not be";
              chmod(path_.c_str(), 0600);
              clock->advance(limits::kRecheckLocal);
              return note(*ledger, "b", "1");
            }),
            "ok");
}

TEST_F(LedgerFiles, that_do_not_exist_in_a_directory_that_cannot_be_written_are_missed) {
  std::filesystem::create_directory(directory_);
  chmod(directory_.c_str(), 0500);
  EXPECT_THAT(as_somebody([&] { return noted(*ledger_in(directory_), "a"); }),
              AllOf(StartsWith("permission_denied"), HasSubstr(path_)));
  EXPECT_THAT(as_somebody([&] { return noted(*ledger_in(directory_ + "/below"), "a"); }),
              AllOf(StartsWith("permission_denied"), HasSubstr("ALDIS_STATE_DIR")));
  chmod(directory_.c_str(), 0700);
}

TEST_F(LedgerFiles, of_a_file_system_that_was_made_read_only_are_read) {
  std::filesystem::create_directory(directory_);
  const std::string answer = on_small_file_system(directory_, "4m", [&]() -> std::string {
    leave_closed("a");
    leave_killed("b");
    if (mount("none", directory_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
      return std::string(kCannotUnshare);
    }
    return noted(*ledger_in(directory_), "a") + " " + read_and_write("b");
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, AllOf(StartsWith("kept kept/permission_denied"), HasSubstr(path_)));
}

// A container that sees the directory of its host read-only.
TEST_F(LedgerFiles, are_read_through_a_read_only_view_beside_a_writer) {
  const auto writer = ledger_in(directory_);
  ASSERT_EQ(note(*writer, "a", "1"), "ok");
  Child reader([&](ChildSide& parent) {
    const bool has_view = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          mount(directory_.c_str(), directory_.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                          mount("none", directory_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
    if (!has_view) return parent.say(kCannotUnshare);
    const auto ledger = ledger_in(directory_);
    parent.say(noted(*ledger, "a"));
    parent.wait_for_parent();
    parent.say(noted(*ledger, "b"));
    parent.say(note(*ledger, "c", "1"));
  });
  const std::string first = reader.hear();
  if (first == kCannotUnshare) GTEST_SKIP() << first;
  EXPECT_EQ(first, "1");
  ASSERT_EQ(note(*writer, "b", "2"), "ok");
  reader.go_on();
  EXPECT_EQ(reader.hear(), "2");
  EXPECT_THAT(reader.hear(), StartsWith("permission_denied"));
}

TEST_F(LedgerFiles, on_a_full_disk_refuse_writes_and_keep_what_was_committed) {
  std::filesystem::create_directory(directory_);
  const std::string answer = on_small_file_system(directory_, "2m", [&]() -> std::string {
    const auto ledger = ledger_in(directory_);
    std::int64_t committed = 0;
    for (; committed < 100; ++committed) EXPECT_EQ(note(*ledger, fmt::format("n-{}", committed), "kept"), "ok");
    fill(directory_);
    const std::string refused = note(*ledger, "more", std::string(100'000, 'x'), LedgerSync::full);
    std::string found = fmt::format("{} {} ", count_notes(*ledger, "n-") == committed, noted(*ledger, "more"));
    found += in_child([&] { return fmt::format("{} ", count_notes(*ledger_in(directory_), "n-") == committed); });
    std::filesystem::remove(directory_ + "/filler");
    found += note(*ledger, "more", "1") + " ";
    found += ask_sql(path_, "PRAGMA integrity_check");
    return found + "/" + refused;
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, StartsWith("true nothing true ok ok/resource_exhausted"));
}

// Nobody has it open, and there is not even room for the memory that processes share.
TEST_F(LedgerFiles, on_a_disk_without_a_free_byte_are_read_by_a_process_that_comes_new) {
  std::filesystem::create_directory(directory_);
  const std::string answer = on_small_file_system(directory_, "2m", [&]() -> std::string {
    leave_closed("a");
    leave_killed("b");
    std::filesystem::remove(path_ + "-shm");
    fill(directory_);
    std::string found = in_child([&] { return noted(*ledger_in(directory_), "a") + " " + read_and_write("b"); });
    std::filesystem::remove(directory_ + "/filler");
    return noted(*ledger_in(directory_), "b") + " " + found;
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, StartsWith("kept kept kept/resource_exhausted"));
}

TEST_F(LedgerFiles, cannot_be_made_on_a_full_disk) {
  std::filesystem::create_directory(directory_);
  const std::string answer = on_small_file_system(directory_, "1m", [&]() -> std::string {
    fill(directory_);
    const std::string refused = note(*ledger_in(directory_), "a", "1");
    std::filesystem::remove(directory_ + "/filler");
    return note(*ledger_in(directory_), "a", "1") + "/" + refused;
  });
  if (answer == kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, StartsWith("ok/resource_exhausted"));
}

TEST_F(LedgerFiles, that_are_no_database_are_reported_as_lost) {
  std::filesystem::create_directory(directory_);
  chmod(directory_.c_str(), 0700);
  std::ofstream(path_) << std::string(8192, 'z');
  chmod(path_.c_str(), 0600);
  const auto is_lost = AllOf(StartsWith("data_loss"), HasSubstr(path_), HasSubstr("aldis doctor"));
  EXPECT_THAT(noted(*ledger_in(directory_), "a"), is_lost);
  EXPECT_THAT(note(*ledger_in(directory_), "a", "1"), is_lost);
}

TEST_F(LedgerFiles, that_were_cut_short_are_reported_as_lost) {
  leave_closed("a");
  const auto size = std::filesystem::file_size(path_);
  for (const std::uintmax_t left : {size / 2, std::uintmax_t{8192}, std::uintmax_t{4096}, std::uintmax_t{100}}) {
    std::filesystem::resize_file(path_, left);
    EXPECT_THAT(note(*ledger_in(directory_), "b", "1"), AllOf(StartsWith("data_loss"), HasSubstr(path_))) << left;
  }
}

// Whatever is damaged, the answer is the value, or that it is lost; never a crash, never another value.
TEST_F(LedgerFiles, with_a_damaged_page_answer_rightly_or_not_at_all) {
  leave_closed("a");
  std::ifstream in(path_, std::ios::binary);
  const std::string sound((std::istreambuf_iterator<char>(in)), {});
  int lost = 0;
  for (std::size_t page = 0; page * 4096 < sound.size(); ++page) {
    for (const std::size_t offset : {std::size_t{0}, std::size_t{3}, std::size_t{8}, std::size_t{2000}}) {
      std::string damaged = sound;
      for (std::size_t i = 0; i < 16; ++i) damaged[page * 4096 + offset + i] ^= static_cast<char>(0xa5);
      std::ofstream(path_, std::ios::binary) << damaged;
      const std::string found = in_child([&] { return noted(*ledger_in(directory_), "a"); });
      EXPECT_THAT(found, AnyOf(Eq("kept"), StartsWith("data_loss"), StartsWith("failed_precondition"),
                               StartsWith("resource_exhausted")))
          << "page " << page << " offset " << offset;
      lost += static_cast<int>(found != "kept");
    }
  }
  EXPECT_GT(lost, 3) << "the damage was seen";
}

TEST_F(LedgerFiles, that_were_removed_while_open_are_made_anew_at_the_next_recheck) {
  const auto clock = std::make_shared<FakeClock>();
  const auto ledger = ledger_in(directory_, kPatient, clock);
  ASSERT_EQ(note(*ledger, "a", "1"), "ok");
  ASSERT_EQ(noted(*ledger, "a"), "1");
  std::filesystem::remove_all(directory_);
  clock->advance(limits::kRecheckLocal);
  EXPECT_EQ(noted(*ledger, "a"), "nothing");
  EXPECT_EQ(note(*ledger, "b", "2"), "ok");
  EXPECT_EQ(noted(*ledger_in(directory_), "b"), "2") << "others see it";
}

TEST_F(LedgerFiles, that_were_replaced_while_open_are_used_from_the_next_recheck) {
  const std::string backup = scratch_.file("backup");
  ASSERT_EQ(note(*ledger_in(backup), "a", "from the backup"), "ok");
  const auto clock = std::make_shared<FakeClock>();
  const auto ledger = ledger_in(directory_, kPatient, clock);
  ASSERT_EQ(note(*ledger, "a", "1"), "ok");
  ASSERT_EQ(noted(*ledger, "a"), "1");
  std::filesystem::remove_all(directory_);
  std::filesystem::rename(backup, directory_);
  clock->advance(limits::kRecheckLocal);
  EXPECT_EQ(noted(*ledger, "a"), "from the backup");
  EXPECT_EQ(note(*ledger, "b", "2"), "ok");
  EXPECT_EQ(noted(*ledger_in(directory_), "b"), "2");
}

TEST_F(LedgerFiles, that_are_links_or_open_to_others_or_no_files_are_refused) {
  leave_closed("a");
  const auto is_refused = AllOf(StartsWith("failed_precondition"), HasSubstr(path_));
  chmod(path_.c_str(), 0640);
  EXPECT_THAT(noted(*ledger_in(directory_), "a"), AllOf(is_refused, HasSubstr("chmod 600")));
  chmod(path_.c_str(), 0600);
  std::filesystem::rename(path_, scratch_.file("real"));
  std::filesystem::create_symlink(scratch_.file("real"), path_);
  EXPECT_THAT(noted(*ledger_in(directory_), "a"), AllOf(is_refused, HasSubstr("link")));
  std::filesystem::remove(path_);
  mkfifo(path_.c_str(), 0600);
  EXPECT_THAT(noted(*ledger_in(directory_), "a"), is_refused);
}

TEST_F(LedgerFiles, of_somebody_else_are_refused_to_root_too) {
  leave_closed("a");
  if (chown(path_.c_str(), kSomebody, kSomebody) != 0) GTEST_SKIP() << "only root can give it away";
  EXPECT_THAT(noted(*ledger_in(directory_), "a"), AllOf(StartsWith("failed_precondition"), HasSubstr("belongs to")));
}

TEST_F(LedgerFiles, with_a_directory_in_the_place_of_the_log_say_what_stands_in_the_way) {
  std::filesystem::create_directories(path_ + "-wal");
  chmod(directory_.c_str(), 0700);
  EXPECT_THAT(note(*ledger_in(directory_), "a", "1"),
              AllOf(StartsWith("unavailable"), HasSubstr(path_), HasSubstr("Is a directory")));
}

}  // namespace
}  // namespace aldis::testing
