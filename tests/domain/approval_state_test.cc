// The rule that decides: which votes count, what they come to, and what a vote or a cancellation makes of a record.

#include "domain/approval_state.h"

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using enum ApprovalState;

const WallTime kOpened{1'790'000'000s};
const WallTime kExpires = kOpened + 5min;
const ApprovalRule kTwoOfThree{.pattern = "deploy*", .approvers = {"dana", "erik", "fay"}, .quorum = 2};

// A request of agent-1 to be answered by the rule; without one, in open mode.
ApprovalReading pending_request(const ApprovalRule* rule = &kTwoOfThree) {
  ApprovalReading reading;
  ApprovalRecord& record = reading.record;
  record.subject.id = Id128{{1, 2, 3}};
  record.subject.type = "deploy";
  record.subject.agent = "agent-1";
  record.subject.timeout = 5min;
  record.opened_at = kOpened;
  record.expires_at = kExpires;
  if (rule != nullptr) {
    record.subject.policy_hash = rule->hash();
    record.subject.quorum = rule->quorum;
  }
  reading.now = kOpened + 1min;
  reading.remaining = 4min;
  return reading;
}

StoredVote vote_of(std::string responder, bool approved = true, std::string reason = {}) {
  StoredVote vote;
  vote.responder = std::move(responder);
  vote.approved = approved;
  vote.reason = std::move(reason);
  vote.time = kOpened + 30s;
  return vote;
}
StoredVote yes(std::string responder) { return vote_of(std::move(responder)); }
StoredVote no(std::string responder) { return vote_of(std::move(responder), false, "not today"); }

// All the votes, signed validly.
ApprovalMode under(const ApprovalRule& rule, const ApprovalReading& reading) {
  return {.rule = &rule, .valid = std::vector<bool>(reading.record.votes.size(), true)};
}

ApprovalReading with_votes(std::vector<StoredVote> votes) {
  ApprovalReading reading = pending_request();
  reading.record.votes = std::move(votes);
  return reading;
}

// As an engine stores it.
void store(ApprovalReading& reading, const ApprovalChange& change) {
  ApprovalRecord& record = reading.record;
  ++record.version;
  if (change.vote) record.votes.push_back(*change.vote);
  if (change.state == pending) return;
  record.state = change.state;
  record.responder = change.responder;
  record.reason = change.reason;
  record.decided_at = reading.now;
  reading.remaining.reset();
}

// A state that no vote led to.
void store_state(ApprovalReading& reading, ApprovalState state, std::string responder = {}) {
  ApprovalChange change;
  change.state = state;
  change.responder = std::move(responder);
  store(reading, change);
}

template <class T>
Error error_of(const Result<T>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "it succeeded";
  return {};
}

struct Case {
  std::string name;
  std::vector<StoredVote> votes;
  ApprovalState state = pending;
  std::uint32_t approvals = 0;
  std::string responder = {};

  friend std::ostream& operator<<(std::ostream& out, const Case& tested) { return out << tested.name; }
};

class CountedVotes : public ::testing::TestWithParam<Case> {};

TEST_P(CountedVotes, come_to_one_state) {
  const ApprovalReading reading = with_votes(GetParam().votes);
  const ApprovalFinding finding = derive_approval(reading, under(kTwoOfThree, reading));
  EXPECT_EQ(finding.state, GetParam().state);
  EXPECT_EQ(finding.approvals, GetParam().approvals);
  EXPECT_EQ(finding.responder, GetParam().responder);
  EXPECT_EQ(finding.proven, GetParam().state != pending);
}

INSTANTIATE_TEST_SUITE_P(
    , CountedVotes,
    ::testing::Values(Case{"none", {}}, Case{"one_of_two", {yes("dana")}, pending, 1},
                      Case{"two_of_two", {yes("dana"), yes("erik")}, approved, 2, "erik"},
                      Case{"one_voted_twice", {yes("dana"), yes("dana")}, pending, 1},
                      Case{"one_voted_twice_and_another", {yes("dana"), yes("dana"), yes("fay")}, approved, 2, "fay"},
                      Case{"rejected_at_once", {no("fay")}, rejected, 0, "fay"},
                      Case{"rejected_after_an_approval", {yes("dana"), no("erik")}, rejected, 1, "erik"},
                      Case{"rejected_too_late", {yes("dana"), yes("erik"), no("fay")}, approved, 2, "erik"},
                      Case{"approved_too_late", {no("dana"), yes("erik"), yes("fay")}, rejected, 0, "dana"},
                      Case{"rejected_by_one_who_approved", {yes("dana"), no("dana")}, pending, 1},
                      Case{"no_approver", {yes("mallory"), yes("dana")}, pending, 1},
                      Case{"rejected_by_no_approver", {no("mallory")}, pending, 0}),
    [](const auto& tested) { return tested.param.name; });

TEST(ApprovalState, an_invalid_vote_counts_as_absent) {
  const ApprovalReading reading = with_votes({no("dana"), yes("erik"), yes("dana"), yes("fay")});
  const ApprovalFinding finding = derive_approval(reading, {.rule = &kTwoOfThree, .valid = {false, true, true, false}});
  EXPECT_EQ(finding.state, approved);
  EXPECT_EQ(finding.responder, "dana");
  EXPECT_THAT(finding.counts, ElementsAre(false, true, true, false));
}

TEST(ApprovalState, a_vote_of_which_nothing_is_known_counts_as_absent) {
  const ApprovalReading reading = with_votes({yes("erik"), yes("dana")});
  EXPECT_EQ(derive_approval(reading, {.rule = &kTwoOfThree, .valid = {true}}).state, pending);
}

TEST(ApprovalState, nobody_counts_for_their_own_request) {
  ApprovalReading reading = with_votes({yes("dana"), yes("erik")});
  reading.record.subject.agent = "dana";
  EXPECT_EQ(derive_approval(reading, under(kTwoOfThree, reading)).approvals, 1u);
}

TEST(ApprovalState, a_stored_verdict_is_not_believed) {
  for (const ApprovalState forged : {approved, rejected}) {
    ApprovalReading reading = with_votes({yes("dana")});
    store_state(reading, forged, "erik");
    const ApprovalFinding finding = derive_approval(reading, under(kTwoOfThree, reading));
    EXPECT_EQ(finding.state, pending);
    EXPECT_EQ(finding.remaining, 4min) << "the store keeps no deadline of what it holds for decided";
    EXPECT_EQ(finding.responder, "");
    EXPECT_THAT(finding.reason, AllOf(HasSubstr(to_string(forged)), HasSubstr("erik")));
    EXPECT_FALSE(finding.proven);
  }
}

TEST(ApprovalState, a_forged_verdict_times_out_at_the_deadline) {
  ApprovalReading reading = pending_request();
  store_state(reading, approved, "erik");
  reading.now = kExpires - 1us;
  EXPECT_EQ(derive_approval(reading, under(kTwoOfThree, reading)).state, pending);
  reading.now = kExpires;
  const ApprovalFinding finding = derive_approval(reading, under(kTwoOfThree, reading));
  EXPECT_EQ(finding.state, timed_out);
  EXPECT_EQ(finding.decided_at, kExpires);
  EXPECT_EQ(finding.responder, "");
}

TEST(ApprovalState, a_forged_verdict_on_a_request_without_a_deadline_stays_pending) {
  ApprovalReading reading = pending_request();
  reading.record.expires_at.reset();
  store_state(reading, approved, "erik");
  reading.now += 24h * 300;
  EXPECT_EQ(derive_approval(reading, under(kTwoOfThree, reading)).state, pending);
}

TEST(ApprovalState, an_approver_can_still_vote_over_a_forged_verdict) {
  ApprovalReading reading = with_votes({yes("dana")});
  store_state(reading, rejected, "erik");
  const auto change = decide_vote(reading, under(kTwoOfThree, reading), yes("erik"), {});
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->state, approved);
  EXPECT_EQ(change->seen_version, 2u);
}

