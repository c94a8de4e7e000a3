// ApprovalGate where somebody changed records in the store: an id alone proves nothing, and who waits or answers says
// what it takes the request for. And a store that is only slow.

#include <gmock/gmock.h>

#include "approvals_world.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum ApprovalState;

struct Tampering {
  const char* what;  // the message names it
  void (*change)(ApprovalRecord&);
};

std::ostream& operator<<(std::ostream& out, const Tampering& tampering) { return out << tampering.what; }

class ChangedApprovals : public ::testing::TestWithParam<Tampering> {
 protected:
  void tamper() {
    world.store->tamper = [](ApprovalReading& reading) { GetParam().change(reading.record); };
  }

  ApprovalsWorld world;
};

TEST_P(ChangedApprovals, are_no_outcome_of_what_was_asked) {
  const ApprovalRequest asked = world.ask("alice");
  ASSERT_TRUE(world.gate().respond_to_approval(asked.request_id, true, "bob"));
  EXPECT_EQ(world.gate("alice").wait(asked)->end, ApprovalEnd::approved);
  tamper();
  const Error error = error_of(world.gate("alice").wait(asked));
  EXPECT_EQ(error.code, ErrorCode::data_loss);
  EXPECT_THAT(error.message, HasSubstr(std::string("somebody changed its ") + GetParam().what));
}

TEST_P(ChangedApprovals, end_a_wait_while_they_are_pending) {
  const ApprovalRequest asked = world.ask("alice");
  world.waker->steps.push_back([this] { tamper(); });
  EXPECT_EQ(code_of(world.gate("alice").wait(asked)), ErrorCode::data_loss);
}

TEST_P(ChangedApprovals, take_no_answer_of_whoever_read_another) {
  const ApprovalRequest read = world.ask("alice");
  tamper();
  const Error error = error_of(world.gate().respond_to_approval(read, true, "bob"));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, HasSubstr(std::string("was changed since you read it, its ") + GetParam().what));
  EXPECT_THAT(world.record(read.request_id).votes, IsEmpty());
  world.store->tamper = {};
  EXPECT_EQ(world.gate().respond_to_approval(read, true, "bob")->status, approved);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ChangedApprovals,
    ::testing::Values(Tampering{"type", [](ApprovalRecord& record) { record.subject.type = "deploy/prod"; }},
                      Tampering{"agent", [](ApprovalRecord& record) { record.subject.agent = "mallory"; }},
                      Tampering{"context", [](ApprovalRecord& record) { put_context(record, R"({"to":"prod"})"); }},
                      Tampering{"deadline", [](ApprovalRecord& record) { *record.expires_at += 1h; }}),
    [](const auto& tampering) { return std::string(tampering.param.what); });

TEST(ChangedRequests, are_not_what_their_key_stood_for) {
  ApprovalsWorld world;
  ApprovalGate alice = world.gate("alice");
  ASSERT_TRUE(alice.open_request("deploy", {}, 5min, {.key = "release"}));
  world.store->tamper = [](ApprovalReading& reading) { reading.record.subject.type = "restart"; };
  EXPECT_EQ(code_of(alice.open_request("deploy", {}, 5min, {.key = "release"})), ErrorCode::data_loss);
  world.store->tamper = [](ApprovalReading& reading) { reading.record.subject.agent = "mallory"; };
  EXPECT_EQ(code_of(alice.open_request("deploy", {}, 5min, {.key = "release"})), ErrorCode::data_loss);
}

TEST(ChangedRequests, are_refused_by_whoever_read_another_at_the_moment_of_the_vote) {
  SignedWorld world;
  const ApprovalRequest read = world.ask("alice", "deploy", 5min, *Json::parse(R"({"to":"test"})"));
  world.store->before_change = [&] {
    ASSERT_TRUE(world.vote(read.request_id, world.erik)) << "so that the vote is decided on anew";
    world.store->tamper = [](ApprovalReading& reading) { put_context(reading.record, R"({"to":"prod"})"); };
  };
  EXPECT_EQ(code_of(world.gate().respond_to_approval(read, true, "dana", {}, &world.dana)), ErrorCode::conflict);
  EXPECT_THAT(world.record(read.request_id).votes, SizeIs(1));
}

