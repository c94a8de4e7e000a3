#include "telemetry/hand_over.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "aldis/tool_environment.h"
#include "children.h"
#include "core/private_files.h"
#include "fakes/fake_clock.h"
#include "telemetry/courier_process.h"
#include "telemetry/gate.h"

namespace aldis::telemetry {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class HandingOver : public ::testing::Test {
 protected:
  HandOver with(std::uint32_t records, std::uint32_t dropped = 0) const {
    return {.environment = environment_,
            .clock = clock_,
            .places = places_,
            .origin = {.tool = "tool", .version = "1.2.3", .install_id = {}},
            .records = std::vector<EventRecord>(records, EventRecord{.time = {}, .name = "event", .attributes = {}}),
            .dropped = dropped};
  }
  DecodedSpool spool() const { return decode(read_all(home_.spool())); }
  GateRecord gate_record() const { return decode_gate(read_all(home_.gate())); }
  void write_gate(const GateRecord& record) const {
    Result<FileDescriptor> state = make_own_directory(places_.state_directory, Others::nothing);
    ASSERT_TRUE(Gate::open(*state)->write(record));
  }
  std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(clock_.wall_now()); }
  static void expect_ended(const HandedOver& done) {
    ASSERT_TRUE(done.courier);
    EXPECT_EQ(wait_for_courier(*done.courier, 30s), 0);
  }
  std::ptrdiff_t starts() const { return std::ranges::count(read_all(home_.heard()), '\n'); }

  ToolHome home_;
  Places places_ = home_.places();
  Environment environment_;
  testing::FakeClock clock_;
};

TEST_F(HandingOver, spools_the_records_and_starts_a_courier) {
  home_.consent({.enabled = true, .endpoint = "https://telemetry.example/", .install_id = {7}});
  const HandedOver done = hand_over(with(3, 2));
  EXPECT_EQ(done.dropped, 0U);
  expect_ended(done);
  EXPECT_EQ(spool().record_count(), 3U);
  EXPECT_EQ(spool().dropped_count(), 2U);
  EXPECT_EQ(spool().frames[0].origin, (FrameOrigin{"tool", "1.2.3", {7}}));
  EXPECT_EQ(gate_record().next_attempt_at, now() + 5s);
  EXPECT_EQ(gate_record().unfinished, 1);
  EXPECT_EQ(starts(), 1);
}

TEST_F(HandingOver, starts_at_most_one_in_five_seconds) {
  home_.consent();
  expect_ended(hand_over(with(1)));
  clock_.advance(4s);
  EXPECT_FALSE(hand_over(with(1)).courier);
  clock_.advance(1s);
  expect_ended(hand_over(with(1)));
  EXPECT_EQ(spool().record_count(), 3U);
  EXPECT_EQ(starts(), 2);
}

TEST_F(HandingOver, two_batches_of_the_same_records_are_not_equal) {
  home_.consent();
  const HandedOver first = hand_over(with(1));
  const std::string before = read_all(home_.spool());
  hand_over(with(1));
  EXPECT_NE(read_all(home_.spool()), before + before);
  expect_ended(first);
}

TEST_F(HandingOver, without_consent_no_file_appears) {
  EXPECT_EQ(hand_over(with(3, 2)).dropped, 0U);
  home_.consent({.enabled = false});
  const auto before = files_below(home_.path());
  EXPECT_EQ(hand_over(with(3, 2)).dropped, 0U);
  EXPECT_EQ(files_below(home_.path()), before);
}

TEST_F(HandingOver, of_nothing_makes_no_file) {
  home_.consent();
  const auto before = files_below(home_.path());
  EXPECT_FALSE(hand_over(with(0)).courier);
  HandOver what = with(0);
  what.may_check_for_updates = true;  // but there is no update URL
  EXPECT_FALSE(hand_over(what).courier);
  EXPECT_EQ(files_below(home_.path()), before);
}

TEST_F(HandingOver, spool_only_never_looks_for_a_courier) {
  home_.consent();
  HandOver what = with(1);
  what.spool_only = true;
  EXPECT_FALSE(hand_over(what).courier);
  EXPECT_EQ(spool().record_count(), 1U);
  EXPECT_FALSE(std::filesystem::exists(home_.gate()));
}

TEST_F(HandingOver, from_inside_a_courier_starts_none) {
  home_.consent();
  environment_ = Environment(EnvironmentSnapshot{{"ALDIS_COURIER", "1"}});
  EXPECT_FALSE(hand_over(with(1)).courier);
  EXPECT_EQ(spool().record_count(), 1U);
  EXPECT_EQ(gate_record(), GateRecord{}) << "nothing was started, so nothing is written down";
}

TEST_F(HandingOver, starts_none_while_one_runs) {
  home_.consent();
  write_gate({});
  const Result<FileDescriptor> state = open_own_directory(places_.state_directory, Others::nothing);
  Gate courier = *Gate::open(*state);
  ASSERT_TRUE(courier.become_courier(false));
  EXPECT_FALSE(hand_over(with(1)).courier);
  EXPECT_EQ(gate_record(), GateRecord{});
}

