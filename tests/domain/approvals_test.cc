// ApprovalGate: asking, answering, cancelling, looking. The waiting is in approvals_wait_test.cc, signed mode in
// approvals_signed_test.cc.

#include <gmock/gmock.h>

#include "approvals_world.h"
#include "core/sha256.h"
#include "fakes/forked_child.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using enum ApprovalState;

std::vector<std::string> ids_of(const Result<std::vector<ApprovalRequest>>& requests) {
  EXPECT_TRUE(requests) << requests.error().message;
  std::vector<std::string> ids;
  for (const ApprovalRequest& request : requests.value_or(std::vector<ApprovalRequest>())) {
    ids.push_back(request.request_id);
  }
  return ids;
}

Json context_of(std::string_view text) { return *Json::parse(text); }

TEST(Approvals, a_request_is_pending_and_says_all_that_was_asked) {
  ApprovalsWorld world;
  const Json context = context_of(R"({ "version": "1.2" })");
  const ApprovalRequest request = world.ask("alice", "deploy", 90s, context);
  EXPECT_THAT(request.request_id, ::testing::StartsWith("apr_"));
  EXPECT_EQ(request.approval_type, "deploy");
  EXPECT_EQ(request.agent_id, "alice");
  EXPECT_EQ(request.context, context) << "the bytes as they were submitted";
  EXPECT_EQ(request.context_hash, sha256_hex(R"({ "version": "1.2" })"));
  EXPECT_EQ(request.timestamp, world.clock->wall_now());
  EXPECT_EQ(request.timeout, 90s);
  EXPECT_EQ(request.expires_at, request.timestamp + 90s);
  EXPECT_EQ(request.status, pending);
  EXPECT_EQ(request.responder, "");
  EXPECT_FALSE(request.decided_at);
  EXPECT_FALSE(request.verified);
  EXPECT_THAT(request.votes, IsEmpty());
  EXPECT_EQ(request.approvals, 0u);
  EXPECT_EQ(request.quorum, 1u);
  EXPECT_EQ(request.policy_hash, "") << "open mode";
}

TEST(Approvals, a_request_without_a_timeout_never_expires) {
  ApprovalsWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy", std::nullopt);
  EXPECT_FALSE(request.timeout);
  EXPECT_FALSE(request.expires_at);
  world.clock->advance(24h * 1000);
  EXPECT_EQ(world.gate().get_request(request.request_id)->status, pending);
}

TEST(Approvals, in_open_mode_the_first_answer_decides_and_is_not_verified) {
  for (const bool approve : {true, false}) {
    ApprovalsWorld world;
    const std::string id = world.ask().request_id;
    world.clock->advance(10s);
    const auto decided = world.gate("bob").respond_to_approval(id, approve, "bob", "looks fine");
    ASSERT_TRUE(decided) << decided.error().message;
    EXPECT_EQ(decided->status, approve ? approved : rejected);
    EXPECT_EQ(decided->responder, "bob");
    EXPECT_EQ(decided->reason, "looks fine");
    EXPECT_THAT(decided->decided_at, Optional(world.clock->wall_now()));
    EXPECT_FALSE(decided->verified);
    EXPECT_EQ(decided->approvals, approve ? 1u : 0u);
    ASSERT_THAT(decided->votes, SizeIs(1));
    EXPECT_EQ(decided->votes[0].responder, "bob");
    EXPECT_EQ(decided->votes[0].approved, approve);
    EXPECT_EQ(decided->votes[0].reason, "looks fine");
    EXPECT_EQ(decided->votes[0].time, world.clock->wall_now());
    EXPECT_FALSE(decided->votes[0].signature_valid);
    EXPECT_EQ(world.gate().get_request(id)->status, decided->status);
  }
}

