// Consumer groups: the sentences of ports/event_group_store.h, on every engine.

#include <gmock/gmock.h>

#include <array>
#include <thread>

#include "contract/event_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using EventGroupContract = EventContract;

TEST_P(EventGroupContract, a_group_is_made_by_its_first_read) {
  publish_many(3);
  EXPECT_THAT(group_names(), IsEmpty());
  EXPECT_EQ(group_read(), from_to(1, 3));
  EXPECT_THAT(group_names(), ElementsAre("workers"));
}

TEST_P(EventGroupContract, a_group_begins_at_its_start) {
  publish_many(5);
  EXPECT_EQ(group_read("ann", {.start_after = 3}), from_to(4, 5));
}

TEST_P(EventGroupContract, a_group_begins_at_the_last_event_at_most) {
  publish_many(2);
  EXPECT_THAT(group_read("ann", {.start_after = kNoEnd}), IsEmpty());
  EXPECT_EQ(group_info().delivered, 2U);
  publish();
  EXPECT_EQ(group_read(), from_to(3, 3));
}

TEST_P(EventGroupContract, only_the_first_read_decides_where_a_group_begins) {
  publish_many(3);
  group_read("ann", {.start_after = 1});
  EXPECT_THAT(group_read("ann", {.start_after = 0}), IsEmpty());
  publish();
  EXPECT_EQ(group_read("ann", {.start_after = 4}), from_to(4, 4));
}

TEST_P(EventGroupContract, a_read_without_a_start_makes_nothing) {
  EXPECT_TRUE(group_slice("ann", {.start_after = std::nullopt}).missing);
  EXPECT_FALSE(is_known("deploy"));
  publish();
  const GroupSlice slice = group_slice("ann", {.start_after = std::nullopt});
  EXPECT_TRUE(slice.missing);
  EXPECT_THAT(slice.events, IsEmpty());
  EXPECT_THAT(group_names(), IsEmpty());
}

TEST_P(EventGroupContract, a_read_without_a_start_reads_a_group_that_is_there) {
  publish_many(2);
  group_read("ann", {.count = 1});
  const GroupSlice slice = group_slice("ann", {.start_after = std::nullopt});
  EXPECT_FALSE(slice.missing);
  EXPECT_EQ(ordinals_of(slice.events), from_to(2, 2));
}

TEST_P(EventGroupContract, a_group_makes_a_stream_that_is_not_known) {
  EXPECT_TRUE(rings_streams([&] { EXPECT_THAT(group_read(), IsEmpty()); }));
  EXPECT_THAT(known_streams(), ElementsAre("deploy"));
  EXPECT_EQ(head().bounds, StreamBounds{});
  EXPECT_EQ(head().last, EventPlace{});
  publish_many(2);
  EXPECT_EQ(group_read(), from_to(1, 2));
}

TEST_P(EventGroupContract, each_event_goes_to_one_member) {
  publish_many(5);
  EXPECT_EQ(group_read("ann", {.count = 2}), from_to(1, 2));
  EXPECT_EQ(group_read("bob", {.count = 2}), from_to(3, 4));
  EXPECT_EQ(group_read("ann", {.count = 2}), from_to(5, 5));
  EXPECT_THAT(group_read("bob"), IsEmpty());
  EXPECT_EQ(holders(), "1:ann 2:ann 3:bob 4:bob 5:ann");
}

TEST_P(EventGroupContract, an_event_comes_as_it_was_published) {
  const EventPlace place = publish("deploy", R"({"to":"prod"})", "boss");
  const std::vector<StoredEvent> events = group_slice().events;
  EXPECT_THAT(events, ElementsAre(StoredEvent{place, R"({"to":"prod"})", "boss"}));
}

TEST_P(EventGroupContract, groups_do_not_touch_each_other) {
  publish_many(3);
  EXPECT_EQ(group_read("ann", {.group = "workers"}), from_to(1, 3));
  EXPECT_EQ(group_read("ann", {.group = "auditors"}), from_to(1, 3));
  EXPECT_EQ(acknowledge({1, 2}, "auditors"), 2U);
  EXPECT_EQ(holders(), "1:ann 2:ann 3:ann");
}

