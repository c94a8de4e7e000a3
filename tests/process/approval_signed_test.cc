// Approvals in signed mode, between processes: who counts, and what whoever can write to the store cannot make believe.

#include <gmock/gmock.h>

#include <filesystem>

#include "approval_forgery.h"
#include "approval_stage.h"
#include "core/format.h"
#include "core/sha256.h"
#include "signers.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kAgent = "agent=worker";
constexpr const char* kType = "type=deploy";

class SignedApprovals : public ::testing::TestWithParam<const char*> {
 protected:
  SignedApprovals() {
    for (const char* name : {"ann", "bob", "eve"}) signers.enroll(name);
    signers.write_policy();
  }

  ApprovalStage::Waiter open(Words more = {}) {
    more.insert(more.begin(), {kAgent, kType});
    return stage.open(more);
  }
  // "approved 2": how the request is then, and how many approvals it has.
  std::string vote(const std::string& id, const std::string& name, const std::string& verdict = "approved") {
    const Words said = stage.run(signers.vote(id, name, verdict), "answered");
    return said.at(1) + " " + said.at(3);
  }
  // "permission_denied: message".
  std::string refused_vote(const std::string& id, const std::string& name) { return refusal(signers.vote(id, name)); }
  std::string refusal(const Words& arguments) {
    const Words said = stage.run(arguments, "refused");
    return said.at(1) + ": " + joined(said, 2);
  }
  // What a waiter that does not sleep is told, in a process of its own.
  std::string refused_wait(const std::string& id, const std::string& namespace_name = "default") {
    const pid_t waiter = stage.fleet().start({"wait", "id=" + id, "patience_ms=0"}, namespace_name);
    const Words said = stage.hear("refused");
    EXPECT_EQ(stage.fleet().wait_for_end(waiter), 0);
    return said.at(1);
  }

  ApprovalStage stage{GetParam()};
  Signers signers{stage.fleet().options().configuration_directory, stage.directory() + "/keys"};
};

TEST_P(SignedApprovals, are_given_by_a_quorum_of_processes) {
  const auto waiter = open();
  EXPECT_EQ(vote(waiter.id, "ann"), "pending 1");
  EXPECT_THAT(refused_vote(waiter.id, "ann"), HasSubstr("conflict: ann has approved"));
  EXPECT_EQ(vote(waiter.id, "bob"), "approved 2");
  const Words end = stage.hear("ended");
  EXPECT_EQ(end.at(1), "approved");
  EXPECT_EQ(end.at(2), "bob");
  EXPECT_EQ(end.at(6), "unverified") << "we can write the policy ourselves";
  const ApprovalRequest record = stage.read(waiter.id);
  ASSERT_EQ(record.votes.size(), 2u);
  EXPECT_TRUE(record.votes[0].signature_valid && record.votes[1].signature_valid);
  EXPECT_EQ(stage.audit_of(waiter.id),
            "requested by worker, vote approved by ann, vote approved by bob, decided approved by bob");
  EXPECT_EQ(stage.audit_fault(), "");
}

TEST_P(SignedApprovals, are_refused_by_one) {
  const auto waiter = open();
  EXPECT_EQ(vote(waiter.id, "ann"), "pending 1");
  EXPECT_EQ(vote(waiter.id, "bob", "rejected"), "rejected 1");
  EXPECT_EQ(stage.hear_end(), "rejected");
}

TEST_P(SignedApprovals, take_no_vote_of_whoever_is_not_entitled) {
  const auto waiter = open();
  EXPECT_THAT(refused_vote(waiter.id, "eve"), HasSubstr("permission_denied: eve is no approver"));
  EXPECT_THAT(refusal({"answer", "id=" + waiter.id, "as=ann", "verdict=approved"}),
              HasSubstr("permission_denied: deploy is answered with a signature"));
  EXPECT_THAT(refusal({"answer", "id=" + waiter.id, "as=worker", "verdict=approved"}), HasSubstr("permission_denied"));
  EXPECT_EQ(refused_wait(waiter.id), "deadline_exceeded");
  EXPECT_EQ(stage.audit_of(waiter.id), "requested by worker");
}