TEST(Approvals, a_second_answer_is_a_conflict_that_says_who_decided_what_and_when) {
  ApprovalsWorld world;
  const std::string id = world.ask().request_id;
  ASSERT_TRUE(world.gate().respond_to_approval(id, false, "bob"));
  const std::string when = format_timestamp(world.clock->wall_now());
  world.clock->advance(1s);
  const Error error = error_of(world.gate().respond_to_approval(id, true, "carol"));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("rejected"), HasSubstr("bob"), HasSubstr(when)));
  EXPECT_EQ(code_of(world.gate("alice").cancel(id)), ErrorCode::conflict);
  EXPECT_EQ(world.gate().get_request(id)->responder, "bob");
}

TEST(Approvals, of_two_that_answer_at_the_same_moment_one_decides) {
  ApprovalsWorld world;
  const std::string id = world.ask().request_id;
  world.store->before_change = [&] { ASSERT_TRUE(world.gate().respond_to_approval(id, true, "bob")); };
  const Error error = error_of(world.gate().respond_to_approval(id, false, "carol"));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("approved"), HasSubstr("bob")));
  EXPECT_THAT(world.record(id).votes, SizeIs(1));
}

TEST(Approvals, a_late_answer_is_told_when_the_request_timed_out) {
  ApprovalsWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy", 10s);
  world.clock->advance(10s);
  const Error error = error_of(world.gate().respond_to_approval(request.request_id, true, "bob"));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("timed out at " + format_timestamp(*request.expires_at)));
}

TEST(Approvals, an_answer_that_the_deadline_overtakes_is_late) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice", "deploy", 10s).request_id;
  world.store->before_change = [&] { world.clock->advance(10s); };
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "bob")), ErrorCode::failed_precondition);
  EXPECT_EQ(world.gate().get_request(id)->status, timed_out);
}

TEST(Approvals, an_unknown_id_is_not_found_and_so_is_what_is_no_id) {
  ApprovalsWorld world;
  ApprovalGate gate = world.gate("alice");
  for (const char* id : {"apr_00000000000000000000000000", "sig_00000000000000000000000000", "apr_", "", "nonsense"}) {
    EXPECT_EQ(code_of(gate.get_request(id)), ErrorCode::not_found) << id;
    EXPECT_EQ(code_of(gate.wait(id)), ErrorCode::not_found) << id;
    EXPECT_EQ(code_of(gate.cancel(id)), ErrorCode::not_found) << id;
    EXPECT_EQ(code_of(gate.respond_to_approval(id, true, "bob")), ErrorCode::not_found) << id;
  }
  EXPECT_EQ(code_of(gate.list({.after = "nonsense"})), ErrorCode::not_found);
}

TEST(Approvals, nobody_answers_a_request_of_their_own) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "alice")), ErrorCode::permission_denied);
  EXPECT_EQ(code_of(world.gate("alice").respond_to_approval(id, true, "bob")), ErrorCode::permission_denied)
      << "not in another name either";
  EXPECT_EQ(code_of(world.gate("alice").respond_to_approval(id, false, "alice")), ErrorCode::permission_denied);
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
}

TEST(Approvals, only_the_agent_that_asked_cancels) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  for (const char* other : {"", "bob"}) EXPECT_EQ(code_of(world.gate(other).cancel(id)), ErrorCode::permission_denied);
  const auto cancelled_now = world.gate("alice").cancel(id, "no need");
  ASSERT_TRUE(cancelled_now) << cancelled_now.error().message;
  EXPECT_EQ(cancelled_now->status, cancelled);
  EXPECT_EQ(cancelled_now->responder, "alice");
  EXPECT_EQ(cancelled_now->reason, "no need");
  EXPECT_THAT(cancelled_now->votes, IsEmpty());
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "bob")), ErrorCode::conflict);
}

TEST(Approvals, a_request_times_out_although_nobody_waits_and_says_when_that_was_settled) {
  ApprovalsWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy", 10s);
  world.clock->advance(15s);
  const ApprovalRequest settled = *world.gate().get_request(request.request_id);
  EXPECT_EQ(settled.status, timed_out) << "never a verdict";
  EXPECT_EQ(settled.responder, "");
  EXPECT_EQ(settled.expires_at, request.expires_at);
  EXPECT_THAT(settled.decided_at, Optional(world.clock->wall_now()));
}