TEST(ApprovalState, a_forged_vote_in_somebodys_name_does_not_keep_them_from_voting) {
  const ApprovalReading reading = with_votes({no("dana")});
  const auto change = decide_vote(reading, {.rule = &kTwoOfThree, .valid = {false}}, yes("dana"), {});
  ASSERT_TRUE(change) << change.error().message;
  EXPECT_EQ(change->state, pending);
}

TEST(ApprovalState, what_says_no_without_a_verdict_is_believed) {
  for (const ApprovalState end : {timed_out, cancelled}) {
    ApprovalReading reading = with_votes({yes("dana"), yes("erik")});
    store_state(reading, end, end == cancelled ? "agent-1" : "");
    const ApprovalFinding finding = derive_approval(reading, under(kTwoOfThree, reading));
    EXPECT_EQ(finding.state, end);
    EXPECT_EQ(finding.decided_at, reading.now);
    EXPECT_FALSE(finding.proven);
  }
}

TEST(ApprovalState, of_a_request_under_another_policy_no_vote_counts) {
  ApprovalReading reading = with_votes({yes("dana"), yes("erik")});
  reading.record.state = approved;
  ApprovalRule looser = kTwoOfThree;
  looser.quorum = 1;
  EXPECT_EQ(derive_approval(reading, under(looser, reading)).state, pending);
  reading.record.subject.policy_hash.clear();  // opened in open mode
  EXPECT_EQ(derive_approval(reading, under(kTwoOfThree, reading)).state, pending);
}

