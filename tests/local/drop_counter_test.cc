#include "engines/local/drop_counter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "local/scratch.h"

namespace aldis::testing {
namespace {

class DropCounterTest : public ::testing::Test {
 protected:
  std::shared_ptr<DropCounter> counter(const std::string& namespace_name = "default") {
    return DropCounter::make(directory_, namespace_name);
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("run");
};

TEST_F(DropCounterTest, counts_for_every_process_of_a_namespace) {
  const auto ours = counter();
  EXPECT_EQ(ours->total(), 0u);
  ours->add(3);
  EXPECT_EQ(in_child([&] {
              const auto theirs = counter();
              theirs->add(4);
              return std::to_string(theirs->total());
            }),
            "7");
  EXPECT_EQ(ours->total(), 7u);
  EXPECT_EQ(counter("other")->total(), 0u);
}

TEST_F(DropCounterTest, loses_nothing_that_processes_count_together) {
  constexpr int kEach = 1'000;
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(std::make_unique<Child>([&](ChildSide&) {
      const auto theirs = counter();
      for (int n = 0; n < kEach; ++n) theirs->add(1);
    }));
  }
  for (const auto& child : children) EXPECT_EQ(child->join(), "");
  EXPECT_EQ(counter()->total(), 4u * kEach);
}

TEST_F(DropCounterTest, waits_for_nobody_and_hands_on_later_what_it_counted_meanwhile) {
  std::filesystem::create_directory(directory_);
  chmod(directory_.c_str(), 0700);
  Child holder([&](ChildSide& parent) {
    const int held = open(directory_.c_str(), O_RDONLY | O_DIRECTORY);
    parent.say(flock(held, LOCK_EX) == 0 ? "held" : "failed");
    parent.wait_for_parent();
  });
  ASSERT_EQ(holder.hear(), "held");
  const auto ours = counter();
  ours->add(5);
  EXPECT_EQ(ours->total(), 5u) << "while another process holds the directory";
  holder.go_on();
  ASSERT_EQ(holder.join(), "");
  ours->add(1);
  EXPECT_EQ(counter()->total(), 6u);
}

TEST_F(DropCounterTest, goes_on_in_a_new_file_when_its_own_was_removed) {
  const auto ours = counter();
  ours->add(5);
  std::filesystem::remove_all(directory_);
  ours->add(2);
  EXPECT_EQ(counter()->total(), 2u);
}

TEST_F(DropCounterTest, of_the_parent_is_left_alone_by_a_child) {
  const auto ours = counter();
  ours->add(1);
  EXPECT_EQ(in_child([&] {
              ours->add(9);
              return std::to_string(ours->total());
            }),
            "0");
  EXPECT_EQ(ours->total(), 1u);
}

TEST_F(DropCounterTest, counts_for_itself_where_there_is_no_directory) {
  const auto ours = DropCounter::make("/proc/nowhere", "default");
  ours->add(2);
  EXPECT_EQ(ours->total(), 2u);
}

}  // namespace
}  // namespace aldis::testing