TEST(Approvals, a_deadline_is_not_moved_by_a_step_of_the_wall_clock) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice", "deploy", 10s).request_id;
  world.clock->step_wall(1h);
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
  EXPECT_TRUE(world.gate().respond_to_approval(id, true, "bob"));
}

TEST(Approvals, asking_again_with_the_same_key_is_the_same_request) {
  ApprovalsWorld world;
  ApprovalGate alice = world.gate("alice");
  const auto first = alice.open_request("deploy", context_of(R"({"a":1})"), 5min, {.key = "release 7"});
  const auto again = alice.open_request("deploy", context_of(R"({"a":1})"), 5min, {.key = "release 7"});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->request_id, first->request_id);
  const auto another_timeout = alice.open_request("deploy", context_of(R"({"a":1})"), 1h, {.key = "release 7"});
  EXPECT_EQ(another_timeout->request_id, first->request_id);
  EXPECT_EQ(another_timeout->timeout, 5min) << "as it is";
  EXPECT_THAT(world.audit(), SizeIs(1)) << "one request";
}

TEST(Approvals, asking_again_with_the_same_key_gets_the_decision_as_it_is) {
  ApprovalsWorld world;
  ApprovalGate alice = world.gate("alice");
  const std::string id = alice.open_request("deploy", {}, 5min, {.key = "k"})->request_id;
  ASSERT_TRUE(world.gate().respond_to_approval(id, false, "bob", "no"));
  world.clock->advance(24h * 29);
  const auto outcome = alice.request_approval("deploy", {}, 5min, {.key = "k"});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->end, ApprovalEnd::rejected);
  EXPECT_EQ(outcome->request.request_id, id);
  EXPECT_EQ(outcome->request.reason, "no");
  world.clock->advance(24h);
  EXPECT_NE(alice.open_request("deploy", {}, 5min, {.key = "k"})->request_id, id) << "30 days after the decision";
}

TEST(Approvals, a_key_belongs_to_its_agent_and_type) {
  ApprovalsWorld world;
  const std::string id = world.gate("alice").open_request("deploy", {}, 5min, {.key = "k"})->request_id;
  EXPECT_NE(world.gate("bob").open_request("deploy", {}, 5min, {.key = "k"})->request_id, id);
  EXPECT_NE(world.gate("alice").open_request("delete", {}, 5min, {.key = "k"})->request_id, id);
  EXPECT_NE(world.gate("alice").open_request("deploy", {}, 5min)->request_id, id);
  EXPECT_NE(world.gate("alice").open_request("deploy", {}, 5min)->request_id,
            world.gate("alice").open_request("deploy", {}, 5min)->request_id)
      << "no key, no sameness";
}

TEST(Approvals, the_same_key_with_another_context_is_a_conflict) {
  ApprovalsWorld world;
  ApprovalGate alice = world.gate("alice");
  const auto first = alice.open_request("deploy", context_of(R"({"a":1})"), 5min, {.key = "k"});
  const Error error = error_of(alice.open_request("deploy", context_of(R"({"a": 1})"), 5min, {.key = "k"}));
  EXPECT_EQ(error.code, ErrorCode::conflict) << "bytes count, not meaning";
  EXPECT_THAT(error.message, AllOf(HasSubstr(first->request_id), HasSubstr("context")));
  EXPECT_EQ(code_of(alice.request_approval("deploy", {}, 5min, {.key = "k"})), ErrorCode::conflict);
}

TEST(Approvals, the_same_key_after_the_policy_changed_is_a_conflict) {
  ApprovalsWorld world;
  ASSERT_TRUE(world.gate("alice").open_request("deploy", {}, 5min, {.key = "k"}));
  world.configuration.write_rules("[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\"]\n");
  const Error error = error_of(world.gate("alice").open_request("deploy", {}, 5min, {.key = "k"}));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, HasSubstr("policy"));
}