TEST_P(EventGroupContract, groups_of_one_name_on_two_streams_are_two) {
  publish("deploy");
  publish("build");
  EXPECT_EQ(group_read("ann", {.type = "deploy"}), from_to(1, 1));
  EXPECT_EQ(group_read("ann", {.type = "build"}), from_to(1, 1));
  EXPECT_EQ(acknowledge({1}), 1U);
  EXPECT_EQ(must(groups().pending("build", "workers", 10)).size(), 1U);
}

TEST_P(EventGroupContract, acknowledged_events_are_done) {
  publish_many(3);
  group_read();
  EXPECT_EQ(acknowledge({1, 3}), 2U);
  EXPECT_EQ(holders(), "2:ann");
  advance(2min);
  EXPECT_EQ(group_read("bob"), from_to(2, 2));
}

TEST_P(EventGroupContract, an_acknowledgement_counts_what_was_pending) {
  publish_many(3);
  group_read("ann", {.count = 2});
  EXPECT_EQ(acknowledge({2, 3, 99, 0, kNoEnd}), 1U);
  EXPECT_EQ(acknowledge({2}), 0U);
  EXPECT_EQ(acknowledge({}), 0U);
  EXPECT_EQ(acknowledge({1, 1}), 1U);
}

TEST_P(EventGroupContract, a_place_with_another_time_is_another_event) {
  const EventPlace first = publish();
  publish();
  group_read();
  const std::vector<EventPlace> events{{first.ms + 1, 1}, {first.ms - 1, 2}, {0, 1}};
  EXPECT_EQ(must(groups().acknowledge("deploy", "workers", events)), 0U);
  EXPECT_EQ(holders(), "1:ann 2:ann");
}

TEST_P(EventGroupContract, groups_and_streams_that_are_not_there_are_not_found) {
  const auto expect_not_found = [this](const char* message) {
    const auto acknowledged = groups().acknowledge("deploy", "workers", std::array{EventPlace{5, 1}});
    EXPECT_EQ(outcome_of(acknowledged), "not_found");
    EXPECT_EQ(acknowledged.error().message, message);
    const auto listed = groups().pending("deploy", "workers", 10);
    EXPECT_EQ(outcome_of(listed), "not_found");
    EXPECT_EQ(listed.error().message, message);
    EXPECT_THAT(must(groups().groups("deploy")), IsEmpty());
  };
  expect_not_found("there is no stream deploy");
  publish();
  expect_not_found("the stream deploy has no group workers: its first read makes it");
}

TEST_P(EventGroupContract, an_event_stays_with_its_member_until_its_time_is_over) {
  publish();
  group_read("ann");
  advance(60s - 1ms);
  EXPECT_THAT(group_read("bob"), IsEmpty());
  advance(1ms);
  EXPECT_EQ(group_read("bob"), from_to(1, 1));
  EXPECT_EQ(holders(), "1:bob");
  EXPECT_THAT(group_read("cat"), IsEmpty());
}

TEST_P(EventGroupContract, the_reader_says_how_long_others_may_have_events) {
  publish_many(2);
  group_read("ann", {.count = 1});
  advance(10s);
  EXPECT_EQ(group_read("bob", {.count = 1, .take_over_after = 11s}), from_to(2, 2));
  EXPECT_EQ(group_read("bob", {.count = 5, .take_over_after = 10s}), from_to(1, 1));
}

TEST_P(EventGroupContract, a_member_that_was_restarted_gets_back_what_it_had) {
  publish_many(2);
  group_read("ann");
  acknowledge({1});
  EXPECT_THAT(group_read("ann"), IsEmpty());
  advance(60s);
  EXPECT_EQ(group_read("ann"), from_to(2, 2));
  EXPECT_EQ(pending().front().deliveries, 2U);
}

TEST_P(EventGroupContract, a_step_of_the_wall_clock_takes_nothing_over) {
  publish();
  group_read("ann");
  step_wall(1h);
  EXPECT_THAT(group_read("bob"), IsEmpty());
  step_wall(-2h);
  advance(60s);
  EXPECT_EQ(group_read("bob"), from_to(1, 1));
}

TEST_P(EventGroupContract, whoever_acknowledges_ends_an_event) {
  publish();
  group_read("ann");
  advance(60s);
  group_read("bob");
  EXPECT_EQ(acknowledge({1}), 1U);
  advance(60s);
  EXPECT_THAT(group_read("cat"), IsEmpty());
}

