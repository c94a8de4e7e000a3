// Lists of approval requests, and how long they are kept: the sentences of ports/approval_store.h about them, on every
// engine.

#include <gmock/gmock.h>

#include "aldis/limits.h"
#include "contract/approval_contract.h"

namespace aldis::testing {
namespace {

using enum ApprovalState;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::SizeIs;
using ApprovalHistoryContract = ApprovalContract;

TEST_P(ApprovalHistoryContract, a_list_is_in_the_order_of_the_ids) {
  const ApprovalSubject first = subject();
  const ApprovalSubject second = subject();
  const ApprovalSubject third = subject();
  open(second);
  open(third);
  open(first);
  EXPECT_THAT(list(), ElementsAre(first.id, second.id, third.id));
}

TEST_P(ApprovalHistoryContract, ids_are_ordered_by_their_bytes) {
  std::vector<Id128> ids;
  for (const std::uint8_t first_byte : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
    ApprovalSubject asked = subject();
    asked.id.bytes[0] = first_byte;
    ids.push_back(open(asked).reading.record.subject.id);
  }
  EXPECT_THAT(list(), ElementsAreArray(ids));
  EXPECT_THAT(list({.after = ids[3]}), ElementsAre(ids[4]));
}

TEST_P(ApprovalHistoryContract, a_list_holds_what_a_reader_would_read) {
  const Id128 voted = ask();
  const Id128 decided = ask({.timeout = std::nullopt});
  vote(voted, "bob");
  vote(voted, "cat");
  vote(decided, "bob");
  decide(decided);
  advance(100s);
  const std::vector<ApprovalReading> found = store().list({.count = 10}).value();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].record, record(voted));
  EXPECT_EQ(found[0].remaining, 200s);
  EXPECT_EQ(found[0].now, found[0].record.opened_at + 100s);
  EXPECT_EQ(found[1].record, record(decided));
  EXPECT_EQ(found[1].remaining, std::nullopt);
}

TEST_P(ApprovalHistoryContract, a_list_is_of_a_type_an_agent_and_states) {
  const Id128 plain = ask();
  const Id128 other_type = ask({.type = "deploys"});
  const Id128 other_agent = ask({.agent = "ann2"});
  const Id128 approved_one = ask();
  decide(approved_one, approved);
  const Id128 cancelled_one = ask({.agent = "ann2"});
  decide(cancelled_one, cancelled);
  EXPECT_THAT(list({.type = "deploy"}), ElementsAre(plain, other_agent, approved_one, cancelled_one));
  EXPECT_THAT(list({.type = "deploys"}), ElementsAre(other_type));
  EXPECT_THAT(list({.agent = "ann2"}), ElementsAre(other_agent, cancelled_one));
  EXPECT_THAT(list({.type = "deploys", .agent = "ann2"}), ElementsAre());
  EXPECT_THAT(list({.states = {pending}}), ElementsAre(plain, other_type, other_agent));
  EXPECT_THAT(list({.states = {cancelled, approved}}), ElementsAre(approved_one, cancelled_one));
  EXPECT_THAT(list({.type = "deploy", .agent = "ann2", .states = {cancelled}}), ElementsAre(cancelled_one));
  EXPECT_THAT(list({.states = {rejected}}), ElementsAre());
}

TEST_P(ApprovalHistoryContract, a_list_goes_on_behind_the_last_one_of_the_page_before) {
  std::vector<Id128> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(ask({.agent = i == 2 ? "eve" : "ann"}));
  EXPECT_THAT(list({.count = 2}), ElementsAre(ids[0], ids[1]));
  EXPECT_THAT(list({.after = ids[1], .count = 2}), ElementsAre(ids[2], ids[3]));
  EXPECT_THAT(list({.after = ids[3], .count = 2}), ElementsAre(ids[4]));
  EXPECT_THAT(list({.after = ids[4], .count = 2}), ElementsAre());
  EXPECT_THAT(list({.agent = "ann", .after = ids[1], .count = 2}), ElementsAre(ids[3], ids[4]));
  EXPECT_TRUE(store().list({.count = 0}).value().empty());
}

TEST_P(ApprovalHistoryContract, a_page_begins_behind_an_id_that_is_not_there_too) {
  const Id128 first = ask();
  const Id128 missing = next_id();
  const Id128 second = ask();
  EXPECT_THAT(list({.after = missing}), ElementsAre(second));
  EXPECT_THAT(list({.after = first}), ElementsAre(second));
}

TEST_P(ApprovalHistoryContract, a_list_never_shows_as_pending_what_is_past_its_deadline) {
  const Id128 late = ask({.timeout = 5s});
  const Id128 pending_one = ask();
  advance(5s);
  EXPECT_THAT(list({.states = {pending}}), ElementsAre(pending_one));
  EXPECT_THAT(list({.states = {timed_out}}), ElementsAre(late));
}