TEST_P(SignedApprovals, count_no_vote_of_a_key_that_was_revoked) {
  const auto waiter = open();
  EXPECT_EQ(vote(waiter.id, "ann"), "pending 1");
  signers.revoke("ann");
  EXPECT_EQ(vote(waiter.id, "bob"), "pending 1");
  EXPECT_THAT(refused_vote(waiter.id, "ann"), HasSubstr("permission_denied"));
  EXPECT_EQ(refused_wait(waiter.id), "deadline_exceeded");
  signers.enroll("carl");
  EXPECT_EQ(vote(waiter.id, "carl"), "approved 2");
  EXPECT_EQ(stage.hear_end(), "approved");
}

TEST_P(SignedApprovals, take_no_late_vote) {
  stage.start({"open", kAgent, kType, "timeout_ms=50"});
  const std::string id = stage.hear("opened").at(1);
  EXPECT_EQ(stage.hear_end(), "timed_out");
  EXPECT_THAT(refused_vote(id, "ann"), HasSubstr("failed_precondition: " + id + " timed out at "));
}

TEST_P(SignedApprovals, count_no_forged_vote_and_every_real_one_beside_it) {
  const auto waiter = open();
  write_votes(stage.workspace(), waiter.id, {forged_vote("ann", key_id_of(signers, "ann"))}, ApprovalState::pending);
  EXPECT_EQ(vote(waiter.id, "bob"), "pending 1");
  EXPECT_EQ(refused_wait(waiter.id), "deadline_exceeded");
  EXPECT_EQ(vote(waiter.id, "ann"), "approved 2");
  EXPECT_EQ(stage.hear_end(), "approved");
}

TEST_P(SignedApprovals, do_not_come_from_a_forged_verdict) {
  const auto waiter = open();
  const auto short_waiter = open({"timeout_ms=5000"});
  for (const std::string& id : {short_waiter.id, waiter.id}) {
    write_votes(stage.workspace(), id,
                {forged_vote("ann", key_id_of(signers, "ann")), forged_vote("bob", key_id_of(signers, "bob"))},
                ApprovalState::approved);
  }
  EXPECT_EQ(refused_wait(waiter.id), "deadline_exceeded");
  EXPECT_EQ(stage.read(waiter.id).status, ApprovalState::pending);
  EXPECT_EQ(stage.hear_end(), "timed_out") << "the one that was rung for, and slept on";
}

TEST_P(SignedApprovals, do_not_come_from_what_is_written_past_the_library) {
  const auto waiter = open();
  write_verdict_past_the_library(stage, waiter.id, key_id_of(signers, "ann"));
  EXPECT_EQ(refused_wait(waiter.id), "deadline_exceeded");
  const ApprovalRequest record = stage.read(waiter.id);
  EXPECT_EQ(record.status, ApprovalState::pending);
  EXPECT_THAT(record.reason, HasSubstr("stored as approved by ann, which the votes do not prove"));
  ASSERT_EQ(record.votes.size(), 1u);
  EXPECT_FALSE(record.votes[0].signature_valid);
}

TEST_P(SignedApprovals, are_for_one_request_only) {
  const auto first = open();
  vote(first.id, "ann");
  EXPECT_EQ(vote(first.id, "bob"), "approved 2");
  EXPECT_EQ(stage.hear_end(), "approved");
  const auto second = open();
  write_votes(stage.workspace(), second.id, stored_votes(stage.workspace(), first.id), ApprovalState::approved);
  EXPECT_EQ(refused_wait(second.id), "deadline_exceeded");
  EXPECT_EQ(stage.read(second.id).status, ApprovalState::pending);
}