TEST_P(EventGroupContract, what_is_taken_over_comes_before_what_is_new) {
  publish_many(3);
  group_read("ann", {.count = 2});
  advance(60s);
  EXPECT_EQ(group_read("bob", {.count = 2}), from_to(1, 2));
  EXPECT_EQ(group_read("bob", {.count = 2}), from_to(3, 3));
  publish();
  advance(60s);
  EXPECT_EQ(group_read("cat"), from_to(1, 4));
}

TEST_P(EventGroupContract, what_is_taken_over_comes_oldest_first) {
  publish_many(4);
  group_read("ann", {.count = 1});
  group_read("bob", {.count = 3});
  advance(30s);
  EXPECT_EQ(group_read("cat", {.count = 1, .take_over_after = 30s}), from_to(1, 1));
  advance(60s);
  EXPECT_EQ(group_read("dan"), from_to(1, 4));
}

TEST_P(EventGroupContract, of_more_than_fit_those_are_taken_over_that_were_given_first) {
  publish_many(4);
  group_read("ann", {.count = 4});
  advance(30s);
  EXPECT_EQ(group_read("cat", {.count = 1, .take_over_after = 30s}), from_to(1, 1));
  advance(60s);
  EXPECT_EQ(group_read("dan", {.count = 2}), from_to(2, 3));
  EXPECT_EQ(group_read("dan", {.count = 2}), (Ordinals{1, 4}));
}

TEST_P(EventGroupContract, a_read_says_when_the_next_event_may_be_taken_over) {
  publish_many(2);
  EXPECT_EQ(group_slice("bob", {.start_after = 2}).next_take_over, std::nullopt);
  publish_many(2);
  EXPECT_EQ(group_slice("ann", {.count = 1}).next_take_over, 60s);
  advance(20s);
  EXPECT_EQ(group_slice("bob", {.count = 1}).next_take_over, 40s);
  EXPECT_EQ(group_slice("cat").next_take_over, 40s);
  EXPECT_EQ(group_slice("cat", {.take_over_after = 90s}).next_take_over, 70s);
  acknowledge({3});
  EXPECT_EQ(group_slice("cat").next_take_over, 60s);
  acknowledge({4});
  EXPECT_EQ(group_slice("cat").next_take_over, std::nullopt);
}

TEST_P(EventGroupContract, what_did_not_fit_may_be_taken_over_at_once) {
  publish_many(3);
  group_read("ann");
  advance(70s);
  const GroupSlice slice = group_slice("bob", {.count = 2});
  EXPECT_EQ(ordinals_of(slice.events), from_to(1, 2));
  EXPECT_EQ(slice.next_take_over, 0s);
}

TEST_P(EventGroupContract, pending_events_say_who_has_them_since_when_and_how_often) {
  publish();
  const EventPlace place = publish();
  group_read("ann", {.start_after = 1});
  advance(60s);
  group_read("bob");
  advance(1500ms);
  const std::vector<PendingEvent> all = pending();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].event_id, std::to_string(place.ms) + "-2");
  EXPECT_EQ(all[0].consumer, "bob");
  EXPECT_EQ(all[0].idle, 1500ms);
  EXPECT_EQ(all[0].deliveries, 2U);
}

TEST_P(EventGroupContract, the_oldest_pending_events_are_listed) {
  publish_many(5);
  group_read();
  acknowledge({2});
  EXPECT_EQ(holders(3), "1:ann 3:ann 4:ann");
  trim(2);
  EXPECT_EQ(holders(3), "4:ann 5:ann");
}

TEST_P(EventGroupContract, a_group_counts_what_waits_and_what_is_pending) {
  publish_many(5);
  group_read("ann", {.count = 3});
  acknowledge({1});
  EXPECT_EQ(group_info(), (GroupInfo{.group = "workers", .delivered = 3, .waiting = 2, .pending = 2}));
  trim(3);
  EXPECT_EQ(group_info(), (GroupInfo{.group = "workers", .delivered = 3, .waiting = 2, .pending = 1}));
  trim(1);
  EXPECT_EQ(group_info(), (GroupInfo{.group = "workers", .delivered = 3, .waiting = 1, .pending = 0}));
  trim(0);
  EXPECT_EQ(group_info(), (GroupInfo{.group = "workers", .delivered = 3, .waiting = 0, .pending = 0}));
}

