#include "engines/local/doorbell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "aldis/limits.h"
#include "local/scratch.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;
using testing::Child;
using testing::ChildSide;
using testing::describe;
using ::testing::HasSubstr;
using testing::in_child;

constexpr Topic kMine{Topic::Kind::mailbox, "me"};
constexpr Topic kOther{Topic::Kind::mailbox, "somebody else"};
constexpr Topic kHeartbeats{Topic::Kind::heartbeats, {}};
constexpr Topic kEverything{Topic::Kind::everything, {}};
constexpr auto kForEver = 24h;  // a test that sleeps so long has failed

class DoorbellTest : public ::testing::Test {
 protected:
  DoorbellTest() : doorbell_(*Doorbell::open(directory_.path(), "default")) {}

  auto sleep_on(Topic topic) {
    return [this, topic](ChildSide& parent) {
      const auto doorbell = *Doorbell::open(directory_.path(), "default");
      const Listening listening = doorbell->listen(topic);
      parent.say("listening");
      doorbell->sleep(listening, kForEver, {});
    };
  }
  bool rang_since(const Listening& listening, const Topic& topic) {
    return doorbell_->listen(topic).value != listening.value;
  }
  std::string path() { return directory_.file("doorbell-v1-default"); }

  testing::ScratchDirectory directory_;
  std::shared_ptr<Doorbell> doorbell_;
};

TEST_F(DoorbellTest, wakes_a_sleeper_in_another_process) {
  Child sleeper(sleep_on(kMine));
  ASSERT_EQ(sleeper.hear(), "listening");
  sleeper.wait_until_asleep_in_futex();
  doorbell_->ring(kMine);
  EXPECT_EQ(sleeper.join(), "");
}

TEST_F(DoorbellTest, wakes_every_sleeper_of_a_topic) {
  Child first(sleep_on(kHeartbeats));
  Child second(sleep_on(kHeartbeats));
  for (Child* sleeper : {&first, &second}) {
    ASSERT_EQ(sleeper->hear(), "listening");
    sleeper->wait_until_asleep_in_futex();
  }
  doorbell_->ring(kHeartbeats);
  EXPECT_EQ(first.join(), "");
  EXPECT_EQ(second.join(), "");
}

TEST_F(DoorbellTest, rung_for_everything_wakes_sleepers_of_any_topic) {
  Child mine(sleep_on(kMine));
  Child heartbeats(sleep_on(kHeartbeats));
  Child everything(sleep_on(kEverything));
  for (Child* sleeper : {&mine, &heartbeats, &everything}) {
    ASSERT_EQ(sleeper->hear(), "listening");
    sleeper->wait_until_asleep_in_futex();
  }
  doorbell_->ring(kEverything);
  for (Child* sleeper : {&mine, &heartbeats, &everything}) EXPECT_EQ(sleeper->join(), "");
}

TEST_F(DoorbellTest, who_listens_to_everything_hears_each_ring) {
  Child sleeper(sleep_on(kEverything));
  ASSERT_EQ(sleeper.hear(), "listening");
  sleeper.wait_until_asleep_in_futex();
  doorbell_->ring(kOther);
  EXPECT_EQ(sleeper.join(), "");
}

TEST_F(DoorbellTest, a_ring_between_listening_and_sleeping_is_not_lost) {
  const Listening listening = doorbell_->listen(kMine);
  doorbell_->ring(kMine);
  doorbell_->sleep(listening, kForEver, {});  // returns at once
}

TEST_F(DoorbellTest, a_ring_for_another_topic_disturbs_nobody) {
  const Listening mine = doorbell_->listen(kMine);
  const Listening heartbeats = doorbell_->listen(kHeartbeats);
  doorbell_->ring(kOther);
  EXPECT_FALSE(rang_since(mine, kMine));
  EXPECT_FALSE(rang_since(heartbeats, kHeartbeats));
}

TEST_F(DoorbellTest, sleeps_no_longer_than_asked) {
  doorbell_->sleep(doorbell_->listen(kMine), 1ms, {});
  doorbell_->sleep(doorbell_->listen(kMine), 0ms, {});
  doorbell_->sleep(doorbell_->listen(kMine), -1s, {});
}

TEST_F(DoorbellTest, a_request_to_stop_ends_the_sleep) {
  std::latch listening(1);
  std::jthread sleeper([&](const std::stop_token& stop) {
    const Listening heard = doorbell_->listen(kMine);
    listening.count_down();
    doorbell_->sleep(heard, kForEver, stop);
  });
  listening.wait();
  sleeper.request_stop();
}

