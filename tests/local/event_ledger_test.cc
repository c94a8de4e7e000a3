// Events in the ledger: which rows stay, which go, and what a busy ledger means for a publisher.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "aldis/limits.h"
#include "engines/local/event_rows.h"
#include "engines/local/local_event_groups.h"
#include "engines/local/local_events.h"
#include "fakes/fake_clock.h"
#include "local/ledger_world.h"
#include "local/scratch.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr std::uint64_t kBatch = limits::kRemovalsPerPublish;

class EventLedgerTest : public ::testing::Test {
 protected:
  Result<EventPlace> try_publish(std::string_view type = "deploy",
                                 std::optional<std::chrono::nanoseconds> at_most = {}) {
    Id128 id;
    id.bytes[14] = static_cast<std::uint8_t>(++published_ >> 8U);
    id.bytes[15] = static_cast<std::uint8_t>(published_);
    return events_->publish({.id = id, .type = type, .data = R"({"secret":1})", .source = "boss", .at_most = at_most});
  }
  void publish_many(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) try_publish().value();
  }
  std::string ask(const std::string& sql) { return ask_sql(file_of_ledger(directory_), sql); }
  std::string rows() { return ask("SELECT count(*) FROM events"); }
  std::vector<std::uint64_t> seen() {
    const StreamCursor cursor{"deploy", 0};
    const std::vector<StreamSlice> slices = events_->read({&cursor, 1}, 1000).value();
    std::vector<std::uint64_t> ordinals;
    for (const StoredEvent& event : slices.at(0).events) ordinals.push_back(event.place.ordinal);
    return ordinals;
  }
  void reboot() {
    ledger_ = ledger_in(directory_, kPatient, clock_, "boot-2");
    events_ = make_local_events(ledger_, doorbell_, DropCounter::make(scratch_.path(), "default"));
    groups_ = make_local_event_groups(ledger_, doorbell_);
  }

  testing::ScratchDirectory scratch_;
  const std::string directory_ = scratch_.file("state");
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const std::shared_ptr<Doorbell> doorbell_ = Doorbell::open(scratch_.path(), "default").value();
  std::shared_ptr<Ledger> ledger_ = ledger_in(directory_, kPatient, clock_, "boot-1");
  std::shared_ptr<EventStore> events_ =
      make_local_events(ledger_, doorbell_, DropCounter::make(scratch_.path(), "default"));
  std::shared_ptr<EventGroupStore> groups_ = make_local_event_groups(ledger_, doorbell_);
  std::uint64_t published_ = 0;
};

TEST_F(EventLedgerTest, rows_beyond_the_length_leave_in_batches) {
  ASSERT_TRUE(events_->configure("deploy", {.max_length = 10}));
  publish_many(10 + kBatch - 1);
  EXPECT_EQ(rows(), std::to_string(10 + kBatch - 1));
  publish_many(1);
  EXPECT_EQ(rows(), "10");
  publish_many(kBatch - 1);
  EXPECT_EQ(rows(), std::to_string(10 + kBatch - 1));
}

TEST_F(EventLedgerTest, rows_that_are_too_old_leave_in_batches) {
  ASSERT_TRUE(events_->configure("deploy", {.max_age = 10s}));
  publish_many(2 * kBatch);
  clock_->advance(11s);
  publish_many(1);
  EXPECT_EQ(rows(), std::to_string(kBatch + 1));
  publish_many(1);
  EXPECT_EQ(rows(), "2");
  publish_many(2);
  EXPECT_EQ(rows(), "4");
}

TEST_F(EventLedgerTest, a_trim_removes_its_rows_at_once) {
  publish_many(3 * kBatch);
  events_->trim("deploy", 5).value();
  EXPECT_EQ(rows(), "5");
}

TEST_F(EventLedgerTest, smaller_bounds_remove_their_rows_at_once) {
  publish_many(3 * kBatch);
  ASSERT_TRUE(events_->configure("deploy", {.max_length = 7}));
  EXPECT_EQ(rows(), "7");
}

TEST_F(EventLedgerTest, of_a_stream_without_events_the_emptied_newest_row_stays) {
  publish_many(3);
  events_->trim("deploy", 0).value();
  EXPECT_EQ(rows(), "1");
  EXPECT_EQ(ask("SELECT data || source FROM events"), "");
  EXPECT_EQ(try_publish()->ordinal, 4U);
  EXPECT_THAT(seen(), ElementsAre(4));
}

TEST_F(EventLedgerTest, each_stream_has_its_own_rows) {
  publish_many(kBatch);
  EXPECT_EQ(try_publish("build")->ordinal, 1U);
  ASSERT_TRUE(events_->configure("deploy", {.max_length = 1}));
  publish_many(kBatch);
  EXPECT_EQ(ask("SELECT count(*) FROM events WHERE id >> 42 = (SELECT id FROM streams WHERE type = 'build')"), "1");
  EXPECT_EQ(try_publish("build")->ordinal, 2U);
}

TEST_F(EventLedgerTest, the_last_ordinal_is_the_end_of_a_stream) {
  publish_many(1);
  ASSERT_EQ(run_sql(file_of_ledger(directory_), "UPDATE events SET id = id + " + std::to_string(kOrdinalMax - 2)),
            "ok");
  EXPECT_EQ(try_publish()->ordinal, kOrdinalMax);
  EXPECT_THAT(describe(try_publish()), StartsWith("resource_exhausted"));
  EXPECT_EQ(try_publish("build")->ordinal, 1U);
}

