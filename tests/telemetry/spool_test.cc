#include "telemetry/spool.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <map>
#include <random>

#include "aldis/limits.h"
#include "children.h"
#include "core/private_files.h"

namespace aldis::telemetry {
namespace {

using ::testing::IsEmpty;

class Spool : public ::testing::Test {
 protected:
  static FileDescriptor open_directory(const std::string& path) {
    Result<FileDescriptor> opened = open_own_directory(path, Others::nothing);
    return opened ? *std::move(opened) : FileDescriptor();
  }
  FileDescriptor directory() const { return open_directory(scratch_.path()); }
  std::string path() const { return scratch_.file("spool"); }
  DecodedSpool decoded() const { return decode(read_all(path())); }

  Appended append(std::uint32_t records, std::uint64_t nonce = 1, std::uint32_t dropped = 0) const {
    return append_to(directory(), records, nonce, dropped);
  }
  static Appended append_to(const FileDescriptor& directory, std::uint32_t records, std::uint64_t nonce,
                            std::uint32_t dropped = 0) {
    std::vector<EventRecord> events(records);
    for (std::uint32_t i = 0; i < records; ++i) {
      events[i].name = "event";
      events[i].attributes = {{"number", static_cast<std::int64_t>(nonce + i)}};
    }
    return append_to_spool(directory, origin(), encode(origin(), events, dropped, nonce), nonce + 1);
  }
  static FrameOrigin origin() { return {.tool = "tool", .version = "1.2.3", .install_id = {}}; }
  void fill(std::size_t bytes) const { write_all(path(), std::string(bytes, 'x')); }