TEST_F(DoorbellTest, a_stop_requested_before_the_sleep_ends_it_at_once) {
  std::stop_source source;
  source.request_stop();
  doorbell_->sleep(doorbell_->listen(kMine), kForEver, source.get_token());
}

TEST_F(DoorbellTest, a_killed_sleeper_leaves_nothing_that_the_next_ring_does_not_clear) {
  Child killed(sleep_on(kMine));
  ASSERT_EQ(killed.hear(), "listening");
  killed.wait_until_asleep_in_futex();
  killed.kill(SIGKILL);
  ASSERT_EQ(killed.join(), "signal 9");

  const auto count_sleepers = [this] {
    std::ifstream file(path(), std::ios::binary);
    int sleepers = 0;
    for (std::uint32_t word = 0; file.read(reinterpret_cast<char*>(&word), sizeof word);) sleepers += word & 1;
    return sleepers;
  };
  EXPECT_EQ(count_sleepers(), 1);
  doorbell_->ring(kMine);
  EXPECT_EQ(count_sleepers(), 0);

  Child next(sleep_on(kMine));
  ASSERT_EQ(next.hear(), "listening");
  next.wait_until_asleep_in_futex();
  doorbell_->ring(kMine);
  EXPECT_EQ(next.join(), "");
}

TEST_F(DoorbellTest, namespaces_do_not_hear_each_other) {
  const auto other = *Doorbell::open(directory_.path(), "other");
  const Listening listening = doorbell_->listen(kMine);
  other->ring(kEverything);
  EXPECT_FALSE(rang_since(listening, kMine));
}

TEST_F(DoorbellTest, is_silent_in_a_forked_child) {
  const Listening listening = doorbell_->listen(kMine);
  EXPECT_EQ(in_child([&]() -> std::string {
              doorbell_->ring(kMine);
              doorbell_->sleep(listening, kForEver, {});
              doorbell_.reset();
              return "done";
            }),
            "done");
  EXPECT_FALSE(rang_since(listening, kMine));
  doorbell_->ring(kMine);
  EXPECT_TRUE(rang_since(listening, kMine));
}

// Nothing tells a sleeper that its file was removed: it looks for itself after each recheck interval.
TEST_F(DoorbellTest, a_removed_one_is_found_again_by_its_name) {
  std::filesystem::remove_all(directory_.path());
  const SystemClock clock;
  const SteadyTime recheck = clock.steady_now() + limits::kRecheckLocal;
  while (clock.steady_now() < recheck) doorbell_->sleep(doorbell_->listen(kMine), recheck - clock.steady_now(), {});
  const Listening listening = doorbell_->listen(kMine);
  const std::string rung = in_child([this] {
    const Result<std::shared_ptr<Doorbell>> another = Doorbell::open(directory_.path(), "default");
    if (another) (*another)->ring(kMine);
    return describe(another);
  });
  EXPECT_EQ(rung, "ok");
  EXPECT_TRUE(rang_since(listening, kMine));
}

TEST_F(DoorbellTest, a_file_of_the_wrong_size_is_replaced) {
  doorbell_.reset();
  std::filesystem::resize_file(path(), 100);
  EXPECT_EQ(describe(Doorbell::open(directory_.path(), "default")), "ok");
  EXPECT_EQ(std::filesystem::file_size(path()), 4096u);
}

TEST_F(DoorbellTest, a_link_is_refused) {
  std::filesystem::rename(path(), directory_.file("elsewhere"));
  std::filesystem::create_symlink(directory_.file("elsewhere"), path());
  EXPECT_THAT(describe(Doorbell::open(directory_.path(), "default")), HasSubstr("is a link"));
}

TEST(DoorbellOnAFullFileSystem, is_resource_exhausted_when_made_and_rings_when_it_was_made_before) {
  const testing::ScratchDirectory directory;
  const std::string answer = testing::on_small_file_system(directory.path(), "1m", [&]() -> std::string {
    const auto before = *Doorbell::open(directory.path(), "before");
    testing::fill(directory.path());
    const std::string made = describe(Doorbell::open(directory.path(), "default"));
    const Listening listening = before->listen(kMine);
    before->ring(kEverything);
    return made + (before->listen(kMine).value == listening.value ? " and silent" : " and rang");
  });
  if (answer == testing::kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, HasSubstr("resource_exhausted"));
  EXPECT_THAT(answer, HasSubstr("and rang"));
}

}  // namespace
}  // namespace aldis
