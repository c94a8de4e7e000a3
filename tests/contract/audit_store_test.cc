// The audit log: the sentences of ports/audit_store.h, and those of ports/approval_store.h about what is recorded, on
// every engine.

#include <gmock/gmock.h>

#include "aldis/limits.h"
#include "contract/approval_contract.h"
#include "core/audit_chain.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using AuditStoreContract = ApprovalContract;

const std::string kZeros(64, '0');

// The entry with its number and hashes taken from what was found: the rest is what it must say.
AuditEntry chained(AuditEntry expected, const AuditEntry& found) {
  expected.number = found.number;
  expected.previous_hash = found.previous_hash;
  expected.hash = audit_hash(expected);
  return expected;
}

bool is_chained(const AuditHead& before, const std::vector<AuditEntry>& entries) {
  AuditHead head = before;
  for (const AuditEntry& found : entries) {
    AuditEntry again = found;
    chain_entry(again, head);
    if (again != found) return false;
  }
  return true;
}

TEST_P(AuditStoreContract, a_log_begins_empty) {
  EXPECT_EQ(bounds().anchor, AuditHead{});
  EXPECT_EQ(bounds().head, AuditHead{});
  EXPECT_TRUE(entries().empty());
  EXPECT_EQ(AuditHead{}.hash, kZeros);
}

TEST_P(AuditStoreContract, a_request_is_recorded_as_it_was_asked) {
  const ApprovalReading asked = open(subject({.policy_hash = sha256_hex("a policy")})).reading;
  EXPECT_THAT(entries(), ElementsAre(chained({.kind = AuditKind::requested,
                                              .time = asked.now,
                                              .request_id = format_id(kApprovalIdPrefix, asked.record.subject.id),
                                              .approval_type = "deploy",
                                              .agent_id = "ann",
                                              .actor = "ann",
                                              .context_hash = sha256_hex(kContext),
                                              .detail_hash = sha256_hex("a policy")},
                                             last_entry())));
}

TEST_P(AuditStoreContract, a_request_in_open_mode_has_no_policy_to_record) {
  ask();
  EXPECT_EQ(last_entry().detail_hash, "");
}

TEST_P(AuditStoreContract, a_vote_is_recorded_with_its_key_and_the_stores_time) {
  const Id128 id = ask();
  advance(7s);
  ApprovalChange voted = vote_change(id, "bob", false, "not today");
  voted.vote->key_id = "0123456789abcdef";
  voted.vote->signature = std::string(64, 's');
  change(id, voted);
  EXPECT_EQ(last_entry(), chained({.kind = AuditKind::vote,
                                   .time = answer_.now,
                                   .request_id = format_id(kApprovalIdPrefix, id),
                                   .approval_type = "deploy",
                                   .agent_id = "ann",
                                   .actor = "bob",
                                   .outcome = "rejected",
                                   .key_id = "0123456789abcdef",
                                   .context_hash = sha256_hex(kContext),
                                   .detail_hash = sha256_hex("not today")},
                                  last_entry()));
}

TEST_P(AuditStoreContract, a_decision_is_recorded_with_who_and_why) {
  const Id128 id = ask();
  advance(7s);
  change(id, decision(id, ApprovalState::cancelled, "ann", "no need"));
  EXPECT_EQ(last_entry(), chained({.kind = AuditKind::decided,
                                   .time = *record(id).decided_at,
                                   .request_id = format_id(kApprovalIdPrefix, id),
                                   .approval_type = "deploy",
                                   .agent_id = "ann",
                                   .actor = "ann",
                                   .outcome = "cancelled",
                                   .context_hash = sha256_hex(kContext),
                                   .detail_hash = sha256_hex("no need")},
                                  last_entry()));
}

TEST_P(AuditStoreContract, a_timeout_is_recorded_when_it_is_settled_by_nobody) {
  const Id128 id = ask({.timeout = 5s});
  advance(60s);
  EXPECT_THAT(recorded(), ElementsAre("requested"));
  EXPECT_EQ(state(id), ApprovalState::timed_out);
  EXPECT_EQ(last_entry(), chained({.kind = AuditKind::decided,
                                   .time = *record(id).decided_at,
                                   .request_id = format_id(kApprovalIdPrefix, id),
                                   .approval_type = "deploy",
                                   .agent_id = "ann",
                                   .outcome = "timed_out",
                                   .context_hash = sha256_hex(kContext)},
                                  last_entry()));
}