TEST(ApprovalState, votes_that_suffice_decide_although_the_store_does_not_know) {
  const ApprovalReading reading = with_votes({yes("dana"), yes("erik")});
  const ApprovalFinding finding = derive_approval(reading, under(kTwoOfThree, reading));
  EXPECT_EQ(finding.decided_at, reading.record.votes[1].time);
  const auto settlement = decide_settlement(reading, finding);
  ASSERT_TRUE(settlement);
  EXPECT_EQ(settlement->state, approved);
  EXPECT_EQ(settlement->responder, "erik");
  EXPECT_EQ(settlement->seen_version, 1u);
  EXPECT_FALSE(settlement->vote);
}

TEST(ApprovalState, there_is_nothing_to_settle_in_a_request_that_is_pending_or_stored_as_decided) {
  ApprovalReading reading = with_votes({yes("dana")});
  EXPECT_FALSE(decide_settlement(reading, derive_approval(reading, under(kTwoOfThree, reading))));
  store(reading, *decide_vote(reading, under(kTwoOfThree, reading), yes("erik"), {}));
  EXPECT_FALSE(decide_settlement(reading, derive_approval(reading, under(kTwoOfThree, reading))));
  store_state(reading, cancelled, "agent-1");
  EXPECT_FALSE(decide_settlement(reading, derive_approval(reading, under(kTwoOfThree, reading))));
}

TEST(ApprovalState, in_open_mode_the_first_answer_decides) {
  for (const bool approve : {true, false}) {
    ApprovalReading reading = pending_request(nullptr);
    const auto change = decide_vote(reading, {}, vote_of("bob", approve, "because"), "carol");
    ASSERT_TRUE(change) << change.error().message;
    EXPECT_EQ(change->state, approve ? approved : rejected);
    EXPECT_EQ(change->responder, "bob");
    EXPECT_EQ(change->reason, "because");
    store(reading, *change);
    const ApprovalFinding finding = derive_approval(reading, {});
    EXPECT_EQ(finding.state, change->state);
    EXPECT_EQ(finding.approvals, approve ? 1u : 0u);
    EXPECT_FALSE(finding.proven);
    EXPECT_EQ(finding.decided_at, reading.now);
  }
}

TEST(ApprovalState, a_second_answer_is_a_conflict_that_says_who_decided_what_and_when) {
  ApprovalReading reading = pending_request(nullptr);
  store(reading, *decide_vote(reading, {}, no("bob"), {}));
  const Error error = error_of(decide_vote(reading, {}, yes("carol"), {}));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("rejected"), HasSubstr("bob"), HasSubstr(format_timestamp(reading.now))));
}

TEST(ApprovalState, a_late_answer_is_told_when_it_timed_out) {
  ApprovalReading reading = pending_request(nullptr);
  store_state(reading, timed_out);
  const Error error = error_of(decide_vote(reading, {}, yes("carol"), {}));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("timed out at " + format_timestamp(kExpires)));
  EXPECT_EQ(error_of(decide_cancellation(reading, {}, "agent-1", {})).code, ErrorCode::failed_precondition);
}

TEST(ApprovalState, nobody_answers_a_request_of_their_own) {
  for (const ApprovalRule* rule : {static_cast<const ApprovalRule*>(nullptr), &kTwoOfThree}) {
    const ApprovalReading reading = pending_request(rule);
    const ApprovalMode mode{.rule = rule};
    EXPECT_EQ(error_of(decide_vote(reading, mode, yes("agent-1"), {})).code, ErrorCode::permission_denied);
    EXPECT_EQ(error_of(decide_vote(reading, mode, yes("dana"), "agent-1")).code, ErrorCode::permission_denied);
    EXPECT_TRUE(decide_vote(reading, mode, yes("dana"), "agent-2"));
  }
}