TEST_P(EventGroupContract, groups_are_listed_by_name) {
  publish();
  for (const char* const name : {"b", "a.b", "a", "B"}) group_read("ann", {.group = name});
  EXPECT_THAT(group_names(), ElementsAre("B", "a", "a.b", "b"));
  publish("build");
  EXPECT_THAT(group_names("build"), IsEmpty());
}

TEST_P(EventGroupContract, a_trim_of_what_nobody_was_given_is_told_once) {
  publish_many(2);
  group_read("ann");
  acknowledge({1, 2});
  publish_many(5);
  trim(2);
  EXPECT_EQ(told_gap("ann"), "3-5, lost 3");
  EXPECT_EQ(told_gap("ann"), "none");
  EXPECT_EQ(told_gap("bob"), "none");
}

TEST_P(EventGroupContract, a_gap_comes_with_what_follows_it) {
  publish_many(5);
  group_read("ann", {.count = 1});
  trim(2);
  const GroupSlice slice = group_slice("ann");
  EXPECT_TRUE(slice.gap);
  EXPECT_EQ(ordinals_of(slice.events), from_to(4, 5));
}

TEST_P(EventGroupContract, a_gap_counts_pending_events_too) {
  publish_many(5);
  group_read("ann", {.count = 3});
  trim(1);
  EXPECT_EQ(told_gap("bob"), "1-4, lost 4");
  EXPECT_EQ(told_gap("ann"), "none");
  EXPECT_EQ(holders(), "5:bob");
}

TEST_P(EventGroupContract, a_gap_does_not_count_what_was_acknowledged) {
  publish_many(6);
  group_read("ann", {.count = 4});
  acknowledge({1, 3});
  trim(1);
  EXPECT_EQ(told_gap("bob"), "2-5, lost 3");
}

TEST_P(EventGroupContract, a_gap_of_pending_events_alone_ends_with_the_last_of_them) {
  publish_many(6);
  group_read("ann");
  acknowledge({2, 4, 5, 6});
  trim(0);
  EXPECT_EQ(told_gap("bob"), "1-3, lost 2");
}

TEST_P(EventGroupContract, an_event_acknowledged_after_a_trim_is_not_lost) {
  publish_many(3);
  group_read("ann");
  trim(0);
  EXPECT_EQ(acknowledge({2}), 1U);
  EXPECT_EQ(told_gap("bob"), "1-3, lost 2");
  EXPECT_EQ(acknowledge({1, 3}), 0U);
}

TEST_P(EventGroupContract, what_was_all_acknowledged_leaves_no_gap) {
  publish_many(3);
  group_read("ann");
  acknowledge({1, 2, 3});
  trim(0);
  EXPECT_EQ(told_gap("ann"), "none");
}

TEST_P(EventGroupContract, the_length_of_a_stream_takes_events_from_groups) {
  configure({.max_length = 2});
  publish_many(2);
  group_read("ann", {.count = 1});
  publish_many(3);
  EXPECT_EQ(told_gap("ann"), "1-3, lost 3");
}

TEST_P(EventGroupContract, the_age_of_a_stream_takes_events_from_groups) {
  configure({.max_age = 10s});
  publish_many(2);
  group_read("ann", {.count = 1});
  advance(11s);
  EXPECT_EQ(told_gap("ann"), "1-2, lost 2");
  publish();
  EXPECT_EQ(group_read("ann"), from_to(3, 3));
}

TEST_P(EventGroupContract, each_group_is_told_of_its_own_gap) {
  publish_many(4);
  group_read("ann", {.group = "workers", .count = 2});
  group_read("ann", {.group = "auditors", .count = 3});
  acknowledge({1, 2}, "workers");
  acknowledge({1, 2, 3}, "auditors");
  trim(0);
  EXPECT_EQ(told_gap("ann", {.group = "auditors"}), "4-4, lost 1");
  EXPECT_EQ(told_gap("ann", {.group = "workers"}), "3-4, lost 2");
}

TEST_P(EventGroupContract, a_group_that_begins_before_the_oldest_event_is_told) {
  publish_many(5);
  trim(2);
  EXPECT_EQ(told_gap("ann", {.start_after = 1}), "2-3, lost 2");
}