  testing::ScratchDirectory scratch_;
};

TEST_F(Spool, keeps_what_is_appended_in_its_order) {
  EXPECT_EQ(append(2, 10).records, 2U);
  EXPECT_EQ(append(3, 20).dropped, 0U);
  const DecodedSpool spool = decoded();
  EXPECT_EQ(spool.gaps, 0U);
  EXPECT_EQ(spool.record_count(), 5U);
  EXPECT_EQ(spool.frames.front().nonce, 10U);
  EXPECT_EQ(spool.frames.back().nonce, 20U);
}

TEST_F(Spool, takes_no_records_beyond_its_room_but_still_counts_them) {
  fill(limits::kTelemetrySpoolRecordBytesMax - 10);
  const Appended appended = append(7, 1, 2);
  EXPECT_EQ(appended.records, 0U);
  EXPECT_EQ(appended.dropped, 0U) << "the count is in the spool";
  const DecodedSpool spool = decoded();
  ASSERT_EQ(spool.frames.size(), 1U);
  EXPECT_EQ(spool.frames[0].dropped, 9U);
  EXPECT_THAT(spool.frames[0].records, IsEmpty());
}

TEST_F(Spool, is_never_longer_than_its_bound) {
  fill(limits::kTelemetrySpoolBytesMax - 10);
  const Appended appended = append(7, 1, 2);
  EXPECT_EQ(appended.dropped, 9U);
  EXPECT_EQ(std::filesystem::file_size(path()), limits::kTelemetrySpoolBytesMax - 10);
}

TEST_F(Spool, that_is_a_fifo_a_link_or_a_directory_costs_the_records_and_no_time) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(append(3).dropped, 3U);
  ASSERT_EQ(unlink(path().c_str()), 0);
  ASSERT_EQ(symlink("elsewhere", path().c_str()), 0);
  EXPECT_EQ(append(3).dropped, 3U);
  EXPECT_FALSE(std::filesystem::exists(scratch_.file("elsewhere")));
  ASSERT_EQ(unlink(path().c_str()), 0);
  ASSERT_EQ(mkdir(path().c_str(), 0700), 0);
  EXPECT_EQ(append(3).dropped, 3U);
}

TEST_F(Spool, that_somebody_keeps_locked_costs_the_records_and_no_time) {
  append(1);
  const FileDescriptor file(open(path().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(flock(file.get(), LOCK_EX), 0);
  EXPECT_EQ(append(3).dropped, 3U);
}

TEST_F(Spool, a_file_size_limit_drops_and_counts_and_kills_nobody) {
  Child child([&] {
    const rlimit little{50, 50};
    setrlimit(RLIMIT_FSIZE, &little);
    return append(5).dropped == 5 ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0) << "minus 25 is SIGXFSZ";
  EXPECT_EQ(decoded().record_count(), 0U);
  EXPECT_EQ(append(1).records, 1U);
  EXPECT_EQ(decoded().record_count(), 1U) << "a torn frame costs itself only";
}

bool write_setting(const std::string& path, const std::string& text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string as_itself(unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; }

// Root in a mount namespace of its own, or whoever we are in one that belongs to a user namespace of its own.
bool enter_own_mounts() {
  const std::string user = as_itself(geteuid());
  const std::string group = as_itself(getegid());
  if (unshare(CLONE_NEWNS) == 0) return true;
  return unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0 && write_setting("/proc/self/uid_map", user) &&
         write_setting("/proc/self/setgroups", "deny") && write_setting("/proc/self/gid_map", group);
}

// Exit code 77: this machine lets nobody mount.
int on_a_tiny_disk(const std::string& where, const std::function<bool()>& holds) {
  const bool mounted = enter_own_mounts() && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("tiny", where.c_str(), "tmpfs", 0, "size=8k,mode=0700") == 0;
  if (!mounted) return 77;
  return holds() ? 0 : 1;
}

TEST_F(Spool, a_full_disk_drops_and_counts_and_takes_records_again_when_there_is_room) {
  Child child([&] {
    return on_a_tiny_disk(scratch_.path(), [&] {
      const FileDescriptor tiny = directory();
      write_all(scratch_.file("ballast"), std::string(4096, 'x'));
      std::uint32_t written = 0;
      std::uint32_t dropped = 0;
      for (std::uint64_t i = 0; i < 200; ++i) {
        const Appended appended = append_to(tiny, 1, i * 10, dropped);
        written += appended.records;
        dropped = appended.dropped;
      }
      const DecodedSpool full = decoded();
      const bool counted = written > 0 && dropped > 0 && full.record_count() == written;
      std::filesystem::remove(scratch_.file("ballast"));
      const Appended after = append_to(tiny, 1, 9000, dropped);
      return counted && after.records == 1 && after.dropped == 0 && decoded().frames.back().dropped == dropped;
    });
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "no mount namespaces here; the file size limit stands for it";
  EXPECT_EQ(code, 0);
}

// Writers here are faster than any courier: without this most records would only be counted.
void wait_for_room(const std::string& path) {
  struct stat status{};
  while (stat(path.c_str(), &status) == 0 && status.st_size > 64 * 1024) sched_yield();
}

// As the courier does it: rename, wait for writers in flight, read.
class Claimer {
 public:
  explicit Claimer(const std::string& directory) : directory_(directory) {}

  void claim() {
    const std::string batch = directory_ + "/batch-" + std::to_string(claimed_++);
    if (renameat2(AT_FDCWD, (directory_ + "/spool").c_str(), AT_FDCWD, batch.c_str(), RENAME_NOREPLACE) != 0) return;
    const FileDescriptor file(open(batch.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(flock(file.get(), LOCK_EX), 0);
    const DecodedSpool spool = decode(read_all(batch));
    gaps += spool.gaps;
    for (const Frame& frame : spool.frames) {
      dropped += frame.dropped;
      for (const EventRecord& record : frame.records) ++seen[std::get<std::int64_t>(record.attributes[0].value)];
    }
    unlink(batch.c_str());
  }

  std::map<std::int64_t, int> seen;
  std::uint64_t dropped = 0;
  std::uint32_t gaps = 0;

 private:
  const std::string directory_;
  int claimed_ = 0;
};

TEST_F(Spool, fifty_writers_lose_and_double_nothing_while_it_is_claimed) {
  constexpr std::int64_t kWriters = 50;
  constexpr std::int64_t kAppends = 600;
  constexpr std::int64_t kRecords = 4;  // an append: 120,000 records in all
  std::vector<Child> writers;
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  for (std::int64_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      close(pipe_ends[0]);
      const FileDescriptor in = directory();
      std::uint64_t lost = 0;
      std::uint32_t dropped = 0;
      for (std::int64_t i = 0; i < kAppends; ++i) {
        wait_for_room(path());
        const auto first = static_cast<std::uint64_t>((writer * kAppends + i) * kRecords);
        dropped = append_to(in, kRecords, first, dropped).dropped;
      }
      lost = dropped;
      return write(pipe_ends[1], &lost, sizeof lost) == sizeof lost ? 0 : 1;
    });
  }
  close(pipe_ends[1]);
  Claimer claimer(scratch_.path());
  std::uint64_t untold = 0;
  std::uint64_t ended = 0;
  fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
  while (ended < kWriters) {
    claimer.claim();
    std::uint64_t lost = 0;
    while (read(pipe_ends[0], &lost, sizeof lost) == sizeof lost) {
      untold += lost;
      ++ended;
    }
  }
  close(pipe_ends[0]);
  for (Child& writer : writers) EXPECT_EQ(writer.wait(), 0);
  claimer.claim();
  const auto doubled = std::ranges::count_if(claimer.seen, [](const auto& seen) { return seen.second != 1; });
  EXPECT_EQ(doubled, 0);
  EXPECT_EQ(claimer.gaps, 0U);
  EXPECT_EQ(claimer.seen.size() + claimer.dropped + untold, kWriters * kAppends * kRecords);
  EXPECT_GT(claimer.seen.size(), kWriters * kAppends * kRecords * 9 / 10) << "nearly all are written, not dropped";
}

TEST_F(Spool, writers_that_are_killed_at_any_instant_harm_nobody_else) {
  constexpr std::uint32_t kKilled = 60;
  constexpr std::int64_t kSteady = 2000;
  std::mt19937 random(7);
  Claimer claimer(scratch_.path());
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  Child steady([&] {
    const FileDescriptor in = directory();
    std::uint32_t dropped = 0;
    for (std::uint64_t i = 0; i < kSteady; ++i) {
      wait_for_room(path());
      dropped = append_to(in, 1, i, dropped).dropped;
    }
    return dropped == 0 ? 0 : 1;
  });
  close(ends[1]);
  for (std::uint32_t i = 0; i < kKilled; ++i) {
    int beat[2];
    ASSERT_EQ(pipe2(beat, O_CLOEXEC), 0);
    Child victim([&] {
      const FileDescriptor in = directory();
      for (std::uint64_t n = 1'000'000; write(beat[1], "x", 1) == 1; n += 10) {
        wait_for_room(path());
        append_to(in, 5, n);
      }
    });
    close(beat[1]);
    fcntl(beat[0], F_SETFL, O_NONBLOCK);
    std::array<char, 64> beats;
    for (std::size_t left = 1 + random() % 40; left > 0;) {
      const ssize_t count = read(beat[0], beats.data(), std::min(left, beats.size()));
      if (count > 0) left -= static_cast<std::size_t>(count);
      if (count == 0) FAIL() << "ended by itself";
      if (std::filesystem::exists(path()) && std::filesystem::file_size(path()) > 32 * 1024) claimer.claim();
    }
    victim.kill_now();
    victim.wait();
    close(beat[0]);
    claimer.claim();
  }
  // The steady one holds the other end of this pipe until it ends.
  char none = 0;
  while (read(ends[0], &none, 1) != 0) claimer.claim();
  close(ends[0]);
  EXPECT_EQ(steady.wait(), 0);
  claimer.claim();
  std::int64_t seen = 0;
  for (std::int64_t i = 0; i < kSteady; ++i) {
    EXPECT_LE(claimer.seen[i], 1) << i;
    seen += claimer.seen[i];
  }
  EXPECT_GE(seen + static_cast<std::int64_t>(claimer.dropped), kSteady);
  EXPECT_GT(seen, kSteady * 9 / 10);
  // The kernel may stop a write of a killed process between two pages: that frame is torn, and costs itself only.
  EXPECT_LE(claimer.gaps, kKilled);
}

}  // namespace
}  // namespace aldis::telemetry