TEST(ApprovalState, only_approvers_of_the_rule_answer) {
  const Error error = error_of(decide_vote(pending_request(), {.rule = &kTwoOfThree}, yes("mallory"), {}));
  EXPECT_EQ(error.code, ErrorCode::permission_denied);
  EXPECT_THAT(error.message, HasSubstr("mallory"));
}

TEST(ApprovalState, a_second_vote_by_one_approver_is_a_conflict) {
  for (const StoredVote& second : {yes("dana"), no("dana")}) {
    const ApprovalReading reading = with_votes({yes("dana")});
    EXPECT_EQ(error_of(decide_vote(reading, under(kTwoOfThree, reading), second, {})).code, ErrorCode::conflict);
  }
}

TEST(ApprovalState, a_request_under_another_policy_takes_no_answer_here) {
  ApprovalRule other = kTwoOfThree;
  other.approvers.emplace_back("greta");
  const ApprovalReading reading = pending_request(&other);
  EXPECT_EQ(error_of(decide_vote(reading, {.rule = &kTwoOfThree}, yes("dana"), {})).code,
            ErrorCode::failed_precondition);
  EXPECT_EQ(error_of(decide_vote(reading, {}, yes("dana"), {})).code, ErrorCode::failed_precondition) << "no rule here";
  EXPECT_EQ(error_of(decide_vote(pending_request(nullptr), {.rule = &kTwoOfThree}, yes("dana"), {})).code,
            ErrorCode::failed_precondition)
      << "a rule was made after the request";
}

TEST(ApprovalState, a_record_that_was_filled_with_votes_takes_no_more) {
  ApprovalReading reading = pending_request();
  reading.record.votes.assign(limits::kQuorumMax, no("dana"));
  const ApprovalMode mode{.rule = &kTwoOfThree, .valid = std::vector<bool>(limits::kQuorumMax, false)};
  EXPECT_EQ(error_of(decide_vote(reading, mode, yes("dana"), {})).code, ErrorCode::resource_exhausted);
  reading.record.votes.pop_back();
  EXPECT_TRUE(decide_vote(reading, mode, yes("dana"), {}));
}

TEST(ApprovalState, only_the_agent_that_asked_cancels) {
  ApprovalReading reading = pending_request();
  for (const char* who : {"dana", "agent-2", ""}) {
    EXPECT_EQ(error_of(decide_cancellation(reading, {.rule = &kTwoOfThree}, who, {})).code,
              ErrorCode::permission_denied);
  }
  const auto change = decide_cancellation(reading, {.rule = &kTwoOfThree}, "agent-1", "no need");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->state, cancelled);
  EXPECT_EQ(change->responder, "agent-1");
  EXPECT_EQ(change->reason, "no need");
  store(reading, *change);
  EXPECT_EQ(error_of(decide_cancellation(reading, {.rule = &kTwoOfThree}, "agent-1", {})).code, ErrorCode::conflict);
  EXPECT_EQ(error_of(decide_vote(reading, {.rule = &kTwoOfThree}, yes("dana"), {})).code, ErrorCode::conflict);
}

TEST(ApprovalState, the_timeout_of_a_policy_wins) {
  ApprovalRule rule;
  EXPECT_EQ(timeout_under(nullptr, 5min), 5min);
  EXPECT_EQ(timeout_under(&rule, 5min), 5min);
  EXPECT_EQ(timeout_under(&rule, std::nullopt), std::nullopt);
  rule.timeout_kind = ApprovalRule::Timeout::none;
  EXPECT_EQ(timeout_under(&rule, 5min), std::nullopt);
  rule.timeout_kind = ApprovalRule::Timeout::fixed;
  rule.timeout = 10min;
  EXPECT_EQ(timeout_under(&rule, 5min), 10min);
  EXPECT_EQ(timeout_under(&rule, std::nullopt), 10min);
}

ApprovalRule rule_of_five(std::uint32_t quorum) {
  return {.pattern = "deploy", .approvers = {"a", "b", "c", "d", "e"}, .quorum = quorum};
}

// Votes of anybody, valid or not, handed in one after the other.
struct AnyVotes {
  ApprovalRule rule = rule_of_five(1);
  std::vector<StoredVote> votes = {};
  std::vector<bool> valid = {};
};

