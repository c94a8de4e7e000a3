// Approval requests and what changes them: the sentences of ports/approval_store.h about them, on every engine. Lists
// and retention are in approval_history_test.cc, what is recorded in audit_store_test.cc.

#include <gmock/gmock.h>

#include "aldis/limits.h"
#include "contract/approval_contract.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ApprovalStoreContract = ApprovalContract;

TEST_P(ApprovalStoreContract, a_request_is_kept_as_it_was_asked) {
  const ApprovalSubject asked = subject({.key = "once", .policy_hash = sha256_hex("a policy")});
  const OpenedApproval opened = open(asked);
  EXPECT_FALSE(opened.existed);
  EXPECT_EQ(opened.reading.record.subject, asked);
  EXPECT_EQ(opened.reading.record.version, 1U);
  EXPECT_EQ(opened.reading.record.state, ApprovalState::pending);
  EXPECT_EQ(opened.reading.record.decided_at, std::nullopt);
  EXPECT_EQ(record(asked.id), opened.reading.record);
}

TEST_P(ApprovalStoreContract, a_request_says_when_it_was_opened_and_when_it_ends_by_the_stores_clock) {
  const ApprovalReading first = open(subject({.timeout = 300s + 1us})).reading;
  EXPECT_EQ(first.record.opened_at, first.now);
  EXPECT_EQ(first.record.expires_at, first.now + 300s + 1us);
  EXPECT_EQ(first.remaining, 300s + 1us);
  advance(40s);
  const ApprovalReading later = reading(first.record.subject.id);
  EXPECT_EQ(later.record, first.record);
  EXPECT_EQ(later.now, first.now + 40s);
  EXPECT_EQ(later.remaining, 260s + 1us);
}

TEST_P(ApprovalStoreContract, what_is_shown_as_the_end_is_in_whole_microseconds) {
  const ApprovalReading reading = open(subject({.timeout = 5s + 1999ns})).reading;
  EXPECT_EQ(reading.record.expires_at, reading.now + 5s + 1us);
}

TEST_P(ApprovalStoreContract, a_request_without_a_timeout_waits_for_ever) {
  const Id128 id = ask({.timeout = std::nullopt});
  EXPECT_EQ(record(id).expires_at, std::nullopt);
  EXPECT_EQ(reading(id).remaining, std::nullopt);
  advance(limits::kApprovalTimeoutMax);
  EXPECT_EQ(state(id), ApprovalState::pending);
}

TEST_P(ApprovalStoreContract, an_unknown_request_is_none_to_a_reader_and_not_found_to_a_change) {
  EXPECT_FALSE(exists(next_id()));
  EXPECT_EQ(outcome_of(store().change(next_id(), {.id = next_id(), .seen_version = 1})), "not_found");
}

TEST_P(ApprovalStoreContract, bytes_of_all_kinds_are_kept) {
  ApprovalSubject asked = subject({.key = "ключ\x01"});
  asked.context = std::string(limits::kPayloadBytesMax, '\x7f');
  const Id128 id = open(asked).reading.record.subject.id;
  ApprovalChange voted = vote_change(id, "bob", true, "läuft \"so\"\n☃");
  voted.vote->key_id = "0123456789abcdef";
  voted.vote->signature = std::string("\0\xff\x80'\n", 5) + std::string(59, '\0');
  change(id, voted);
  EXPECT_EQ(record(id).subject, asked);
  EXPECT_THAT(record(id).votes, ElementsAre(*voted.vote));
}

TEST_P(ApprovalStoreContract, the_same_id_is_the_same_request_whatever_it_asks) {
  const ApprovalSubject asked = subject();
  open(asked);
  ApprovalSubject repeated = subject({.type = "other", .agent = "eve", .key = "late", .timeout = 1s});
  repeated.id = asked.id;
  const OpenedApproval again = open(repeated);
  EXPECT_TRUE(again.existed);
  EXPECT_EQ(again.reading.record.subject, asked);
  EXPECT_EQ(list().size(), 1U);
}

TEST_P(ApprovalStoreContract, the_same_key_of_the_same_agent_and_type_is_the_same_request) {
  const ApprovalSubject asked = subject({.key = "once"});
  open(asked);
  const OpenedApproval again = open(subject({.key = "once", .timeout = 1s, .policy_hash = sha256_hex("another")}));
  EXPECT_TRUE(again.existed);
  EXPECT_EQ(again.reading.record.subject, asked);
  EXPECT_FALSE(open(subject({.key = "twice"})).existed);
  EXPECT_FALSE(open(subject({.type = "other", .key = "once"})).existed);
  EXPECT_FALSE(open(subject({.agent = "eve", .key = "once"})).existed);
}