TEST(ChangedRequests, are_read_again_when_the_quorum_here_is_another) {
  SignedWorld world;
  const ApprovalRequest read = world.ask();
  world.configuration.write_rules("[[rule]]\ntype = \"deploy*\"\napprovers = [\"dana\", \"erik\"]\nquorum = 1\n");
  const Error error = error_of(world.gate().respond_to_approval(read, true, "dana", {}, &world.dana));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, HasSubstr("quorum"));
}

// A gate on the same store whose configuration has no rules.
class PolicyElsewhere : public ::testing::Test {
 protected:
  ApprovalGate gate_without_rules(std::string agent = {}) {
    WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
    parts.approvals = world.store;
    parts.waker = world.waker;
    WorkspaceOptions options;
    options.configuration_directory = without_rules.path();
    return *ApprovalGate::open(Workspace(std::make_shared<Workspace::Impl>(options, std::move(parts))),
                               std::move(agent));
  }

  SignedWorld world;
  ConfigurationWorld without_rules;
};

TEST_F(PolicyElsewhere, makes_no_verdict_believed_by_whoever_has_no_rule) {
  for (const ApprovalState verdict : {approved, rejected}) {
    const ApprovalRequest asked = world.ask();
    world.store_change(asked.request_id, verdict, "mallory");
    const ApprovalRequest seen = *gate_without_rules().get_request(asked.request_id);
    EXPECT_EQ(seen.status, pending);
    EXPECT_THAT(seen.reason, HasSubstr("was opened under a policy that is not here"));
    EXPECT_TRUE(seen.is_signed);
    for (const auto& waited :
         {gate_without_rules("alice").wait(asked), gate_without_rules("alice").wait(asked.request_id, 0s)}) {
      EXPECT_EQ(code_of(waited), ErrorCode::failed_precondition);
    }
  }
}

TEST_F(PolicyElsewhere, makes_no_verdict_believed_where_only_other_types_have_rules) {
  without_rules.write_rules("[[rule]]\ntype = \"restart\"\napprovers = [\"dana\"]\n");
  const ApprovalRequest asked = world.ask();
  world.store_change(asked.request_id, approved, "mallory");
  EXPECT_EQ(code_of(gate_without_rules("alice").wait(asked)), ErrorCode::failed_precondition);
}

TEST_F(PolicyElsewhere, leaves_a_timeout_and_a_cancellation_what_they_are) {
  const ApprovalRequest cancelled_one = world.ask();
  ASSERT_TRUE(world.gate("alice").cancel(cancelled_one.request_id));
  EXPECT_EQ(gate_without_rules().wait(cancelled_one)->end, ApprovalEnd::cancelled);
  const ApprovalRequest short_one = world.ask("alice", "deploy", 1s);
  EXPECT_EQ(world.gate("alice").wait(short_one)->end, ApprovalEnd::timed_out);
  EXPECT_EQ(gate_without_rules().wait(short_one)->end, ApprovalEnd::timed_out);
}

TEST_F(PolicyElsewhere, does_not_decide_what_is_shown) {
  const ApprovalRequest asked = world.ask();
  EXPECT_TRUE(asked.is_signed);
  const std::string open_one = world.ask("alice", "restart").request_id;
  world.store->tamper = [](ApprovalReading& reading) {
    reading.record.subject.quorum = 1;
    reading.record.subject.policy_hash.clear();
  };
  EXPECT_TRUE(world.gate().get_request(asked.request_id)->is_signed) << "the rule here says so";
  EXPECT_EQ(world.gate().get_request(asked.request_id)->quorum, 2u);
  world.store->tamper = [](ApprovalReading& reading) { reading.record.subject.quorum = 7; };
  EXPECT_FALSE(world.gate().get_request(open_one)->is_signed);
  EXPECT_EQ(world.gate().get_request(open_one)->quorum, 1u);
}