TEST_P(SignedApprovals, are_for_one_namespace_only) {
  const auto waiter = open();
  vote(waiter.id, "ann");
  EXPECT_EQ(vote(waiter.id, "bob"), "approved 2");
  EXPECT_EQ(stage.hear_end(), "approved");
  copy_approvals(stage, "production");
  stage.fleet().start({"wait", "id=" + waiter.id, "patience_ms=0"});
  EXPECT_EQ(stage.hear_end(), "approved");
  EXPECT_EQ(refused_wait(waiter.id, "production"), "deadline_exceeded");
}

// Somebody edits the row of a local request. Nobody may be told that it was approved.
class EditedRows : public SignedApprovals {
 protected:
  static std::string context_column(const std::string& context) {
    return fmt::format("context = '{}', context_hash = '{}'", context, sha256_hex(context));
  }
  static constexpr const char* kApproved = "state = 'approved', responder = 'ann', decided_us = opened_us, version = 9";

  const std::string without_rules = stage.directory() + "/without-rules";
};

TEST_P(EditedRows, are_not_what_was_asked) {
  for (const std::string& edit :
       {std::string("type = 'stroll'"), std::string("agent = 'mallory'"), context_column(R"({"to":"prod"})"),
        std::string("expires_us = expires_us + 3600000000"), std::string("policy_hash = 'ab'")}) {
    const auto waiter = stage.open({kAgent, "type=restart", "timeout_ms=600000"});
    edit_row(stage, waiter.id, edit);
    write_votes(stage.workspace(), waiter.id, {forged_vote("ann", "")}, ApprovalState::approved);
    const Words said = stage.hear("refused");
    EXPECT_EQ(said.at(1), "data_loss") << edit;
    EXPECT_THAT(joined(said, 2), HasSubstr("somebody changed its")) << edit;
    EXPECT_EQ(stage.fleet().wait_for_end(waiter.pid), 0);
  }
}

TEST_P(EditedRows, approve_nothing_in_signed_mode) {
  for (const std::string& edit :
       {std::string(kApproved), std::string("policy_hash = '', ") + kApproved, std::string("quorum = 1, ") + kApproved,
        context_column(R"({"to":"prod"})") + ", " + kApproved}) {
    const auto waiter = open();
    EXPECT_EQ(vote(waiter.id, "ann"), "pending 1");
    stage.kill(waiter.pid);  // it knows what it asked for, and would say so too
    edit_row(stage, waiter.id, edit);
    EXPECT_EQ(refused_wait(waiter.id), "deadline_exceeded") << edit;
    EXPECT_NE(stage.read(waiter.id).status, ApprovalState::approved) << edit;
  }
}

TEST_P(EditedRows, approve_nothing_where_the_policy_is_not) {
  std::filesystem::create_directory(without_rules);
  const auto waiter = open();
  edit_row(stage, waiter.id, kApproved);
  const Words refused = stage.run({"wait", "id=" + waiter.id, "configuration=" + without_rules}, "refused");
  EXPECT_EQ(refused.at(1), "failed_precondition");
  EXPECT_THAT(joined(refused, 2), HasSubstr("was opened under a policy that is not here"));
}

TEST_P(EditedRows, with_another_context_than_their_hash_are_lost_and_hide_no_others) {
  const auto waiter = open();
  const auto sound = open();
  stage.kill(waiter.pid);
  edit_row(stage, waiter.id, R"(context = '{"to":"prod"}')");
  EXPECT_EQ(refused_wait(waiter.id), "data_loss");
  const auto pending = stage.gate().get_pending_approvals();
  ASSERT_TRUE(pending) << pending.error().message;
  ASSERT_EQ(pending->size(), 1u);
  EXPECT_EQ(pending->front().request_id, sound.id);
}

INSTANTIATE_TEST_SUITE_P(Stores, EditedRows, ::testing::Values("local"),
                         [](const auto& store) { return std::string(store.param); });

INSTANTIATE_TEST_SUITE_P(Stores, SignedApprovals, ::testing::Values("local", "redis"),
                         [](const auto& store) { return std::string(store.param); });

}  // namespace
}  // namespace aldis::testing
