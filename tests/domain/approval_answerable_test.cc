// A request that nobody could approve is not opened: who may answer it, and with which keys, is known when it is asked.

#include "domain/approval_answerable.h"

#include <gmock/gmock.h>

#include "approvals_world.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class AnswerableRequests : public ::testing::Test {
 protected:
  void rule(const std::string& more) { world.configuration.write_rules("[[rule]]\ntype = \"deploy\"\n" + more); }
  Result<ApprovalRequest> ask(const std::string& agent, const std::string& key = {}) {
    return world.gate(agent).open_request("deploy", {}, 5min, {.key = key});
  }
  Error refusal(const std::string& agent) {
    const Error error = error_of(ask(agent));
    EXPECT_EQ(error.code, ErrorCode::failed_precondition);
    EXPECT_THAT(*world.gate().list(), IsEmpty()) << "nothing is opened";
    EXPECT_THAT(world.audit(), IsEmpty());
    return error;
  }

  ApprovalsWorld world;
};

TEST_F(AnswerableRequests, have_a_quorum_of_others_than_who_asks) {
  rule("approvers = [\"dana\", \"erik\"]\nquorum = 2\n");
  const ApproverKey dana = world.configuration.approver("dana");
  const ApproverKey erik = world.configuration.approver("erik");
  EXPECT_THAT(refusal("dana").message, AllOf(HasSubstr("nobody could ever approve it"), HasSubstr("deploy"),
                                             HasSubstr("2 approvals by dana, erik"), HasSubstr("approvals.toml")));
  EXPECT_TRUE(ask("worker"));
}

TEST_F(AnswerableRequests, have_a_quorum_of_trusted_keys) {
  rule("approvers = [\"dana\", \"erik\", \"fay\"]\nquorum = 2\ntimeout = \"none\"\n");
  EXPECT_THAT(refusal("worker").message, AllOf(HasSubstr("none of its approvers"),
                                               HasSubstr("aldis approvers trust NAME KEY for dana, erik, fay")));
  const ApproverKey dana = world.configuration.approver("dana");
  EXPECT_THAT(refusal("worker").message, AllOf(HasSubstr("1 of its approvers"), HasSubstr("for erik, fay")));
  const ApproverKey erik = world.configuration.approver("erik");
  EXPECT_THAT(refusal("dana").message,
              AllOf(HasSubstr("1 of its approvers other than dana has"), HasSubstr("for fay")));
  EXPECT_TRUE(ask("worker")) << "a gate that was opened before learns of keys, too";
}

TEST_F(AnswerableRequests, count_no_key_that_was_revoked) {
  rule("approvers = [\"dana\"]\n");
  const ApproverKey dana = world.configuration.approver("dana");
  ApprovalGate worker = world.gate("worker");
  ASSERT_TRUE(revoke_approver(world.configuration.path(), "dana"));
  EXPECT_EQ(code_of(worker.open_request("deploy")), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(worker.request_approval("deploy")), ErrorCode::failed_precondition) << "it does not wait";
}

TEST_F(AnswerableRequests, that_were_opened_before_are_what_they_are_for_whoever_asks_again) {
  rule("approvers = [\"dana\"]\n");
  const ApproverKey dana = world.configuration.approver("dana");
  const ApprovalRequest first = *ask("worker", "release-1");
  for (std::size_t i = 0; i < limits::kApprovalPage; ++i) ASSERT_TRUE(ask("worker"));
  const ApprovalRequest last = *ask("worker", "release-2");
  ASSERT_TRUE(world.gate("worker").cancel(first.request_id));
  ASSERT_TRUE(revoke_approver(world.configuration.path(), "dana"));
  EXPECT_EQ(ask("worker", "release-1")->status, ApprovalState::cancelled);
  EXPECT_EQ(ask("worker", "release-2")->request_id, last.request_id) << "on the second page of what was asked";
  EXPECT_EQ(code_of(ask("worker", "release-3")), ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(ask("another", "release-1")), ErrorCode::failed_precondition) << "keys are an agent's own";
}

TEST_F(AnswerableRequests, in_open_mode_need_nobody) {
  rule("approvers = [\"dana\"]\n");
  EXPECT_TRUE(world.gate("worker").open_request("lunch"));
}

TEST_F(AnswerableRequests, that_are_refused_name_some_of_many) {
  rule("approvers = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\", \"k\", \"l\"]\n");
  EXPECT_THAT(refusal("worker").message, AllOf(HasSubstr("i, j and 2 more"), Not(HasSubstr("k, l"))));
}

TEST_F(AnswerableRequests, miss_whoever_has_no_key) {
  rule("approvers = [\"dana\", \"erik\"]\n");
  const ApproverKey dana = world.configuration.approver("dana");
  const ApprovalPolicy policy = world.configuration.policy();
  ASSERT_THAT(policy.rules(), SizeIs(1));
  EXPECT_THAT(approvers_without_key(policy, policy.rules().front()), ElementsAre("erik"));
}

}  // namespace
}  // namespace aldis::testing