TEST_P(EventGroupContract, a_group_goes_on_behind_its_gap) {
  publish_many(5);
  group_read("ann", {.count = 1});
  trim(0);
  EXPECT_EQ(told_gap("ann"), "1-5, lost 5");
  publish_many(2);
  EXPECT_EQ(group_read("ann"), from_to(6, 7));
}

TEST_P(EventGroupContract, what_is_kept_longer_after_a_gap_is_taken_over_as_ever) {
  publish_many(4);
  group_read("ann");
  trim(2);
  advance(60s);
  const GroupSlice slice = group_slice("bob");
  ASSERT_TRUE(slice.gap);
  EXPECT_EQ(slice.gap->lost, 2U);
  EXPECT_EQ(ordinals_of(slice.events), from_to(3, 4));
}

TEST_P(EventGroupContract, groups_beyond_the_limit_are_refused_while_all_are_in_use) {
  publish();
  for (std::size_t i = 0; i < limits::kGroupsMax; ++i) group_read("ann", {.group = "g" + std::to_string(i)});
  advance(limits::kGroupRetention - 1h);
  const auto refused = try_group_read("ann", {.group = "another"});
  EXPECT_EQ(outcome_of(refused), "resource_exhausted");
  EXPECT_FALSE(refused.error().retryable) << "it does not pass by itself";
  EXPECT_EQ(refused.error().message,
            "the stream deploy has 64 groups, its limit, and all of them were used within the last 30 days: read as "
            "one of them");
  EXPECT_EQ(group_names().size(), limits::kGroupsMax);
  publish();
  EXPECT_EQ(group_read("ann", {.group = "g7", .take_over_after = 9999h}), from_to(2, 2));
}

TEST_P(EventGroupContract, a_new_group_takes_the_place_of_one_that_nobody_uses) {
  publish();
  for (std::size_t i = 0; i < limits::kGroupsMax; ++i) group_read("ann", {.group = "g" + std::to_string(i)});
  advance(limits::kGroupRetention - 1h);
  for (std::size_t i = 0; i < limits::kGroupsMax; ++i) {
    const std::string name = "g" + std::to_string(i);
    if (i % 2 == 0 && i != 6) group_read("ann", {.group = name});
    if (i % 2 == 1 && i != 7) acknowledge({}, name);
  }
  advance(4h);
  EXPECT_EQ(group_read("ann", {.group = "new"}), from_to(1, 1));
  EXPECT_EQ(group_read("ann", {.group = "newer"}), from_to(1, 1));
  EXPECT_EQ(outcome_of(try_group_read("ann", {.group = "newest"})), "resource_exhausted");
  const std::vector<std::string> names = group_names();
  EXPECT_EQ(names.size(), limits::kGroupsMax);
  EXPECT_THAT(names, ::testing::Not(::testing::Contains("g6")));
  EXPECT_THAT(names, ::testing::Not(::testing::Contains("g7")));
}

TEST_P(EventGroupContract, a_group_that_was_removed_begins_anew) {
  publish_many(2);
  group_read("ann", {.group = "old"});
  advance(limits::kGroupRetention + 3h);
  for (std::size_t i = 0; i < limits::kGroupsMax; ++i) group_read("ann", {.group = "g" + std::to_string(i)});
  advance(limits::kGroupRetention + 3h);
  EXPECT_EQ(group_read("ann", {.group = "old", .start_after = 1}), from_to(2, 2));
}

TEST_P(EventGroupContract, members_at_the_same_time_share_the_events_out) {
  constexpr std::uint64_t kEvents = 120;
  constexpr std::size_t kMembers = 4;
  publish_many(kEvents);
  group_read("ann", {.start_after = 0, .count = 1});
  std::array<Ordinals, kMembers> given;
  {
    std::vector<std::jthread> members;
    for (std::size_t member = 0; member < kMembers; ++member) {
      members.emplace_back([this, member, &mine = given[member]] {
        const std::string name = "member" + std::to_string(member);
        for (Ordinals some = {0}; !some.empty();) {
          some = group_read(name, {.count = 7});
          mine.insert(mine.end(), some.begin(), some.end());
        }
      });
    }
  }
  Ordinals all{1};
  for (const Ordinals& mine : given) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  EXPECT_EQ(all, from_to(1, kEvents));
}

INSTANTIATE_TEST_SUITE_P(Engines, EventGroupContract, ::testing::ValuesIn(all_engines()), event_engine_name);

}  // namespace
}  // namespace aldis::testing
