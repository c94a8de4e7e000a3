// Signed votes: what is signed, and that a signature is good for one vote on one request alone.

#include "domain/approval_signature.h"

#include <gmock/gmock.h>

#include "configuration_world.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;

const WallTime kOpened{1'790'000'000s};
constexpr std::chrono::microseconds kSlack =
    std::chrono::duration_cast<std::chrono::microseconds>(limits::kVoteTimeSlack);

// Everything that a vote is about, and the vote.
struct Ballot {
  std::string store_id = "00112233445566778899aabbccddeeff";
  std::string namespace_name = "default";
  ApprovalRecord record;
  std::string context_hash = std::string(64, 'c');
  std::string policy_hash = std::string(64, 'd');
  StoredVote vote;

  VoteScope scope() const { return {store_id, namespace_name, record, context_hash, policy_hash}; }
  std::string bytes() const { return signed_bytes(scope(), vote); }
};

class SignedVote : public ::testing::Test {
 protected:
  SignedVote() {
    ballot.record.subject.id = Id128{{1, 2, 3}};
    ballot.record.subject.type = "deploy";
    ballot.record.subject.agent = "agent-1";
    ballot.record.opened_at = kOpened;
    ballot.record.expires_at = kOpened + 10min;
    ballot.vote.responder = "dana";
    ballot.vote.approved = true;
    ballot.vote.time = now;
    ballot.vote.key_id = dana.key_id();
    sign();
  }

  void sign() {
    const auto signature = dana.sign(ballot.bytes());
    ballot.vote.signature.assign(signature.begin(), signature.end());
  }
  Result<void> check(const Ballot& shown) const {
    return check_vote(shown.scope(), shown.vote, world.policy().approver_with(shown.vote.responder, shown.vote.key_id),
                      now);
  }
  ErrorCode refusal(const Ballot& shown) const {
    const Result<void> checked = check(shown);
    return checked ? ErrorCode::internal : checked.error().code;
  }
  // Signed for `time`, shown at `now`.
  Result<void> check_time(WallTime time) {
    ballot.vote.time = time;
    sign();
    return check(ballot);
  }

  ConfigurationWorld world;
  const ApproverKey dana = world.approver("dana");
  const bool has_rules = (world.write_rules("[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\", \"erik\"]\n"), true);
  WallTime now = kOpened + 1min;
  Ballot ballot;
};

TEST_F(SignedVote, is_good_as_it_was_signed) {
  const auto checked = check(ballot);
  EXPECT_TRUE(checked) << checked.error().message;
  ballot.vote.approved = false;
  sign();
  EXPECT_TRUE(check(ballot));
}

// Written down: what other programs may verify, and what votes of before an update are verified with.
TEST_F(SignedVote, is_signed_over_the_bytes_that_docs_formats_describes) {
  const auto field = [](const std::string& text) {
    return std::string{0, 0, 0, static_cast<char>(text.size())} + text;
  };
  ballot.vote.key_id = "0123456789abcdef";
  EXPECT_EQ(ballot.bytes(), std::string("aldis-approval-v1") + '\0' + field(ballot.store_id) + field("default") +
                                field(format_id(kApprovalIdPrefix, ballot.record.subject.id)) + field("deploy") +
                                field("agent-1") + field("1790000600000000") + field(std::string(64, 'c')) +
                                field(std::string(64, 'd')) + field("approved") + field("0123456789abcdef") +
                                field("1790000060000000"));
  ballot.record.expires_at.reset();
  ballot.vote.approved = false;
  EXPECT_EQ(ballot.bytes(), std::string("aldis-approval-v1") + '\0' + field(ballot.store_id) + field("default") +
                                field(format_id(kApprovalIdPrefix, ballot.record.subject.id)) + field("deploy") +
                                field("agent-1") + field("") + field(std::string(64, 'c')) +
                                field(std::string(64, 'd')) + field("rejected") + field("0123456789abcdef") +
                                field("1790000060000000"));
}

TEST_F(SignedVote, is_good_for_nothing_else) {
  const auto carried_over = [&](auto change) {
    Ballot other = ballot;
    change(other);
    return refusal(other);
  };
  const auto denied = ErrorCode::permission_denied;
  EXPECT_EQ(carried_over([](Ballot& other) { other.store_id = "ffeeddccbbaa99887766554433221100"; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.namespace_name = "testing"; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.record.subject.id.bytes[15] = 1; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.record.subject.type = "delete"; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.record.subject.agent = "agent-2"; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { *other.record.expires_at += 1us; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.record.expires_at.reset(); }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.context_hash[0] = 'e'; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.policy_hash[0] = 'e'; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.vote.approved = false; }), denied);
  EXPECT_EQ(carried_over([](Ballot& other) { other.vote.time += 1us; }), denied);
  EXPECT_EQ(carried_over([](Ballot&) {}), ErrorCode::internal) << "unchanged it is good";
}

TEST_F(SignedVote, with_fields_that_run_into_each_other_is_another_one) {
  Ballot other = ballot;
  other.record.subject.type = "deploya";
  other.record.subject.agent = "gent-1";
  EXPECT_NE(other.bytes(), ballot.bytes());
}

TEST_F(SignedVote, that_was_forged_is_refused) {
  Ballot forged = ballot;
  for (const std::string& signature : {std::string(), std::string(64, '\0'), ballot.vote.signature.substr(1),
                                       ballot.vote.signature + "x", std::string(64, '\xff')}) {
    forged.vote.signature = signature;
    EXPECT_EQ(refusal(forged), ErrorCode::permission_denied);
  }
  for (std::size_t i = 0; i < ballot.vote.signature.size(); ++i) {
    forged.vote.signature = ballot.vote.signature;
    forged.vote.signature[i] = static_cast<char>(forged.vote.signature[i] ^ 1);
    EXPECT_EQ(refusal(forged), ErrorCode::permission_denied) << i;
  }
}

TEST_F(SignedVote, in_the_name_of_another_approver_is_refused) {
  world.approver("erik");
  Ballot other = ballot;
  other.vote.responder = "erik";
  EXPECT_EQ(refusal(other), ErrorCode::permission_denied);
}

TEST_F(SignedVote, by_a_key_that_nobody_trusts_is_refused) {
  world.enroll("erik");
  const ApproverKey erik = world.unseal("erik");
  ballot.vote.responder = "erik";
  ballot.vote.key_id = erik.key_id();
  const auto signature = erik.sign(ballot.bytes());
  ballot.vote.signature.assign(signature.begin(), signature.end());
  EXPECT_EQ(refusal(ballot), ErrorCode::permission_denied);
}

TEST_F(SignedVote, by_a_key_that_was_revoked_is_refused_although_it_was_made_before) {
  ASSERT_TRUE(revoke_approver(world.path(), "dana"));
  EXPECT_EQ(refusal(ballot), ErrorCode::permission_denied);
}

TEST_F(SignedVote, is_for_a_time_between_the_opening_and_the_deadline) {
  EXPECT_TRUE(check_time(kOpened - kSlack));
  EXPECT_EQ(check_time(kOpened - kSlack - 1us).error().code, ErrorCode::failed_precondition);
  now = kOpened + 8min;
  EXPECT_TRUE(check_time(kOpened + 10min)) << "the deadline itself, within the slack of now";
  EXPECT_EQ(check_time(kOpened + 10min + 1us).error().code, ErrorCode::failed_precondition) << "expired";
}

TEST_F(SignedVote, is_not_for_the_future) {
  EXPECT_TRUE(check_time(now + kSlack));
  EXPECT_EQ(check_time(now + kSlack + 1us).error().code, ErrorCode::failed_precondition);
  now += 1us;
  EXPECT_TRUE(check(ballot)) << "it is no future any more";
}

TEST_F(SignedVote, on_a_request_without_a_deadline_is_bound_by_now_alone) {
  ballot.record.expires_at.reset();
  now = kOpened + 24h * 300;
  EXPECT_TRUE(check_time(now + kSlack));
  EXPECT_EQ(check_time(now + kSlack + 1us).error().code, ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace aldis::testing