TEST_P(AuditStoreContract, a_vote_that_decides_is_recorded_before_the_decision) {
  const Id128 id = ask();
  ApprovalChange both = vote_change(id, "bob", true, "fine");
  both.state = ApprovalState::approved;
  both.responder = "bob";
  both.reason = "fine";
  change(id, both);
  EXPECT_THAT(recorded(), ElementsAre("requested", "vote approved", "decided approved"));
  EXPECT_EQ(last_entry().detail_hash, sha256_hex("fine"));
  EXPECT_EQ(last_entry().key_id, "");
}

TEST_P(AuditStoreContract, what_changes_nothing_records_nothing) {
  const Id128 id = ask({.key = "once"});
  open(subject({.key = "once"}));
  decide(id);
  change(id, vote_change(id, "cat"));
  list();
  EXPECT_EQ(bounds().head.number, 2U);
}

TEST_P(AuditStoreContract, entries_are_numbered_without_holes_and_chained) {
  const Id128 one = ask({.timeout = 5s});
  const Id128 other = ask();
  vote(other, "bob");
  advance(5s);
  EXPECT_EQ(state(one), ApprovalState::timed_out);
  decide(other);
  const std::vector<AuditEntry> all = entries();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all.front().number, 1U);
  EXPECT_EQ(all.front().previous_hash, kZeros);
  EXPECT_TRUE(is_chained({}, all));
  EXPECT_EQ(bounds().head, (AuditHead{5, all.back().hash}));
  EXPECT_EQ(bounds().anchor, AuditHead{});
}

TEST_P(AuditStoreContract, entries_are_read_page_by_page) {
  for (int i = 0; i < 5; ++i) ask();
  const auto numbers = [this](std::uint64_t after, std::size_t count) {
    std::vector<std::uint64_t> found;
    for (const AuditEntry& entry : entries(after, count)) found.push_back(entry.number);
    return found;
  };
  EXPECT_THAT(numbers(0, 2), ElementsAre(1, 2));
  EXPECT_THAT(numbers(2, 2), ElementsAre(3, 4));
  EXPECT_THAT(numbers(4, 2), ElementsAre(5));
  EXPECT_THAT(numbers(5, 2), ElementsAre());
  EXPECT_THAT(numbers(std::uint64_t{1} << 62, 2), ElementsAre());
  EXPECT_THAT(numbers(0, 0), ElementsAre());
}

TEST_P(AuditStoreContract, reading_the_log_settles_nothing) {
  ask({.timeout = 5s});
  advance(5s);
  EXPECT_EQ(bounds().head.number, 1U);
  EXPECT_EQ(entries().size(), 1U);
}

TEST_P(AuditStoreContract, a_rotation_removes_up_to_the_anchor_and_is_recorded) {
  for (int i = 0; i < 4; ++i) ask();
  const std::vector<AuditEntry> before = entries();
  const AuditHead through{3, before[2].hash};
  advance(7s);
  EXPECT_EQ(audit().rotate(through, "dana").value(), 3U);
  const std::vector<AuditEntry> after = entries();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after.front(), before[3]);
  EXPECT_EQ(
      after.back(),
      chained({.kind = AuditKind::rotated, .time = before[3].time + 7s, .actor = "dana", .detail_hash = through.hash},
              after.back()));
  EXPECT_TRUE(is_chained(through, after));
  EXPECT_EQ(bounds().anchor, through);
  EXPECT_EQ(bounds().head, (AuditHead{5, after.back().hash}));
}

TEST_P(AuditStoreContract, a_log_that_is_rotated_as_a_whole_goes_on_from_there) {
  ask();
  const AuditHead whole = bounds().head;
  EXPECT_EQ(audit().rotate(whole, "dana").value(), 1U);
  const Id128 id = ask();
  EXPECT_THAT(recorded(), ElementsAre("rotated", "requested"));
  EXPECT_TRUE(is_chained(whole, entries()));
  EXPECT_EQ(last_entry().number, 3U);
  EXPECT_EQ(last_entry().request_id, format_id(kApprovalIdPrefix, id));
}

TEST_P(AuditStoreContract, a_log_may_be_rotated_again) {
  ask();
  EXPECT_EQ(audit().rotate(bounds().head, "dana").value(), 1U);
  ask();
  const AuditHead second = bounds().head;
  EXPECT_EQ(audit().rotate(second, "dana").value(), 2U);
  EXPECT_EQ(bounds().anchor, second);
  EXPECT_THAT(recorded(), ElementsAre("rotated"));
  EXPECT_TRUE(is_chained(second, entries()));
}

