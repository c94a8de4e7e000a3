#include "telemetry/gate.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>

#include "aldis/limits.h"
#include "children.h"
#include "core/private_files.h"

namespace aldis::telemetry {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_seconds;

const sys_seconds kNow{1'790'000'000s};
const BootId kBoot = {1, 2, 3};

GateRecord some_record() {
  return {.next_attempt_at = kNow + 5s,
          .failures = 3,
          .last_result = LastResult::slow_network,
          .unfinished = 2,
          .boot_id = kBoot,
          .spool_only_until = kNow + 100s,
          .sent = 4,
          .failed = 5,
          .dropped = 6,
          .update_checked_at = kNow - 7s};
}

TEST(GateRecord, is_128_bytes_as_they_are_written_down) {
  const std::string bytes = encode(some_record());
  ASSERT_EQ(bytes.size(), 128U);
  EXPECT_EQ(bytes.substr(0, 4), "ATG1");
  EXPECT_EQ(bytes.substr(8, 8), std::string("\0\0\0\0\x6a\xb1\x3b\x85", 8)) << "next_attempt_at";
  EXPECT_EQ(bytes.substr(16, 8), std::string("\0\0\0\3\5\2\0\0", 8)) << "failures, last_result, unfinished, 0";
  EXPECT_EQ(bytes.substr(24, 4), std::string("\1\2\3\0", 4)) << "boot_id";
  EXPECT_EQ(bytes.substr(48, 24), std::string("\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6", 24));
  EXPECT_EQ(decode_gate(bytes), some_record());
}

TEST(GateRecord, that_is_damaged_anywhere_counts_as_a_new_one) {
  const std::string bytes = encode(some_record());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_EQ(decode_gate(damaged), GateRecord{}) << i;
    EXPECT_EQ(decode_gate(bytes.substr(0, i)), GateRecord{}) << i;
  }
}

TEST(GateRecord, is_due_when_its_time_has_come_or_the_clock_was_set_back) {
  EXPECT_TRUE(is_due({}, kNow));
  EXPECT_TRUE(is_due({.next_attempt_at = kNow}, kNow));
  EXPECT_FALSE(is_due({.next_attempt_at = kNow + 1s}, kNow));
  EXPECT_FALSE(is_due({.next_attempt_at = kNow + 6h}, kNow));
  EXPECT_TRUE(is_due({.next_attempt_at = kNow + 6h + 1s}, kNow));
}

TEST(GateRecord, a_start_is_written_down_before_it_is_made) {
  const std::optional<GateRecord> next = begin_start({.failures = 2, .sent = 7}, kNow, kBoot);
  ASSERT_TRUE(next);
  EXPECT_EQ(*next,
            (GateRecord{.next_attempt_at = kNow + 5s, .failures = 2, .unfinished = 1, .boot_id = kBoot, .sent = 7}));
  EXPECT_FALSE(begin_start(*next, kNow + 4s, kBoot));
  EXPECT_EQ(begin_start(*next, kNow + 5s, kBoot)->unfinished, 2);
}

TEST(GateRecord, three_starts_that_were_never_heard_of_end_starts_for_a_week) {
  sys_seconds now = kNow;
  GateRecord record;
  for (int i = 0; i < 3; ++i, now += 5s) {
    record = *begin_start(record, now, kBoot);
    ASSERT_FALSE(is_spool_only(record, now)) << i;
  }
  record = *begin_start(record, now, kBoot);
  EXPECT_TRUE(is_spool_only(record, now));
  EXPECT_EQ(record.spool_only_until, now + std::chrono::days{7});
  EXPECT_FALSE(begin_start(record, now + std::chrono::days{7} - 1s, kBoot));
  const auto again = begin_start(record, now + std::chrono::days{7}, kBoot);
  ASSERT_TRUE(again);
  EXPECT_FALSE(is_spool_only(*again, now + std::chrono::days{7}));
}

TEST(GateRecord, starts_of_another_boot_do_not_count) {
  const auto next = begin_start({.unfinished = 3, .boot_id = {9}}, kNow, kBoot);
  EXPECT_EQ(next->unfinished, 1);
  EXPECT_FALSE(is_spool_only(*next, kNow));
}

TEST(GateRecord, a_clock_that_was_set_back_does_not_keep_it_spool_only) {
  EXPECT_TRUE(is_spool_only({.spool_only_until = kNow + std::chrono::days{7}}, kNow));
  EXPECT_FALSE(is_spool_only({.spool_only_until = kNow + std::chrono::days{8}}, kNow));
}

TEST(GateRecord, the_pause_is_five_seconds_after_none_and_doubles) {
  EXPECT_EQ(pause_after(0, 0), 5s);
  EXPECT_EQ(pause_after(0, 0.99), 5s);
  EXPECT_EQ(pause_after(1, 0), 10s);
  EXPECT_EQ(pause_after(3, 0), 40s);
  EXPECT_EQ(pause_after(12, 0), 20480s);
  EXPECT_EQ(pause_after(13, 0), 6h);
  EXPECT_EQ(pause_after(4'000'000'000, 0), 6h);
}

double any_jitter() { return *rc::gen::inRange(0, 1000) / 1000.0; }

RC_GTEST_PROP(GateRecord, a_pause_lies_between_five_seconds_and_six_hours, (std::uint32_t failures)) {
  const auto pause = pause_after(failures, any_jitter());
  RC_ASSERT(pause >= 5s && pause <= 6h);
  RC_ASSERT(pause * 2 >= pause_after(failures, 0));
}

RC_GTEST_PROP(GateRecord, more_failures_never_pause_less_and_more_jitter_never_more, ()) {
  const auto failures = *rc::gen::inRange<std::uint32_t>(0, 40);
  const double jitter = any_jitter();
  RC_ASSERT(pause_after(failures, jitter) <= pause_after(failures + 1, jitter));
  RC_ASSERT(pause_after(failures, jitter) <= pause_after(failures, jitter / 2));
}

TEST(GateRecord, knows_the_boot_by_the_kernels_own_id) {
  EXPECT_NE(read_boot_id(), BootId{});
  EXPECT_EQ(read_boot_id(), read_boot_id());
}

class GateFile : public ::testing::Test {
 protected:
  FileDescriptor directory() const { return *open_own_directory(scratch_.path(), Others::nothing); }
  Gate gate() const { return *Gate::open(directory()); }

  testing::ScratchDirectory scratch_;
};

TEST_F(GateFile, is_made_with_room_for_its_record_and_reads_as_new) {
  EXPECT_FALSE(Gate::open_existing(directory()));
  EXPECT_EQ(gate().read(), GateRecord{});
  EXPECT_EQ(std::filesystem::file_size(scratch_.file("gate")), 128U);
  EXPECT_TRUE(Gate::open_existing(directory()));
}

TEST_F(GateFile, is_written_in_place) {
  EXPECT_TRUE(gate().write(some_record()));
  EXPECT_EQ(gate().read(), some_record());
  EXPECT_EQ(std::filesystem::file_size(scratch_.file("gate")), 128U);
}

TEST_F(GateFile, a_probe_sees_the_courier_and_takes_nothing) {
  Gate courier = gate();
  const Gate tool = gate();
  EXPECT_FALSE(tool.courier_runs());
  ASSERT_TRUE(courier.become_courier(false));
  EXPECT_TRUE(tool.courier_runs());
  EXPECT_FALSE(gate().become_courier(false));
}

TEST_F(GateFile, probes_never_keep_a_courier_from_starting) {
  std::vector<Child> probes;
  for (int i = 0; i < 4; ++i) {
    probes.emplace_back([&] {
      const Gate tool = gate();
      for (;;) static_cast<void>(tool.courier_runs());
    });
  }
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(gate().become_courier(false)) << i;
}

TEST_F(GateFile, what_a_killed_process_held_is_free) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  Child holder([&] {
    Gate held = gate();
    const bool has_both = held.become_courier(false) && held.take_pen(false);
    if (write(pipe_ends[1], has_both ? "y" : "n", 1) == 1) pause();
  });
  char answer = 'n';
  ASSERT_EQ(read(pipe_ends[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  Gate mine = gate();
  EXPECT_TRUE(mine.courier_runs());
  EXPECT_FALSE(mine.take_pen(false));
  holder.kill_now();
  holder.wait();
  EXPECT_FALSE(mine.courier_runs());
  EXPECT_TRUE(mine.take_pen(false));
  EXPECT_TRUE(mine.become_courier(false));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_F(GateFile, the_pen_passes_from_hand_to_hand) {
  Gate first = gate();
  Gate second = gate();
  ASSERT_TRUE(first.take_pen(false));
  EXPECT_FALSE(second.take_pen(false));
  first.put_pen_down();
  EXPECT_TRUE(second.take_pen(false));
  EXPECT_TRUE(first.become_courier(false)) << "the other byte is free";
}

TEST_F(GateFile, without_room_there_is_no_gate) {
  Child child([&] {
    const rlimit little{64, 64};
    setrlimit(RLIMIT_FSIZE, &little);
    return Gate::open(directory()) ? 1 : 0;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(GateFile, five_hundred_who_want_to_start_at_once_start_one) {
  std::vector<Child> starters;
  int go[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  for (int i = 0; i < 500; ++i) {
    starters.emplace_back([&] {
      char end = 0;
      close(go[1]);
      if (read(go[0], &end, 1) != 0) return 2;
      Gate mine = gate();
      if (!mine.take_pen(false)) return 0;
      const auto next = begin_start(mine.read(), kNow, kBoot);
      return next && !mine.courier_runs() && mine.write(*next) ? 1 : 0;
    });
  }
  close(go[0]);
  close(go[1]);
  int started = 0;
  for (Child& starter : starters) started += starter.wait();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(gate().read().unfinished, 1);
}

}  // namespace
}  // namespace aldis::telemetry
