// Publishers and members of a group that are killed at any moment: no hole, nothing lost, nothing done twice.

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "aldis/limits.h"
#include "engines/local/local_event_groups.h"
#include "engines/local/local_events.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kKills = 20;

class EventProcesses : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(events()->configure("deploy", {.max_length = limits::kStreamLengthMax})); }

  std::shared_ptr<EventStore> events() const {
    return make_local_events(ledger_in(directory_), Doorbell::open(scratch_.path(), "default").value(),
                             DropCounter::make(scratch_.path(), "default"));
  }
  std::shared_ptr<EventGroupStore> groups() const {
    return make_local_event_groups(ledger_in(directory_), Doorbell::open(scratch_.path(), "default").value());
  }

  // Publishes for ever, and says each place once it has it; or only the first, where nobody listens on.
  void publish(ChildSide& parent, bool says_all) const {
    const SystemClock clock;
    const auto store = events();
    for (;;) {
      const auto place = store->publish(
          {.id = make_id(clock.wall_now()), .type = "deploy", .data = R"({"kept":true})", .source = "ann"});
      if (!place) return parent.say("failed " + describe(place));
      if (says_all || place->ordinal == 1) parent.say("published " + std::to_string(place->ordinal));
    }
  }
  // Takes what nobody works at (or what the one before it left), and says what it has got and what it has done.
  void work(ChildSide& parent) const {
    const auto store = groups();
    for (;;) {
      const auto slice = store->read(next_work());
      if (!slice) return parent.say("failed " + describe(slice));
      for (const StoredEvent& event : slice->events) {
        const std::uint64_t ordinal = event.place.ordinal;
        parent.say("got " + std::to_string(ordinal));
        const auto acknowledged = store->acknowledge("deploy", "workers", {&event.place, 1});
        if (!acknowledged) return parent.say("failed " + describe(acknowledged));
        parent.say("done " + std::to_string(ordinal));
      }
    }
  }
  static GroupRead next_work(std::size_t count = 3) {
    return {.type = "deploy",
            .group = "workers",
            .consumer = "bob",
            .start_after = 0,
            .count = count,
            .take_over_after = 0ns};
  }

  void hear(const std::string& line) {
    std::istringstream words(line);
    std::string what;
    std::uint64_t ordinal = 0;
    EXPECT_TRUE(words >> what >> ordinal) << line;
    if (what == "published") {
      EXPECT_TRUE(published_.insert(ordinal).second) << ordinal << " was given twice";
    }
    if (what == "got") {
      EXPECT_FALSE(done_.contains(ordinal)) << ordinal << " was done, and came again";
      got_.insert(ordinal);
    }
    if (what == "done") done_.insert(ordinal);
  }
  // Hears some lines of it, kills it, and hears what it had said before.
  void kill(std::unique_ptr<Child> victim, int after_lines) {
    for (int lines = 0; lines < after_lines; ++lines) hear(victim->hear());
    victim->kill(SIGKILL);
    for (std::string line = victim->hear(); !line.empty(); line = victim->hear()) hear(line);
    EXPECT_EQ(victim->join(), "signal 9");
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  std::set<std::uint64_t> published_;
  std::set<std::uint64_t> got_;
  std::set<std::uint64_t> done_;
};

TEST_F(EventProcesses, publishers_that_are_killed_leave_no_hole_and_lose_nothing) {
  const auto start = [this] { return std::make_unique<Child>([this](ChildSide& parent) { publish(parent, true); }); };
  std::unique_ptr<Child> other = start();
  for (int i = 0; i < kKills; ++i) kill(std::exchange(other, start()), 1 + i % 7);
  kill(std::move(other), 1);

  const auto store = events();
  const std::uint64_t last = store->heads("deploy").value().at(0).last.ordinal;
  std::uint64_t after = 0;
  while (after < last) {
    const StreamCursor cursor{"deploy", after};
    const std::vector<StreamSlice> slices = store->read({&cursor, 1}, 1000).value();
    ASSERT_FALSE(slices.at(0).events.empty()) << "after " << after;
    for (const StoredEvent& event : slices[0].events) {
      ASSERT_EQ(event.place.ordinal, ++after);
      ASSERT_EQ(event.data, R"({"kept":true})");
    }
  }
  ASSERT_FALSE(published_.empty());
  EXPECT_LE(*published_.rbegin(), last);
  EXPECT_LE(last, published_.size() + kKills + 1) << "one that was not said of each";
  EXPECT_EQ(ask_sql(file_of_ledger(directory_), "PRAGMA integrity_check"), "ok");
}

TEST_F(EventProcesses, members_that_are_killed_leave_their_events_to_others) {
  const auto publisher = std::make_unique<Child>([this](ChildSide& parent) { publish(parent, false); });
  hear(publisher->hear());
  for (int i = 0; i < kKills; ++i) {
    kill(std::make_unique<Child>([this](ChildSide& parent) { work(parent); }), 1 + i % 9);
  }
  publisher->kill(SIGKILL);
  publisher->join();

  const auto store = groups();
  for (GroupSlice slice = store->read(next_work(100)).value(); !slice.events.empty();
       slice = store->read(next_work(100)).value()) {
    ASSERT_FALSE(slice.gap);
    for (const StoredEvent& event : slice.events) {
      hear("got " + std::to_string(event.place.ordinal));
      ASSERT_EQ(store->acknowledge("deploy", "workers", {&event.place, 1}), 1U);
    }
  }
  const std::uint64_t last = events()->heads("deploy").value().at(0).last.ordinal;
  EXPECT_EQ(got_.size(), last);
  EXPECT_EQ(*got_.begin(), 1U);
  EXPECT_EQ(*got_.rbegin(), last);
  EXPECT_EQ(store->groups("deploy").value().at(0), (GroupInfo{.group = "workers", .delivered = last}));
}

}  // namespace
}  // namespace aldis::testing