TEST_P(AuditStoreContract, only_an_entry_that_the_log_holds_can_be_the_anchor) {
  EXPECT_EQ(outcome_of(audit().rotate({}, "dana")), "failed_precondition");
  for (int i = 0; i < 3; ++i) ask();
  const std::vector<AuditEntry> before = entries();
  EXPECT_EQ(outcome_of(audit().rotate({}, "dana")), "failed_precondition");
  EXPECT_EQ(outcome_of(audit().rotate({2, before[2].hash}, "dana")), "failed_precondition");
  EXPECT_EQ(outcome_of(audit().rotate({4, kZeros}, "dana")), "failed_precondition");
  EXPECT_EQ(entries(), before);
  const AuditHead second{2, before[1].hash};
  EXPECT_EQ(outcome_of(audit().rotate(second, "dana")), "ok");
  EXPECT_EQ(outcome_of(audit().rotate(second, "dana")), "failed_precondition");
  EXPECT_EQ(outcome_of(audit().rotate({1, before[0].hash}, "dana")), "failed_precondition");
  EXPECT_EQ(bounds().anchor, second);
  EXPECT_EQ(bounds().head.number, 4U);
}

TEST_P(AuditStoreContract, what_is_stored_at_or_below_the_anchor_is_told_of_and_shown_to_nobody) {
  for (int i = 0; i < 4; ++i) ask();
  EXPECT_EQ(outcome_of(audit().rotate({3, entries()[2].hash}, "dana")), "ok");
  EXPECT_EQ(bounds().stray, std::nullopt);
  const std::vector<AuditEntry> sound = entries();
  for (const std::uint64_t number : {3U, 1U}) {
    engine().plant_audit_entry(number);
    EXPECT_EQ(bounds().stray, number) << "the lowest";
    EXPECT_EQ(fault().value_or(AuditFault{}).number, number);
    EXPECT_EQ(entries(), sound);
  }
  ask();
  EXPECT_EQ(entries().size(), sound.size() + 1) << "the log goes on";
}

TEST_P(AuditStoreContract, what_is_stored_behind_the_head_is_a_fault) {
  for (int i = 0; i < 3; ++i) ask();
  EXPECT_FALSE(fault());
  const std::vector<AuditEntry> sound = entries();
  for (const std::uint64_t number : {6U, 4U}) {
    engine().plant_audit_entry(number);
    ASSERT_TRUE(fault());
    const bool is_head = bounds().head.number == 6;  // it has no other place than the entries
    EXPECT_EQ(bounds().stray, is_head ? std::nullopt : std::optional(number));
    EXPECT_EQ(entries(0, 3), sound);
  }
}

TEST_P(AuditStoreContract, nothing_is_recorded_over_what_is_stored_behind_the_head) {
  const Id128 id = ask();
  const Id128 late = ask({.timeout = 5s});
  const AuditHead head = bounds().head;
  engine().plant_audit_entry(head.number + 1);
  const bool is_head = bounds().head != head;  // it has no other place than the entries
  const std::string wanted = is_head ? "ok" : "data_loss";
  EXPECT_EQ(outcome_of(store().change(id, vote_change(id, "bob"))), wanted);
  EXPECT_EQ(outcome_of(store().open(subject())), wanted);
  advance(5s);
  EXPECT_EQ(outcome_of(store().read(late)), wanted);
  EXPECT_EQ(outcome_of(audit().rotate({1, entries(0, 1).front().hash}, "dana")), wanted);
  EXPECT_EQ(bounds().stray, is_head ? std::nullopt : std::optional(head.number + 1));
  EXPECT_TRUE(fault());
}

TEST_P(AuditStoreContract, a_full_log_refuses_requests_and_records_changes_until_it_is_rotated) {
  const Id128 id = ask({.key = "once"});
  const Id128 late = ask({.timeout = 5s});
  engine().skip_audit_numbers(limits::kAuditEntriesMax - 3);
  ask();
  EXPECT_EQ(bounds().head.number, limits::kAuditEntriesMax);
  EXPECT_EQ(outcome_of(store().open(subject())), "resource_exhausted");
  EXPECT_TRUE(open(subject({.key = "once"})).existed);
  EXPECT_EQ(bounds().head.number, limits::kAuditEntriesMax);
  vote(id, "bob");
  decide(id);
  advance(5s);
  EXPECT_EQ(state(late), ApprovalState::timed_out);
  EXPECT_EQ(bounds().head.number, limits::kAuditEntriesMax + 3);
  EXPECT_EQ(outcome_of(audit().rotate(bounds().head, "dana")), "ok");
  EXPECT_FALSE(open(subject()).existed);
}

INSTANTIATE_TEST_SUITE_P(Engines, AuditStoreContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
