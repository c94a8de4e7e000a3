#include "engines/local/doorbell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>
#include <vector>

#include "aldis/limits.h"
#include "local/scratch.h"

namespace aldis {
namespace {

using namespace std::chrono_literals;
using testing::Child;
using testing::ChildSide;
using testing::describe;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::in_child;

constexpr Topic kMine{Topic::Kind::mailbox, "me"};
constexpr Topic kOther{Topic::Kind::mailbox, "somebody else"};
constexpr Topic kHeartbeats{Topic::Kind::heartbeats, {}};
constexpr Topic kMyRecord{Topic::Kind::agent, "me"};
constexpr Topic kReceipt{Topic::Kind::signal, "01ARZ3NDEKTSV4RRFFQ69G5FAV"};
constexpr auto kForEver = 24h;  // a test that sleeps so long has failed

// Rings that a test did not make would hide that one of its own is missing.
std::shared_ptr<Doorbell> open_without_rechecks(const std::string& directory, const std::string& name = "default") {
  return *Doorbell::open(directory, name, kForEver);
}

class DoorbellTest : public ::testing::Test {
 protected:
  DoorbellTest() : doorbell_(open_without_rechecks(directory_.path())) {}

  auto sleep_on(std::vector<Topic> topics) {
    return [this, topics = std::move(topics)](ChildSide& parent) {
      const auto doorbell = open_without_rechecks(directory_.path());
      const auto subscription = doorbell->subscribe(topics);
      const std::uint64_t rings = subscription->rings();
      parent.say("listening");
      doorbell->sleep(*subscription, rings, kForEver, {});
    };
  }
  std::unique_ptr<Subscription> subscribe(const Topic& topic) { return doorbell_->subscribe({&topic, 1}); }
  void sleep_on_it(const Topic& topic, std::chrono::nanoseconds at_most, const std::stop_token& stop = {}) {
    const auto subscription = subscribe(topic);
    doorbell_->sleep(*subscription, subscription->rings(), at_most, stop);
  }
  // Which of these ring with `call`.
  template <class Call>
  std::vector<bool> ringing(const std::vector<Topic>& topics, Call call) {
    std::vector<std::unique_ptr<Subscription>> subscriptions;
    std::vector<std::uint64_t> before;
    for (const Topic& topic : topics) {
      subscriptions.push_back(subscribe(topic));
      before.push_back(subscriptions.back()->rings());
    }
    call();
    std::vector<bool> rang;
    for (std::size_t i = 0; i < topics.size(); ++i) rang.push_back(subscriptions[i]->rings() != before[i]);
    return rang;
  }
  std::string path() { return directory_.file("doorbell-v1-default"); }