TEST(Approvals, what_is_out_of_bounds_is_refused_and_leaves_nothing) {
  ApprovalsWorld world;
  ApprovalGate alice = world.gate("alice");
  const auto refused = [&](std::string_view type, std::optional<nanoseconds> timeout, std::string key = {}) {
    return code_of(alice.open_request(type, {}, timeout, {.key = std::move(key)})) == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused("", 5min));
  EXPECT_TRUE(refused("two words", 5min));
  EXPECT_TRUE(refused("deploy", 0s));
  EXPECT_TRUE(refused("deploy", -1s));
  EXPECT_TRUE(refused("deploy", limits::kApprovalTimeoutMax + 1ns));
  EXPECT_TRUE(refused("deploy", 5min, std::string(limits::kApprovalKeyBytesMax + 1, 'k')));
  EXPECT_TRUE(refused("deploy", 5min, "\xff"));
  EXPECT_TRUE(refused("deploy", 5min, "a\nb"));
  EXPECT_EQ(code_of(world.gate().open_request("deploy")), ErrorCode::invalid_argument) << "nobody asks";
  EXPECT_THAT(world.audit(), IsEmpty());
  EXPECT_TRUE(alice.open_request("deploy", {}, limits::kApprovalTimeoutMax,
                                 {.key = std::string(limits::kApprovalKeyBytesMax, 'k')}));
}