TEST_F(EventLedgerTest, after_a_reboot_the_wall_clock_tells_the_age) {
  ASSERT_TRUE(events_->configure("deploy", {.max_age = 60s}));
  publish_many(1);
  clock_->advance(40s);
  publish_many(1);
  reboot();
  EXPECT_THAT(seen(), ElementsAre(1, 2));
  clock_->step_wall(30s);
  EXPECT_THAT(seen(), ElementsAre(2));
  publish_many(1);
  EXPECT_THAT(seen(), ElementsAre(2, 3));
  clock_->step_wall(1h);
  EXPECT_THAT(seen(), ElementsAre(3)) << "of this boot";
}

TEST_F(EventLedgerTest, after_a_reboot_the_wall_clock_tells_what_may_be_taken_over) {
  publish_many(1);
  const GroupRead by_ann{
      .type = "deploy", .group = "workers", .consumer = "ann", .start_after = 0, .take_over_after = 60s};
  GroupRead by_bob = by_ann;
  by_bob.consumer = "bob";
  ASSERT_EQ(groups_->read(by_ann)->events.size(), 1U);
  clock_->advance(10s);
  reboot();
  EXPECT_EQ(groups_->read(by_bob)->next_take_over, 50s);
  clock_->step_wall(50s);
  EXPECT_EQ(groups_->read(by_bob)->events.size(), 1U);
}

TEST_F(EventLedgerTest, an_entry_of_an_earlier_boot_that_looks_young_keeps_no_other_from_being_taken_over) {
  publish_many(2);
  GroupRead read{.type = "deploy", .group = "workers", .consumer = "ann", .start_after = 0, .take_over_after = 60s};
  ASSERT_EQ(groups_->read(read)->events.size(), 1U);
  clock_->step_wall(-1h);
  reboot();
  ASSERT_EQ(groups_->read(read)->events.size(), 1U);
  clock_->advance(60s);
  read.consumer = "bob";
  const GroupSlice slice = groups_->read(read).value();
  ASSERT_EQ(slice.events.size(), 1U);
  EXPECT_EQ(slice.events.front().place.ordinal, 2U);
}

TEST_F(EventLedgerTest, publications_in_passing_leave_the_log_to_be_moved_later) {
  publish_many(1);
  const auto size = [this] { return std::filesystem::file_size(file_of_ledger(directory_)); };
  const auto before = size();
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(try_publish("deploy", 20s));
  EXPECT_EQ(size(), before);
  events_->tidy();
  EXPECT_GT(size(), before);
}

TEST_F(EventLedgerTest, the_log_does_not_grow_without_end) {
  for (int i = 0; i < 6000; ++i) ASSERT_TRUE(try_publish());
  EXPECT_LT(std::filesystem::file_size(file_of_ledger(directory_) + "-wal"), limits::kLedgerWalBytesKept);
}

TEST_F(EventLedgerTest, the_pending_events_of_a_removed_group_go_with_it) {
  publish_many(3);
  GroupRead read{.type = "deploy", .group = {}, .consumer = "ann", .start_after = 0, .count = 10};
  for (std::size_t i = 0; i <= limits::kGroupsMax; ++i) {
    const std::string name = "g" + std::to_string(i);
    read.group = name;
    if (i == limits::kGroupsMax) clock_->advance(limits::kGroupRetention + 2 * limits::kGroupUseNoted);
    ASSERT_TRUE(groups_->read(read));
  }
  EXPECT_EQ(ask("SELECT count(*) FROM event_groups"), std::to_string(limits::kGroupsMax));
  EXPECT_EQ(ask("SELECT count(*) FROM event_pending"), std::to_string(3 * limits::kGroupsMax));
}

TEST_F(EventLedgerTest, a_member_that_finds_nothing_writes_nothing) {
  publish_many(1);
  const GroupRead read{
      .type = "deploy", .group = "workers", .consumer = "ann", .start_after = 0, .take_over_after = 1h};
  ASSERT_TRUE(groups_->read(read));
  const std::string before = ask("SELECT used_boot_ns FROM event_groups");
  clock_->advance(1min);
  ASSERT_TRUE(groups_->read(read));
  EXPECT_EQ(ask("SELECT used_boot_ns FROM event_groups"), before);
  clock_->advance(limits::kGroupUseNoted);
  ASSERT_TRUE(groups_->read(read));
  EXPECT_NE(ask("SELECT used_boot_ns FROM event_groups"), before);
}

TEST_F(EventLedgerTest, a_publisher_waits_for_a_busy_ledger_no_longer_than_it_says) {
  publish_many(1);
  Child writer([this](ChildSide& parent) {
    (void)ledger_in(directory_)->write(LedgerSync::normal, [&](LedgerTransaction&) -> Result<void> {
      parent.say("inside");
      parent.wait_for_parent();
      return {};
    });
  });
  ASSERT_EQ(writer.hear(), "inside");
  EXPECT_THAT(describe(try_publish("deploy", 5ms)), StartsWith("deadline_exceeded"));
  writer.go_on();
  EXPECT_EQ(writer.join(), "");
  EXPECT_EQ(try_publish("deploy", 20s)->ordinal, 2U) << "what failed changed nothing";
}

}  // namespace
}  // namespace aldis::testing
