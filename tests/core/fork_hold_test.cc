#include "core/fork_hold.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "fakes/forked_child.h"

namespace aldis::testing {
namespace {

// Threads that hold and let go all the time.
class Busy {
 public:
  Busy() {
    for (int i = 0; i < 4; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          const ForkHold hold;
          ++inside_;
          ++turns_;
          std::this_thread::yield();
          --inside_;
        }
      });
    }
  }

  int inside() const { return inside_; }
  // Returns when all are at it again.
  void take_a_turn() const {
    for (const int before = turns_; turns_ - before < 8;) std::this_thread::yield();
  }

 private:
  std::atomic<int> inside_ = 0;
  std::atomic<int> turns_ = 0;
  std::vector<std::jthread> threads_;
};

TEST(ForkHold, no_child_begins_inside_and_the_parent_goes_on) {
  const Busy busy;
  for (int i = 0; i < 300; ++i) {
    busy.take_a_turn();
    ASSERT_EQ(in_a_child([&] { return std::to_string(busy.inside()) + " inside"; }), "0 inside");
  }
}

TEST(ForkHold, is_there_for_the_child_and_its_children) {
  const Busy busy;
  for (int i = 0; i < 50; ++i) {
    busy.take_a_turn();
    ASSERT_EQ(in_a_child([] {
                {
                  const ForkHold hold;
                }
                return in_a_child([] {
                  const ForkHold hold;
                  return std::string("fine");
                });
              }),
              "fine");
  }
}

TEST(ForkHold, lets_several_threads_fork) {
  const Busy busy;
  std::vector<std::jthread> forking;
  for (int i = 0; i < 4; ++i) {
    forking.emplace_back([&] {
      for (int j = 0; j < 30; ++j) {
        EXPECT_EQ(in_a_child([&] { return std::to_string(busy.inside()) + " inside"; }), "0 inside");
      }
    });
  }
}

}  // namespace
}  // namespace aldis::testing