TEST(Approvals, answers_that_are_out_of_bounds_are_refused_and_decide_nothing) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  ApprovalGate gate = world.gate();
  const std::string longest(limits::kReasonBytesMax, 'r');
  for (const char* responder : {"", "two words", "-x"}) {
    EXPECT_EQ(code_of(gate.respond_to_approval(id, true, responder)), ErrorCode::invalid_argument);
  }
  for (const std::string& reason : {longest + "r", std::string("\xff"), std::string("a\x1b[2Jb")}) {
    EXPECT_EQ(code_of(gate.respond_to_approval(id, true, "bob", reason)), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(world.gate("alice").cancel(id, reason)), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(gate.get_request(id)->status, pending);
  EXPECT_TRUE(gate.respond_to_approval(id, true, "bob", longest));
}

TEST(Approvals, the_key_of_somebody_else_is_refused) {
  ApprovalsWorld world;
  const ApproverKey dana = world.configuration.approver("dana");
  EXPECT_EQ(code_of(world.gate().respond_to_approval(world.ask().request_id, true, "bob", {}, &dana)),
            ErrorCode::invalid_argument);
}

TEST(Approvals, an_agent_id_that_is_no_name_opens_no_gate) {
  ApprovalsWorld world;
  EXPECT_EQ(code_of(ApprovalGate::open(world.workspace(), "two words")), ErrorCode::invalid_argument);
}

TEST(Approvals, a_policy_that_is_not_well_formed_opens_no_gate) {
  ApprovalsWorld world;
  world.configuration.write_rules("[[rule]]\n");
  EXPECT_EQ(code_of(ApprovalGate::open(world.workspace(), "alice")), ErrorCode::invalid_argument);
}

TEST(Approvals, pending_ones_are_listed_oldest_first_and_never_an_expired_one) {
  ApprovalsWorld world;
  const std::string first = world.ask("alice", "deploy", 10s).request_id;
  world.clock->advance(1s);
  const std::string second = world.ask("bob", "delete", 1h).request_id;
  world.clock->advance(1s);
  const std::string third = world.ask("alice", "deploy", std::nullopt).request_id;
  EXPECT_THAT(ids_of(world.gate().get_pending_approvals()), ElementsAre(first, second, third));
  EXPECT_THAT(ids_of(world.gate().get_pending_approvals("deploy")), ElementsAre(first, third));
  EXPECT_THAT(ids_of(world.gate().get_pending_approvals("restart")), IsEmpty());
  world.clock->advance(8s);
  EXPECT_THAT(ids_of(world.gate().get_pending_approvals()), ElementsAre(second, third));
  ASSERT_TRUE(world.gate().respond_to_approval(second, true, "carol"));
  EXPECT_THAT(ids_of(world.gate().get_pending_approvals()), ElementsAre(third));
  EXPECT_EQ(code_of(world.gate().get_pending_approvals("two words")), ErrorCode::invalid_argument);
}

TEST(Approvals, more_pending_ones_than_a_page_are_all_listed) {
  ApprovalsWorld world;
  ApprovalGate alice = world.gate("alice");
  std::vector<std::string> asked;
  for (std::size_t i = 0; i < 2 * limits::kApprovalPage + 1; ++i) {
    asked.push_back(alice.open_request("deploy")->request_id);
    world.clock->advance(1ms);
  }
  EXPECT_EQ(ids_of(world.gate().get_pending_approvals()), asked);
}

TEST(Approvals, are_listed_page_by_page_and_by_what_a_filter_asks_for) {
  ApprovalsWorld world;
  std::vector<std::string> ids;
  for (const char* type : {"deploy", "delete", "deploy", "deploy"}) {
    ids.push_back(world.ask(ids.size() == 2 ? "bob" : "alice", type).request_id);
    world.clock->advance(1ms);
  }
  ASSERT_TRUE(world.gate().respond_to_approval(ids[3], true, "carol"));
  ApprovalGate gate = world.gate();
  EXPECT_EQ(ids_of(gate.list()), ids);
  EXPECT_THAT(ids_of(gate.list({.type = "deploy"})), ElementsAre(ids[0], ids[2], ids[3]));
  EXPECT_THAT(ids_of(gate.list({.agent_id = "bob"})), ElementsAre(ids[2]));
  EXPECT_THAT(ids_of(gate.list({.states = {approved, rejected}})), ElementsAre(ids[3]));
  EXPECT_THAT(ids_of(gate.list({.count = 2})), ElementsAre(ids[0], ids[1]));
  EXPECT_THAT(ids_of(gate.list({.after = ids[1], .count = 2})), ElementsAre(ids[2], ids[3]));
  EXPECT_THAT(ids_of(gate.list({.after = ids[3]})), IsEmpty());
}

TEST(Approvals, a_filter_that_is_out_of_bounds_is_refused) {
  ApprovalsWorld world;
  ApprovalGate gate = world.gate();
  EXPECT_EQ(code_of(gate.list({.count = 0})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(gate.list({.count = limits::kApprovalPage + 1})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(gate.list({.type = "two words"})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(gate.list({.agent_id = "two words"})), ErrorCode::invalid_argument);
}

TEST(Approvals, clearing_removes_timed_out_ones_that_are_older_than_they_are_kept) {
  ApprovalsWorld world;
  world.ask("alice", "deploy", 10s);
  const std::string decided = world.ask("alice", "deploy", 10s).request_id;
  ASSERT_TRUE(world.gate().respond_to_approval(decided, true, "bob"));
  world.clock->advance(1h);
  EXPECT_EQ(*world.gate().clear_expired_requests(), 0u);
  EXPECT_THAT(ids_of(world.gate().list()), SizeIs(2));
  world.clock->advance(limits::kApprovalRetention + 1s);
  EXPECT_EQ(*world.gate().clear_expired_requests(), 1u);
  EXPECT_THAT(ids_of(world.gate().list()), SizeIs(0));
}

TEST(Approvals, clearing_goes_on_until_nothing_is_left) {
  class OldOnes final : public ApprovalStore {
   public:
    std::uint64_t left = 2 * limits::kApprovalPage + 7;
    nanoseconds age{0};
    Result<std::uint64_t> remove_timed_out(nanoseconds older_than) override {
      age = older_than;
      const std::uint64_t removed = std::min<std::uint64_t>(left, limits::kApprovalPage);
      left -= removed;
      return removed;
    }
    Result<OpenedApproval> open(const ApprovalSubject&) override { return fail(ErrorCode::internal, "not here"); }
    Result<std::optional<ApprovalReading>> read(const Id128&) override { return std::nullopt; }
    Result<std::vector<ApprovalReading>> list(const ApprovalPage&) override { return std::vector<ApprovalReading>(); }
    Result<ChangeOutcome> change(const Id128&, const ApprovalChange&) override {
      return fail(ErrorCode::internal, "not here");
    }
    Result<std::string> store_id() override { return std::string(); }
  };
  const auto old_ones = std::make_shared<OldOnes>();
  ApprovalsWorld world;
  WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
  parts.approvals = old_ones;
  WorkspaceOptions options;
  options.configuration_directory = world.configuration.path();
  const Workspace workspace(std::make_shared<Workspace::Impl>(options, std::move(parts)));
  EXPECT_EQ(*ApprovalGate::open(workspace)->clear_expired_requests(), 2 * limits::kApprovalPage + 7);
  EXPECT_EQ(old_ones->age, limits::kApprovalRetention);
}

TEST(Approvals, every_request_vote_and_outcome_is_in_the_audit_log) {
  ApprovalsWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy", 5min, context_of(R"({"a":1})"));
  ASSERT_TRUE(world.gate().respond_to_approval(request.request_id, false, "bob", "no"));
  world.ask("alice", "delete", 10s);
  world.clock->advance(10s);
  const std::string third = world.ask("alice").request_id;
  ASSERT_TRUE(world.gate("alice").cancel(third));
  std::vector<std::string> said;
  for (const AuditEntry& entry : world.audit()) {
    said.push_back(fmt::format("{} {} {} {}", to_string(entry.kind), entry.approval_type, entry.actor, entry.outcome));
  }
  EXPECT_THAT(said, ElementsAre("requested deploy alice ", "vote deploy bob rejected", "decided deploy bob rejected",
                                "requested delete alice ", "decided delete  timed_out", "requested deploy alice ",
                                "decided deploy alice cancelled"));
  EXPECT_EQ(world.audit()[1].context_hash, request.context_hash);
  EXPECT_EQ(world.audit()[1].detail_hash, sha256_hex("no"));
}

TEST(Approvals, on_a_store_that_cannot_be_reached_every_call_says_so) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  ApprovalGate alice = world.gate("alice");
  world.store->failing = true;
  EXPECT_EQ(code_of(alice.request_approval("deploy")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.open_request("deploy")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.wait(id)), ErrorCode::unavailable);
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "bob")), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.cancel(id)), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.get_pending_approvals()), ErrorCode::unavailable) << "never \"nothing there\"";
  EXPECT_EQ(code_of(alice.get_request(id)), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.list()), ErrorCode::unavailable);
  EXPECT_EQ(code_of(alice.clear_expired_requests()), ErrorCode::unavailable);
  world.store->failing = false;
  EXPECT_EQ(alice.get_request(id)->status, pending) << "nothing was changed";
}