TEST_P(ApprovalStoreContract, requests_without_a_key_are_never_the_same) {
  EXPECT_FALSE(open(subject()).existed);
  EXPECT_FALSE(open(subject()).existed);
}

TEST_P(ApprovalStoreContract, asking_again_finds_the_decision_as_it_is) {
  const ApprovalSubject asked = subject({.key = "once"});
  decide(open(asked).reading.record.subject.id, ApprovalState::rejected);
  EXPECT_EQ(open(asked).reading.record.state, ApprovalState::rejected);
  const OpenedApproval by_key = open(subject({.key = "once"}));
  EXPECT_TRUE(by_key.existed);
  EXPECT_EQ(by_key.reading.record, record(asked.id));
}

TEST_P(ApprovalStoreContract, asking_again_finds_that_it_timed_out) {
  ask({.key = "once", .timeout = 5s});
  advance(5s);
  const OpenedApproval again = open(subject({.key = "once"}));
  EXPECT_TRUE(again.existed);
  EXPECT_EQ(again.reading.record.state, ApprovalState::timed_out);
}

TEST_P(ApprovalStoreContract, a_vote_is_added_and_leaves_the_request_pending) {
  const Id128 id = ask();
  const ApprovalChange first = vote_change(id, "bob", true, "fine");
  EXPECT_TRUE(change(id, first));
  EXPECT_EQ(answer_.record.version, 2U);
  EXPECT_EQ(answer_.remaining, 300s);
  const ApprovalChange second = vote_change(id, "cat", false);
  EXPECT_TRUE(change(id, second));
  EXPECT_EQ(answer_.record, record(id));
  EXPECT_EQ(record(id).version, 3U);
  EXPECT_EQ(record(id).state, ApprovalState::pending);
  EXPECT_THAT(record(id).votes, ElementsAre(*first.vote, *second.vote));
}

TEST_P(ApprovalStoreContract, a_decision_ends_a_request) {
  for (const ApprovalState end : {ApprovalState::approved, ApprovalState::rejected, ApprovalState::cancelled}) {
    const Id128 id = ask();
    advance(7s);
    EXPECT_TRUE(change(id, decision(id, end, "bob", "because")));
    EXPECT_EQ(answer_.record, record(id));
    EXPECT_EQ(answer_.remaining, std::nullopt);
    EXPECT_EQ(record(id).version, 2U);
    EXPECT_EQ(record(id).state, end);
    EXPECT_EQ(record(id).responder, "bob");
    EXPECT_EQ(record(id).reason, "because");
    EXPECT_EQ(record(id).decided_at, record(id).opened_at + 7s);
  }
}

TEST_P(ApprovalStoreContract, a_vote_and_its_decision_are_one_change) {
  const Id128 id = ask();
  ApprovalChange both = vote_change(id, "bob");
  both.state = ApprovalState::approved;
  both.responder = "bob";
  EXPECT_TRUE(change(id, both));
  EXPECT_EQ(record(id).version, 2U);
  EXPECT_EQ(record(id).state, ApprovalState::approved);
  EXPECT_THAT(record(id).votes, ElementsAre(*both.vote));
}

TEST_P(ApprovalStoreContract, whoever_saw_an_older_version_changes_nothing) {
  const Id128 id = ask();
  const ApprovalChange late = decision(id, ApprovalState::rejected);
  vote(id, "cat");
  const ApprovalRecord before = record(id);
  EXPECT_FALSE(change(id, late));
  EXPECT_EQ(answer_.record, before);
  EXPECT_EQ(record(id), before);
  EXPECT_THAT(recorded(), ElementsAre("requested", "vote approved"));
}

TEST_P(ApprovalStoreContract, whoever_claims_a_version_that_is_not_there_yet_changes_nothing) {
  const Id128 id = ask();
  ApprovalChange early = decision(id, ApprovalState::rejected);
  early.seen_version = 2;
  EXPECT_FALSE(change(id, early));
  EXPECT_EQ(state(id), ApprovalState::pending);
}

TEST_P(ApprovalStoreContract, a_decided_request_does_not_change) {
  const Id128 id = ask();
  decide(id, ApprovalState::approved);
  const ApprovalRecord before = record(id);
  EXPECT_FALSE(change(id, decision(id, ApprovalState::rejected, "cat")));
  EXPECT_EQ(answer_.record, before);
  EXPECT_FALSE(change(id, vote_change(id, "cat")));
  EXPECT_EQ(record(id), before);
}