AnyVotes any_votes() {
  AnyVotes any{.rule = rule_of_five(*rc::gen::inRange<std::uint32_t>(1, 6))};
  const auto count = *rc::gen::inRange<std::size_t>(0, 12);
  for (std::size_t i = 0; i < count; ++i) {
    any.votes.push_back(vote_of(*rc::gen::element<std::string>("a", "b", "c", "d", "e", "agent-1", "x"),
                                *rc::gen::weightedElement<bool>({{4, true}, {1, false}})));
    any.valid.push_back(*rc::gen::weightedElement<bool>({{4, true}, {1, false}}));
  }
  return any;
}

ApprovalReading reading_of(const AnyVotes& any) {
  ApprovalReading reading = pending_request(&any.rule);
  reading.record.votes = any.votes;
  return reading;
}

TEST(ApprovalStateProperties, the_derived_state_is_what_the_rule_says_of_the_votes_in_their_order) {
  EXPECT_TRUE(rc::check("a model that reads like the contract", [] {
    const AnyVotes any = any_votes();
    ApprovalState expected = pending;
    std::set<std::string> approvers;
    for (std::size_t i = 0; i < any.votes.size() && expected == pending; ++i) {
      const StoredVote& vote = any.votes[i];
      const bool counts = any.valid[i] && vote.responder.size() == 1 && vote.responder != "x";
      if (!counts || approvers.contains(vote.responder)) continue;
      if (!vote.approved) expected = rejected;
      if (vote.approved) approvers.insert(vote.responder);
      if (approvers.size() == any.rule.quorum) expected = approved;
    }
    const ApprovalFinding finding = derive_approval(reading_of(any), {.rule = &any.rule, .valid = any.valid});
    RC_ASSERT(finding.state == expected);
    RC_ASSERT(finding.approvals == approvers.size());
  }));
}

TEST(ApprovalStateProperties, in_whatever_order_votes_come_there_is_exactly_one_outcome_and_it_stays) {
  EXPECT_TRUE(rc::check("votes are handed in until one decides", [] {
    const AnyVotes any = any_votes();
    ApprovalReading reading = pending_request(&any.rule);
    std::optional<ApprovalState> outcome;
    for (const StoredVote& vote : any.votes) {
      const auto change = decide_vote(reading, under(any.rule, reading), vote, {});
      if (outcome) RC_ASSERT(!change);
      if (!change) continue;
      RC_ASSERT(change->vote == vote);
      store(reading, *change);
      if (change->state != pending) outcome = change->state;
      const ApprovalFinding finding = derive_approval(reading, under(any.rule, reading));
      RC_ASSERT(finding.state == outcome.value_or(pending));
      RC_ASSERT(finding.state == reading.record.state);
    }
  }));
}

TEST(ApprovalStateProperties, enough_distinct_approvals_approve_in_any_order_and_one_less_does_not) {
  EXPECT_TRUE(rc::check("shuffled approvals of all", [] {
    const ApprovalRule rule = rule_of_five(*rc::gen::inRange<std::uint32_t>(1, 6));
    std::vector<std::string> order =
        *rc::gen::container<std::vector<std::string>>(20, rc::gen::element<std::string>("a", "b", "c", "d", "e"));
    std::set<std::string> seen;
    ApprovalReading reading = pending_request(&rule);
    for (const std::string& responder : order) {
      reading.record.votes.push_back(yes(responder));
      seen.insert(responder);
      const ApprovalFinding finding = derive_approval(reading, under(rule, reading));
      RC_ASSERT((finding.state == approved) == (seen.size() >= rule.quorum));
    }
  }));
}

TEST(ApprovalStateProperties, one_rejection_before_the_quorum_rejects_in_any_order) {
  EXPECT_TRUE(rc::check("a rejection among approvals", [] {
    const ApprovalRule rule = rule_of_five(5);
    std::vector<StoredVote> votes = {yes("a"), yes("b"), yes("c"), yes("d")};
    const auto place = *rc::gen::inRange<std::ptrdiff_t>(0, 5);
    votes.insert(votes.begin() + place, no("e"));
    ApprovalReading reading = pending_request(&rule);
    reading.record.votes = votes;
    const ApprovalFinding finding = derive_approval(reading, under(rule, reading));
    RC_ASSERT(finding.state == rejected);
    RC_ASSERT(finding.responder == "e");
  }));
}

}  // namespace
}  // namespace aldis::testing