TEST(Approvals, a_store_that_is_lost_between_reading_and_changing_decides_nothing) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  world.store->before_change = [&] { world.store->failing = true; };
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "bob")), ErrorCode::unavailable);
  EXPECT_EQ(world.record(id).state, pending);
}

TEST(ApprovalsFork, every_call_in_the_child_is_refused) {
  ApprovalsWorld world;
  const std::string id = world.ask("alice").request_id;
  const Workspace workspace = world.workspace();
  ApprovalGate alice = *ApprovalGate::open(workspace, "alice");
  const AuditLog log(workspace);
  AuditLog rotated(workspace);
  const std::string refused = in_a_child([&] {
    std::string codes;
    const auto note = [&](const auto& result) {
      codes += !result && result.error().code == ErrorCode::failed_precondition ? '+' : '-';
    };
    note(ApprovalGate::open(workspace, "carol"));
    note(alice.request_approval("deploy"));
    note(alice.open_request("deploy"));
    note(alice.wait(id));
    note(alice.respond_to_approval(id, true, "bob"));
    note(alice.cancel(id));
    note(alice.get_pending_approvals());
    note(alice.get_request(id));
    note(alice.list());
    note(alice.clear_expired_requests());
    note(log.list());
    note(log.head());
    note(log.verify());
    note(log.for_each([](const AuditEntry&) { return true; }));
    note(rotated.rotate({}, "carol"));
    return codes;
  });
  EXPECT_EQ(refused, std::string(15, '+'));
  EXPECT_EQ(alice.get_request(id)->status, pending) << "the parent goes on";
}

}  // namespace
}  // namespace aldis::testing