TEST_P(ApprovalStoreContract, a_change_that_was_made_is_not_made_again) {
  const Id128 id = ask();
  const ApprovalChange voted = vote_change(id, "bob");
  EXPECT_TRUE(change(id, voted));
  EXPECT_TRUE(change(id, voted));
  EXPECT_EQ(record(id).version, 2U);
  EXPECT_EQ(record(id).votes.size(), 1U);
  const ApprovalChange decided = decision(id, ApprovalState::cancelled);
  EXPECT_TRUE(change(id, decided));
  advance(1s);
  EXPECT_TRUE(change(id, decided));
  EXPECT_EQ(answer_.record, record(id));
  EXPECT_EQ(record(id).version, 3U);
  EXPECT_EQ(record(id).decided_at, record(id).opened_at);
  EXPECT_THAT(recorded(), ElementsAre("requested", "vote approved", "decided cancelled"));
}

TEST_P(ApprovalStoreContract, a_change_that_was_made_is_known_whatever_came_after_it) {
  const Id128 id = ask({.timeout = 5s});
  const ApprovalChange first = vote_change(id, "bob");
  EXPECT_TRUE(change(id, first));
  vote(id, "cat");
  EXPECT_TRUE(change(id, first));
  EXPECT_EQ(answer_.record, record(id));
  EXPECT_EQ(record(id).votes.size(), 2U);
  advance(5s);
  EXPECT_TRUE(change(id, first));
  EXPECT_EQ(answer_.record.state, ApprovalState::timed_out);
  EXPECT_THAT(recorded(), ElementsAre("requested", "vote approved", "vote approved", "decided timed_out"));
}

TEST_P(ApprovalStoreContract, a_change_of_one_request_is_not_known_to_another) {
  const Id128 one = ask();
  const Id128 other = ask();
  const ApprovalChange voted = vote_change(one, "bob");
  EXPECT_TRUE(change(one, voted));
  EXPECT_TRUE(change(other, voted));
  EXPECT_EQ(record(other).votes.size(), 1U);
}

TEST_P(ApprovalStoreContract, a_request_times_out_at_its_deadline_whoever_looks) {
  const Id128 id = ask({.timeout = 5s});
  advance(5s - 1us);
  EXPECT_EQ(reading(id).remaining, 1us);
  EXPECT_EQ(state(id), ApprovalState::pending);
  advance(1us);
  const ApprovalReading ended = reading(id);
  EXPECT_EQ(ended.record.state, ApprovalState::timed_out);
  EXPECT_EQ(ended.record.version, 2U);
  EXPECT_EQ(ended.record.responder, "");
  EXPECT_EQ(ended.record.reason, "");
  EXPECT_EQ(ended.remaining, std::nullopt);
}

TEST_P(ApprovalStoreContract, a_timed_out_request_says_when_that_was_settled) {
  const Id128 id = ask({.timeout = 5s});
  advance(60s);
  EXPECT_EQ(record(id).decided_at, record(id).opened_at + 60s);
  advance(60s);
  EXPECT_EQ(record(id).decided_at, record(id).opened_at + 60s);
}

TEST_P(ApprovalStoreContract, a_late_change_is_superseded_by_the_timeout) {
  const Id128 id = ask({.timeout = 5s});
  const ApprovalChange late = decision(id, ApprovalState::approved);
  advance(5s);
  EXPECT_FALSE(change(id, late));
  EXPECT_EQ(answer_.record.state, ApprovalState::timed_out);
  EXPECT_EQ(state(id), ApprovalState::timed_out);
  EXPECT_THAT(recorded(), ElementsAre("requested", "decided timed_out"));
}

TEST_P(ApprovalStoreContract, a_change_in_time_is_the_end_of_the_deadline) {
  const Id128 id = ask({.timeout = 5s});
  advance(5s - 1us);
  decide(id);
  advance(1h);
  EXPECT_EQ(state(id), ApprovalState::approved);
}

TEST_P(ApprovalStoreContract, every_call_settles_all_that_is_due_by_deadline_and_then_by_id) {
  const std::vector<std::function<void()>> calls = {
      [this] { store().read(next_id()).value(); },
      [this] { store().list({.type = "none of them", .count = 1}).value(); },
      [this] { ask({.type = "none of them", .timeout = std::nullopt}); },
      [this] { EXPECT_FALSE(store().change(next_id(), {.id = next_id(), .seen_version = 1})); },
      [this] { store().remove_timed_out(1h).value(); },
  };
  for (const auto& call : calls) {
    const Id128 last = ask({.timeout = 6s});
    const Id128 first = ask({.timeout = 5s});
    const Id128 second = ask({.timeout = 5s});
    const std::uint64_t before = bounds().head.number;
    advance(6s);
    call();
    std::vector<std::string> settled;
    for (const AuditEntry& entry : entries(before, 3)) settled.push_back(entry.outcome + ' ' + entry.request_id);
    const auto timed_out = [](const Id128& id) { return "timed_out " + format_id(kApprovalIdPrefix, id); };
    EXPECT_THAT(settled, ElementsAre(timed_out(first), timed_out(second), timed_out(last)));
  }
}