  testing::ScratchDirectory directory_;
  std::shared_ptr<Doorbell> doorbell_;
};

TEST_F(DoorbellTest, wakes_a_sleeper_in_another_process) {
  for (const Topic& topic : {kMine, kMyRecord, kHeartbeats, kReceipt}) {
    Child sleeper(sleep_on({topic}));
    ASSERT_EQ(sleeper.hear(), "listening");
    sleeper.wait_until_asleep_in_futex();
    doorbell_->ring(topic);
    EXPECT_EQ(sleeper.join(), "");
  }
}

TEST_F(DoorbellTest, wakes_every_sleeper_of_a_topic) {
  Child first(sleep_on({kHeartbeats}));
  Child second(sleep_on({kHeartbeats}));
  for (Child* sleeper : {&first, &second}) {
    ASSERT_EQ(sleeper->hear(), "listening");
    sleeper->wait_until_asleep_in_futex();
  }
  doorbell_->ring(kHeartbeats);
  EXPECT_EQ(first.join(), "");
  EXPECT_EQ(second.join(), "");
}

TEST_F(DoorbellTest, wakes_who_sleeps_on_several_topics_for_each_of_them_and_no_other) {
  for (const Topic& topic : {kMine, kHeartbeats}) {
    Child sleeper(sleep_on({kMine, kHeartbeats}));
    ASSERT_EQ(sleeper.hear(), "listening");
    sleeper.wait_until_asleep_in_futex();
    doorbell_->ring(kOther);
    sleeper.wait_until_asleep_in_futex();
    doorbell_->ring(topic);
    EXPECT_EQ(sleeper.join(), "");
  }
}

TEST_F(DoorbellTest, rung_for_all_wakes_sleepers_of_any_topic) {
  Child mine(sleep_on({kMine}));
  Child heartbeats(sleep_on({kHeartbeats}));
  Child both(sleep_on({kOther, kReceipt}));
  for (Child* sleeper : {&mine, &heartbeats, &both}) {
    ASSERT_EQ(sleeper->hear(), "listening");
    sleeper->wait_until_asleep_in_futex();
  }
  doorbell_->ring_all();
  for (Child* sleeper : {&mine, &heartbeats, &both}) EXPECT_EQ(sleeper->join(), "");
}

TEST_F(DoorbellTest, any_rings_with_each_ring) {
  for (const Topic& topic : {kMine, kOther, kHeartbeats, kReceipt}) {
    const std::uint64_t rings = doorbell_->any().rings();
    doorbell_->ring(topic);
    doorbell_->sleep(doorbell_->any(), rings, kForEver, {});  // returns at once
    EXPECT_NE(doorbell_->any().rings(), rings);
  }
}

TEST_F(DoorbellTest, a_ring_between_counting_and_sleeping_is_not_lost) {
  for (const std::vector<Topic>& topics : {std::vector{kMine}, std::vector{kMine, kHeartbeats}}) {
    const auto subscription = doorbell_->subscribe(topics);
    const std::uint64_t rings = subscription->rings();
    doorbell_->ring(kMine);
    doorbell_->sleep(*subscription, rings, kForEver, {});  // returns at once
  }
}

TEST_F(DoorbellTest, a_ring_for_another_topic_disturbs_nobody) {
  EXPECT_THAT(ringing({kMine, kHeartbeats, kReceipt, kOther}, [&] { doorbell_->ring(kOther); }),
              ElementsAre(false, false, false, true));
}

TEST_F(DoorbellTest, one_ring_may_be_for_several_topics) {
  EXPECT_THAT(ringing({kMine, kHeartbeats, kReceipt}, [&] { doorbell_->ring(std::array{kMine, kReceipt}); }),
              ElementsAre(true, false, true));
}

TEST_F(DoorbellTest, sleeps_no_longer_than_asked) {
  sleep_on_it(kMine, 1ms);
  sleep_on_it(kMine, 0ms);
  sleep_on_it(kMine, -1s);
}

TEST_F(DoorbellTest, a_request_to_stop_ends_the_sleep) {
  std::latch listening(1);
  std::jthread sleeper([&](const std::stop_token& stop) {
    const auto subscription = subscribe(kMine);
    const std::uint64_t rings = subscription->rings();
    listening.count_down();
    doorbell_->sleep(*subscription, rings, kForEver, stop);
  });
  listening.wait();
  sleeper.request_stop();
}

TEST_F(DoorbellTest, a_stop_requested_before_the_sleep_ends_it_at_once) {
  std::stop_source source;
  source.request_stop();
  sleep_on_it(kMine, kForEver, source.get_token());
}

TEST_F(DoorbellTest, a_killed_sleeper_leaves_nothing_that_the_next_ring_does_not_clear) {
  Child killed(sleep_on({kMine}));
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

  Child next(sleep_on({kMine}));
  ASSERT_EQ(next.hear(), "listening");
  next.wait_until_asleep_in_futex();
  doorbell_->ring(kMine);
  EXPECT_EQ(next.join(), "");
}

TEST_F(DoorbellTest, namespaces_do_not_hear_each_other) {
  const auto other = open_without_rechecks(directory_.path(), "other");
  EXPECT_THAT(ringing({kMine}, [&] { other->ring_all(); }), ElementsAre(false));
}

TEST_F(DoorbellTest, is_silent_in_a_forked_child) {
  const auto subscription = subscribe(kMine);
  const std::uint64_t rings = subscription->rings();
  EXPECT_EQ(in_child([&]() -> std::string {
              doorbell_->ring(kMine);
              doorbell_->sleep(*subscription, rings, kForEver, {});
              return "done";
            }),
            "done");
  EXPECT_EQ(subscription->rings(), rings);
  doorbell_->ring(kMine);
  EXPECT_NE(subscription->rings(), rings);
}

// Nobody can tell which rings a killed process left out.
TEST_F(DoorbellTest, everything_rings_once_a_recheck_interval) {
  const auto doorbell = *Doorbell::open(directory_.path(), "default", 10ms);
  for (const std::vector<Topic>& topics : {std::vector{kMine}, std::vector{kHeartbeats, kReceipt}}) {
    const auto subscription = doorbell->subscribe(topics);
    const std::uint64_t any = doorbell->any().rings();
    const std::uint64_t rings = subscription->rings();
    doorbell->sleep(*subscription, rings, kForEver, {});
    EXPECT_NE(subscription->rings(), rings);
    EXPECT_NE(doorbell->any().rings(), any);
  }
}

// Nothing tells a sleeper that its file was removed: the doorbell looks for itself at each recheck.
TEST_F(DoorbellTest, a_removed_one_is_found_again_by_its_name) {
  const auto doorbell = *Doorbell::open(directory_.path(), "default", 10ms);
  const auto subscription = doorbell->subscribe({&kMine, 1});
  std::filesystem::remove_all(directory_.path());
  // Its count jumps when it finds the other file, further than rechecks bring it here.
  constexpr std::uint64_t kMany = 1'000'000;
  const std::uint64_t before = subscription->rings();
  while (subscription->rings() - before < kMany) {
    doorbell->sleep(*subscription, subscription->rings(), kForEver, {});
  }
  const std::uint64_t found = subscription->rings();
  EXPECT_EQ(in_child([&]() -> std::string {
              const auto another = open_without_rechecks(directory_.path());
              for (std::uint64_t rings = 0; rings < kMany; ++rings) another->ring(kMine);
              return "rung";
            }),
            "rung");
  EXPECT_GE(subscription->rings() - found, kMany);
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
    const auto before = open_without_rechecks(directory.path(), "before");
    const auto subscription = before->subscribe({&kMine, 1});
    testing::fill(directory.path());
    const std::string made = describe(Doorbell::open(directory.path(), "default"));
    const std::uint64_t rings = subscription->rings();
    before->ring_all();
    return made + (subscription->rings() == rings ? " and silent" : " and rang");
  });
  if (answer == testing::kCannotUnshare) GTEST_SKIP() << answer;
  EXPECT_THAT(answer, HasSubstr("resource_exhausted"));
  EXPECT_THAT(answer, HasSubstr("and rang"));
}

}  // namespace
}  // namespace aldis