TEST(DamagedContexts, are_no_requests_and_hide_no_others) {
  ApprovalsWorld world;
  const std::string damaged = world.ask().request_id;
  const std::string sound = world.ask().request_id;
  for (const char* text : {"", "{", "[1]", "{\"a\":1}x", "\xff"}) {
    world.store->tamper = [&](ApprovalReading& reading) {
      if (format_id(kApprovalIdPrefix, reading.record.subject.id) == damaged) put_context(reading.record, text);
    };
    const Error error = error_of(world.gate().get_request(damaged));
    EXPECT_EQ(error.code, ErrorCode::data_loss) << text;
    EXPECT_THAT(error.message, HasSubstr("no JSON object"));
    EXPECT_EQ(code_of(world.gate().wait(damaged)), ErrorCode::data_loss);
    EXPECT_EQ(code_of(world.gate().respond_to_approval(damaged, true, "bob")), ErrorCode::data_loss);
    const auto listed = world.gate().get_pending_approvals();
    ASSERT_TRUE(listed) << listed.error().message;
    ASSERT_THAT(*listed, SizeIs(1));
    EXPECT_EQ(listed->front().request_id, sound);
  }
}

// The rule sets the deadline, not who can write to the store.
TEST(DeadlinesOfRules, are_those_of_the_record_or_nothing_is_believed) {
  SignedWorld world;
  world.configuration.write_rules(
      "[[rule]]\ntype = \"fixed\"\napprovers = [\"dana\"]\ntimeout_seconds = 600\n"
      "[[rule]]\ntype = \"endless\"\napprovers = [\"dana\"]\ntimeout = \"none\"\n");
  for (const char* type : {"fixed", "endless"}) {
    const ApprovalRequest asked = world.ask("alice", type);
    world.store->tamper = [](ApprovalReading& reading) {
      reading.record.subject.timeout = 1h;
      reading.record.expires_at = reading.record.opened_at + 1h;
    };
    EXPECT_EQ(code_of(world.vote(asked.request_id, world.dana)), ErrorCode::data_loss) << type;
    const Error error = error_of(world.gate("alice").wait(asked.request_id));
    EXPECT_EQ(error.code, ErrorCode::data_loss) << type;
    EXPECT_THAT(error.message, HasSubstr("another deadline than the rule"));
    world.store->tamper = {};
    EXPECT_EQ(world.vote(asked.request_id, world.dana)->status, approved) << type;
    EXPECT_EQ(world.gate("alice").wait(asked)->end, ApprovalEnd::approved) << type;
  }
}

TEST(SlowStores, are_unavailable_and_only_patience_ends_in_a_deadline) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  ApprovalGate alice = world.gate("alice");
  EXPECT_EQ(code_of(alice.wait(id, 0s)), ErrorCode::deadline_exceeded);
  world.store->failing = true;
  world.store->fails_with = ErrorCode::deadline_exceeded;
  EXPECT_EQ(code_of(alice.wait(id, 0s)), ErrorCode::unavailable);
  EXPECT_TRUE(error_of(alice.wait(id, 0s)).retryable);
  EXPECT_EQ(code_of(alice.open_request("deploy")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "bob")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.list()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.clear_expired_requests()), ErrorCode::unavailable);
  world.store->failing = false;
  world.store->before_change = [&] { world.store->failing = true; };
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "bob")), ErrorCode::unavailable);
}

TEST(NamedConfigurations, that_do_not_exist_open_no_gate) {
  ApprovalsWorld world;
  WorkspaceOptions options;
  options.configuration_directory = world.configuration.file("nowhere");
  WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
  const Workspace workspace(std::make_shared<Workspace::Impl>(options, std::move(parts)));
  const Error error = error_of(ApprovalGate::open(workspace));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr(options.configuration_directory));
}

}  // namespace
}  // namespace aldis::testing