TEST_P(ApprovalStoreContract, more_than_one_write_settles_are_settled_by_one_call) {
  constexpr std::size_t kMany = 3 * limits::kRedisSettledPerScript + 1;
  static_assert(kMany > limits::kSettledPerWrite);
  for (std::size_t i = 0; i < kMany; ++i) ask({.timeout = 5s});
  const std::vector<ApprovalState> pending = {ApprovalState::pending};
  advance(5s);
  EXPECT_THAT(list({.states = pending}), ElementsAre());
  EXPECT_EQ(bounds().head.number, 2 * kMany);
}

TEST_P(ApprovalStoreContract, a_step_of_the_wall_clock_moves_no_deadline) {
  const Id128 id = ask({.timeout = 300s});
  advance(100s);
  for (const auto step : {1h, -2h, 1h}) {
    engine().step_wall(step);
    EXPECT_EQ(state(id), ApprovalState::pending);
    EXPECT_EQ(reading(id).remaining, 200s);
  }
  engine().step_wall(-1h);
  advance(200s);
  EXPECT_EQ(state(id), ApprovalState::timed_out);
}

TEST_P(ApprovalStoreContract, opening_and_changing_rings_the_request_and_all_requests) {
  const ApprovalSubject asked = subject();
  const std::string name = format_id({}, asked.id);
  const Topic one{Topic::Kind::approval, name};
  const Topic any{Topic::Kind::approvals, {}};
  const ApprovalSubject first = subject();
  EXPECT_TRUE(listening().rings(any, [&] { open(first); }));
  EXPECT_TRUE(listening().rings(one, [&] { open(asked); }));
  EXPECT_TRUE(listening().rings(one, [&] { vote(asked.id, "bob"); }));
  EXPECT_TRUE(listening().rings(any, [&] { vote(asked.id, "cat"); }));
  EXPECT_TRUE(listening().rings(one, [&] { decide(asked.id); }));
  EXPECT_TRUE(listening().rings(any, [&] { decide(first.id); }));
}

TEST_P(ApprovalStoreContract, looking_and_the_time_ring_nothing) {
  for (int i = 1; i <= Listening::kCallsForSilence; ++i) ask({.timeout = i * 5s});
  const Topic any{Topic::Kind::approvals, {}};
  EXPECT_TRUE(listening().is_silent(any, [&] { list(); }));
  EXPECT_TRUE(listening().is_silent(any, [&] {
    advance(5s);
    EXPECT_FALSE(exists(next_id()));
  }));
}

TEST_P(ApprovalStoreContract, a_change_of_one_request_does_not_ring_another) {
  const Id128 quiet = ask();
  const std::string name = format_id({}, quiet);
  EXPECT_TRUE(listening().is_silent({Topic::Kind::approval, name}, [&] { ask(); }));
}

TEST_P(ApprovalStoreContract, beyond_the_bound_of_pending_requests_another_is_resource_exhausted) {
  const Id128 first = ask({.key = "once", .timeout = std::nullopt});
  for (std::size_t i = 1; i < limits::kPendingApprovalsMax - 1; ++i) ask({.timeout = std::nullopt});
  const Id128 short_lived = ask({.timeout = 5s});
  EXPECT_EQ(outcome_of(store().open(subject())), "resource_exhausted");
  EXPECT_EQ(bounds().head.number, limits::kPendingApprovalsMax);
  EXPECT_TRUE(open(subject({.key = "once"})).existed);
  decide(first);
  ask({.timeout = std::nullopt});
  EXPECT_EQ(outcome_of(store().open(subject())), "resource_exhausted");
  advance(5s);
  ask();
  EXPECT_EQ(state(short_lived), ApprovalState::timed_out);
}

TEST_P(ApprovalStoreContract, the_store_is_known_by_an_id_that_stays) {
  const std::string id = store().store_id().value();
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  ask();
  advance(limits::kApprovalRetention);
  EXPECT_EQ(store().store_id().value(), id);
}

INSTANTIATE_TEST_SUITE_P(Engines, ApprovalStoreContract, ::testing::ValuesIn(all_engines()), engine_name);

}  // namespace
}  // namespace aldis::testing