TEST_F(HandingOver, after_three_starts_that_were_never_heard_of_it_only_spools) {
  home_.consent();
  for (int i = 0; i < 3; ++i, clock_.advance(5s)) expect_ended(hand_over(with(1)));
  for (int i = 0; i < 3; ++i, clock_.advance(1h)) EXPECT_FALSE(hand_over(with(1)).courier);
  EXPECT_EQ(spool().record_count(), 6U);
  EXPECT_EQ(starts(), 3);
  clock_.advance(std::chrono::days{7});
  expect_ended(hand_over(with(1)));
}

TEST_F(HandingOver, a_start_that_fails_is_no_unfinished_one) {
  home_.consent();
  Child child([&] {
    if (geteuid() != 0 || chown(home_.path().c_str(), 65534, 65534) != 0) return 77;
    for (const auto& name : files_below(home_.path())) {
      if (chown((home_.path() + "/" + name).c_str(), 65534, 65534) != 0) return 77;
    }
    if (setgid(65534) != 0 || setuid(65534) != 0) return 77;
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NPROC, &none);  // does not bind root
    return hand_over(with(1)).courier ? 1 : 0;
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "needs root, to become somebody whom the limit binds";
  EXPECT_EQ(code, 0);
  EXPECT_EQ(spool().record_count(), 1U);
  EXPECT_EQ(gate_record().next_attempt_at, now() + 5s);
  EXPECT_EQ(gate_record().unfinished, 0);
}

TEST_F(HandingOver, an_update_check_that_is_due_starts_a_courier_without_records) {
  home_.consent({.enabled = true, .endpoint = "", .update_url = "https://updates.example/"});
  HandOver what = with(0);
  EXPECT_FALSE(hand_over(what).courier);
  what.may_check_for_updates = true;
  expect_ended(hand_over(what));
  EXPECT_THAT(read_all(home_.heard()), HasSubstr("--update-check"));
  EXPECT_FALSE(std::filesystem::exists(home_.spool()));

  write_gate({.update_checked_at = now() - std::chrono::days{7} + 1s});
  EXPECT_FALSE(hand_over(what).courier) << "checked less than a week ago";
  write_gate({.update_checked_at = now() + 1s});
  expect_ended(hand_over(what));
}

TEST_F(HandingOver, records_do_not_bring_an_update_check_that_is_not_wanted) {
  home_.consent({.enabled = true, .endpoint = "https://t.example/", .update_url = "https://updates.example/"});
  expect_ended(hand_over(with(1)));
  EXPECT_THAT(read_all(home_.heard()), Not(HasSubstr("--update-check")));
}

TEST_F(HandingOver, what_cannot_be_written_is_counted_for_the_next_time) {
  home_.consent();
  std::filesystem::create_directories(home_.path() + "/.local");
  write_all(home_.path() + "/.local/state", "a file in the directory's place");
  const HandedOver done = hand_over(with(3, 2));
  EXPECT_EQ(done.dropped, 5U);
  EXPECT_FALSE(done.courier);
  std::filesystem::remove(home_.path() + "/.local/state");
  expect_ended(hand_over(with(1, done.dropped)));
  EXPECT_EQ(spool().dropped_count(), 5U);
}

TEST_F(HandingOver, into_a_state_directory_that_others_may_read_writes_nothing) {
  home_.consent();
  std::filesystem::create_directories(places_.state_directory);
  chmod(places_.state_directory.c_str(), 0755);
  EXPECT_EQ(hand_over(with(3)).dropped, 3U);
  EXPECT_TRUE(std::filesystem::is_empty(places_.state_directory));
}

TEST_F(HandingOver, without_a_gate_that_can_be_written_nothing_is_started) {
  home_.consent();
  std::filesystem::create_directories(places_.state_directory);
  chmod(places_.state_directory.c_str(), 0700);
  ASSERT_EQ(symlink("/dev/null", home_.gate().c_str()), 0);
  EXPECT_FALSE(hand_over(with(1)).courier);
  EXPECT_EQ(spool().record_count(), 1U);
  EXPECT_EQ(starts(), 0);
}

TEST_F(HandingOver, five_hundred_at_once_start_at_most_one_courier_and_lose_nothing) {
  home_.consent();
  static_cast<void>(make_own_directory(places_.state_directory, Others::nothing));
  std::vector<Child> tools;
  int go[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  for (int i = 0; i < 500; ++i) {
    tools.emplace_back([&] {
      char end = 0;
      close(go[1]);
      if (read(go[0], &end, 1) != 0) return 2;
      const HandedOver done = hand_over(with(1));
      if (done.courier) wait_for_courier(*done.courier, 30s);
      return done.dropped == 0 ? 0 : 1;
    });
  }
  close(go[0]);
  close(go[1]);
  for (Child& tool : tools) EXPECT_EQ(tool.wait(), 0);
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(spool().record_count(), 500U);
}

}  // namespace
}  // namespace aldis::telemetry