TEST_P(ApprovalHistoryContract, a_decided_record_is_kept_for_the_retention_and_then_removed_with_its_key) {
  for (const ApprovalState end : {approved, rejected, cancelled}) {
    const Id128 id = ask({.key = "once"});
    vote(id, "bob");
    decide(id, end);
    advance(limits::kApprovalRetention - 1us);
    EXPECT_TRUE(open(subject({.key = "once"})).existed);
    EXPECT_THAT(list(), ElementsAre(id));
    advance(1us);
    EXPECT_FALSE(exists(id));
    EXPECT_THAT(list(), ElementsAre());
    EXPECT_EQ(outcome_of(store().change(id, {.id = next_id(), .seen_version = 3})), "not_found");
    const OpenedApproval again = open(subject({.key = "once"}));
    EXPECT_FALSE(again.existed);
    EXPECT_TRUE(again.reading.record.votes.empty());
    decide(again.reading.record.subject.id);
    advance(limits::kApprovalRetention);
  }
}

TEST_P(ApprovalHistoryContract, a_timed_out_record_is_kept_for_the_retention_from_when_that_was_settled) {
  const Id128 id = ask({.key = "once", .timeout = 5s});
  advance(2 * limits::kApprovalRetention);
  EXPECT_EQ(state(id), timed_out);
  advance(limits::kApprovalRetention - 1us);
  EXPECT_EQ(state(id), timed_out);
  advance(1us);
  EXPECT_FALSE(exists(id));
  EXPECT_FALSE(open(subject({.key = "once"})).existed);
}

TEST_P(ApprovalHistoryContract, a_pending_record_is_kept_however_old_it_is) {
  const Id128 id = ask({.timeout = limits::kApprovalTimeoutMax});
  advance(limits::kApprovalTimeoutMax - 1us);
  EXPECT_EQ(state(id), pending);
}

TEST_P(ApprovalHistoryContract, a_step_of_the_wall_clock_removes_nothing) {
  const Id128 id = ask();
  decide(id);
  for (const auto step : {1h, -2h, 1h}) {
    advance(limits::kApprovalRetention / 4);
    engine().step_wall(step);
    EXPECT_TRUE(exists(id));
  }
  engine().step_wall(-1h);
  advance(limits::kApprovalRetention - 3 * (limits::kApprovalRetention / 4));
  EXPECT_FALSE(exists(id));
}

TEST_P(ApprovalHistoryContract, what_was_recorded_stays_when_a_record_goes) {
  decide(ask());
  advance(limits::kApprovalRetention);
  EXPECT_THAT(list(), ElementsAre());
  EXPECT_THAT(recorded(), ElementsAre("requested", "decided approved"));
}

TEST_P(ApprovalHistoryContract, many_old_records_are_gone_at_once_for_whoever_looks) {
  constexpr std::size_t kMany = limits::kRedisSettledPerScript + limits::kSettledPerWrite;
  for (std::size_t i = 0; i < kMany; ++i) decide(ask());
  advance(limits::kApprovalRetention);
  EXPECT_THAT(list(), ElementsAre());
}

TEST_P(ApprovalHistoryContract, only_timed_out_records_older_than_asked_are_removed) {
  const Id128 older = ask({.key = "once", .timeout = 5s});
  const Id128 newer = ask({.timeout = 65s});
  const Id128 decided = ask();
  decide(decided, rejected);
  const Id128 waiting = ask({.timeout = std::nullopt});
  advance(5s);
  EXPECT_EQ(state(older), timed_out);
  advance(60s);
  EXPECT_EQ(state(newer), timed_out);
  EXPECT_EQ(store().remove_timed_out(60s).value(), 0U);
  advance(1us);
  EXPECT_EQ(store().remove_timed_out(60s).value(), 1U);
  EXPECT_EQ(store().remove_timed_out(60s).value(), 0U);
  EXPECT_THAT(list(), ElementsAre(newer, decided, waiting));
  EXPECT_FALSE(open(subject({.key = "once"})).existed);
}

TEST_P(ApprovalHistoryContract, at_most_a_page_of_timed_out_records_is_removed_by_one_call) {
  for (std::size_t i = 0; i < limits::kApprovalPage + 1; ++i) ask({.timeout = 5s});
  advance(5s);
  list();
  advance(1s);
  EXPECT_EQ(store().remove_timed_out(0s).value(), limits::kApprovalPage);
  EXPECT_EQ(store().remove_timed_out(0s).value(), 1U);
}

TEST_P(ApprovalHistoryContract, what_is_beyond_the_retention_is_counted_when_it_is_removed) {
  ask({.timeout = 5s});
  advance(5s);
  EXPECT_THAT(list(), SizeIs(1));
  advance(limits::kApprovalRetention + 1s);
  EXPECT_EQ(store().remove_timed_out(limits::kApprovalRetention).value(), 1U);
  EXPECT_THAT(list(), ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(Engines, ApprovalHistoryContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
