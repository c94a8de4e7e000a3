// ApprovalGate in signed mode: who answers, what counts, and what whoever can write to the store cannot do.

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "approvals_world.h"
#include "domain/approval_signature.h"
#include "fakes/forked_child.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum ApprovalState;

TEST(SignedApprovals, record_the_policy_in_force_and_its_timeout) {
  SignedWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy/eu", 90s);
  EXPECT_EQ(request.quorum, 2u);
  EXPECT_EQ(request.policy_hash, world.configuration.policy().rule_for("deploy/eu")->hash());
  EXPECT_EQ(request.timeout, 90s) << "the rule leaves it to the request";
  EXPECT_EQ(world.ask("alice", "restart").policy_hash, "") << "no rule: open mode";
  world.configuration.write_rules(
      "[[rule]]\ntype = \"a\"\napprovers = [\"dana\"]\ntimeout_seconds = 600\n"
      "[[rule]]\ntype = \"b\"\napprovers = [\"dana\"]\ntimeout = \"none\"\n");
  EXPECT_EQ(world.ask("alice", "a", 90s).timeout, 10min);
  EXPECT_EQ(world.ask("alice", "b", 90s).timeout, std::nullopt);
}

TEST(SignedApprovals, are_approved_by_as_many_as_the_rule_asks_for) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  const auto first = world.vote(id, world.dana);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->status, pending);
  EXPECT_EQ(first->approvals, 1u);
  ASSERT_THAT(first->votes, SizeIs(1));
  EXPECT_TRUE(first->votes[0].signature_valid);
  EXPECT_EQ(first->votes[0].key_id, world.dana.key_id());
  const auto second = world.vote(id, world.fay);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->status, approved);
  EXPECT_EQ(second->responder, "fay");
  EXPECT_EQ(second->reason, "said fay");
  EXPECT_EQ(second->approvals, 2u);
  EXPECT_EQ(world.gate().wait(id)->end, ApprovalEnd::approved);
}

TEST(SignedApprovals, are_rejected_by_one) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  EXPECT_EQ(world.vote(id, world.erik, false)->status, rejected);
  EXPECT_EQ(world.gate().wait(id)->request.responder, "erik");
  EXPECT_EQ(code_of(world.vote(id, world.fay)), ErrorCode::conflict);
}

TEST(SignedApprovals, take_no_vote_without_a_signature) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, true, "dana")), ErrorCode::permission_denied);
  EXPECT_EQ(code_of(world.gate().respond_to_approval(id, false, "dana")), ErrorCode::permission_denied);
  EXPECT_THAT(world.record(id).votes, IsEmpty());
}

TEST(SignedApprovals, take_a_second_vote_of_nobody) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  EXPECT_EQ(code_of(world.vote(id, world.dana)), ErrorCode::conflict);
  EXPECT_EQ(code_of(world.vote(id, world.dana, false)), ErrorCode::conflict);
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
}

TEST(SignedApprovals, take_votes_of_approvers_alone) {
  SignedWorld world;
  const ApproverKey greta = world.configuration.approver("greta");
  const std::string id = world.ask().request_id;
  EXPECT_EQ(code_of(world.vote(id, greta)), ErrorCode::permission_denied) << "trusted, but not for this";
  world.configuration.write_rules("[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\", \"hugo\"]\n");
  world.configuration.enroll("hugo");
  EXPECT_EQ(code_of(world.vote(world.ask().request_id, world.configuration.unseal("hugo"))),
            ErrorCode::permission_denied)
      << "named, but not trusted";
  EXPECT_EQ(code_of(world.vote(world.ask("hugo").request_id, world.configuration.unseal("hugo"))),
            ErrorCode::permission_denied)
      << "their own request";
}

TEST(SignedApprovals, of_which_others_vote_at_the_same_moment_lose_no_vote) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  world.store->before_change = [&] { ASSERT_TRUE(world.vote(id, world.dana)); };
  const auto second = world.vote(id, world.erik);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->status, approved);
  EXPECT_THAT(world.record(id).votes, SizeIs(2));
  EXPECT_EQ(world.store->changes, 3) << "one lost, and decided anew";
}

TEST(SignedApprovals, whose_votes_are_taken_away_by_others_time_after_time_end_as_a_conflict) {
  class NeverFirst final : public ApprovalStore {
   public:
    explicit NeverFirst(std::shared_ptr<ApprovalStore> store) : store_(std::move(store)) {}
    int changes = 0;
    Result<ChangeOutcome> change(const Id128& id, const ApprovalChange& change) override {
      ++changes;
      ApprovalReading reading = **store_->read(id);
      reading.record.version = change.seen_version + 1;
      return ChangeOutcome{ApprovalSuperseded{std::move(reading)}};
    }
    Result<OpenedApproval> open(const ApprovalSubject& subject) override { return store_->open(subject); }
    Result<std::optional<ApprovalReading>> read(const Id128& id) override { return store_->read(id); }
    Result<std::vector<ApprovalReading>> list(const ApprovalPage& page) override { return store_->list(page); }
    Result<std::uint64_t> remove_timed_out(nanoseconds age) override { return store_->remove_timed_out(age); }
    Result<std::string> store_id() override { return store_->store_id(); }

   private:
    const std::shared_ptr<ApprovalStore> store_;
  };
  ApprovalsWorld world;
  const std::string id = world.ask().request_id;
  const auto never_first = std::make_shared<NeverFirst>(world.store);
  WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
  parts.approvals = never_first;
  WorkspaceOptions options;
  options.configuration_directory = world.configuration.path();
  const Workspace workspace(std::make_shared<Workspace::Impl>(options, std::move(parts)));
  EXPECT_EQ(code_of(ApprovalGate::open(workspace)->respond_to_approval(id, true, "bob")), ErrorCode::conflict);
  EXPECT_EQ(never_first->changes, static_cast<int>(limits::kQuorumMax) + 2) << "it does not try for ever";
}

// What whoever can write to the store may try.

TEST(ForgedApprovals, a_stored_approval_without_votes_approves_nothing_and_times_out) {
  SignedWorld world;
  const std::string id = world.ask("alice", "deploy", 10min).request_id;
  world.store_change(id, approved, "dana");
  const ApprovalRequest shown = *world.gate().get_request(id);
  EXPECT_EQ(shown.status, pending);
  EXPECT_EQ(shown.stored_status, approved);
  EXPECT_EQ(shown.responder, "");
  EXPECT_FALSE(shown.decided_at);
  EXPECT_THAT(shown.reason, AllOf(HasSubstr("approved"), HasSubstr("dana"), HasSubstr("do not prove")));
  EXPECT_THAT(*world.gate().list({.states = {approved}}), IsEmpty());
  EXPECT_THAT(*world.gate().list(), SizeIs(1));
  const Error still = error_of(world.gate("alice").wait(id, 0s));
  EXPECT_THAT(still.message, AllOf(HasSubstr("still pending"), HasSubstr("stored as approved by dana")));
  EXPECT_EQ(world.time_of([&] { EXPECT_EQ(world.gate("alice").wait(id)->end, ApprovalEnd::timed_out); }), 10min);
  EXPECT_EQ(world.gate().get_request(id)->status, timed_out);
}

TEST(ForgedApprovals, a_stored_rejection_without_votes_rejects_nothing) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  world.store_change(id, rejected, "dana");
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
}

TEST(ForgedApprovals, an_approver_whose_answer_the_store_does_not_take_any_more_is_told_why) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  world.store_change(id, approved, "dana");
  const Error error = error_of(world.vote(id, world.erik));
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, AllOf(HasSubstr("stored as approved by dana"), HasSubstr("Ask again")));
}

TEST(ForgedApprovals, votes_without_a_valid_signature_count_as_absent_and_keep_nobody_from_voting) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  for (const ApproverKey* key : {&world.dana, &world.erik}) {
    StoredVote vote;
    vote.responder = key->name();
    vote.approved = true;
    vote.time = world.clock->wall_now();
    vote.key_id = key->key_id();
    vote.signature = std::string(64, 's');
    world.store_change(id, pending, {}, vote);
  }
  const ApprovalRequest shown = *world.gate().get_request(id);
  EXPECT_EQ(shown.approvals, 0u);
  EXPECT_FALSE(shown.votes[0].signature_valid);
  EXPECT_EQ(world.vote(id, world.dana)->approvals, 1u);
  EXPECT_EQ(world.vote(id, world.erik)->status, approved);
  EXPECT_EQ(world.gate().wait(id)->end, ApprovalEnd::approved);
}

TEST(ForgedApprovals, a_vote_on_one_request_is_none_on_another) {
  SignedWorld world;
  const std::string first = world.ask().request_id;
  ASSERT_TRUE(world.vote(first, world.dana));
  ASSERT_TRUE(world.vote(first, world.erik));
  const std::string second = world.ask().request_id;
  for (const StoredVote& vote : world.record(first).votes) world.store_change(second, pending, {}, vote);
  world.store_change(second, approved, "erik");
  EXPECT_EQ(world.gate().get_request(second)->status, pending);
  EXPECT_EQ(world.gate().get_request(second)->approvals, 0u);
}

TEST(ForgedApprovals, a_vote_in_one_namespace_is_none_in_another) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  ASSERT_TRUE(world.vote(id, world.erik));
  ApprovalGate elsewhere = *ApprovalGate::open(world.workspace("testing"));
  EXPECT_EQ(elsewhere.get_request(id)->status, pending);
  EXPECT_EQ(world.gate().get_request(id)->status, approved);
}

TEST(ForgedApprovals, a_request_that_was_changed_after_the_votes_is_not_what_was_approved) {
  SignedWorld world;
  const std::string id = world.ask("alice", "deploy", 5min, *Json::parse(R"({"to":"test"})")).request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  ASSERT_TRUE(world.vote(id, world.erik));
  const auto status_when = [&](auto tamper) {
    world.store->tamper = [=](ApprovalReading& reading) { tamper(reading.record); };
    return world.gate().get_request(id)->status;
  };
  EXPECT_EQ(status_when([](ApprovalRecord&) {}), approved);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { put_context(record, R"({"to":"prod"})"); }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { record.subject.type = "deploy/prod"; }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { record.subject.agent = "mallory"; }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { *record.expires_at += 1h; }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { record.subject.policy_hash.clear(); }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { record.votes[0].approved = false; }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { record.votes.pop_back(); }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) { record.votes[1] = record.votes[0]; }), pending);
  EXPECT_EQ(status_when([](ApprovalRecord& record) {
              record.subject.quorum = 1;
              record.votes.pop_back();
            }),
            pending)
      << "the quorum is that of our own rule";
}

TEST(ForgedApprovals, the_hash_that_is_shown_is_that_of_the_context_that_is_shown) {
  SignedWorld world;
  const ApprovalRequest asked = world.ask("alice", "deploy", 5min, *Json::parse(R"({"to":"test"})"));
  world.store->tamper = [](ApprovalReading& reading) { put_context(reading.record, R"({"to":"prod"})"); };
  EXPECT_NE(world.gate().get_request(asked.request_id)->context_hash, asked.context_hash);
  world.store->tamper = [](ApprovalReading& reading) { reading.record.subject.context = R"({"to":"prod"})"; };
  EXPECT_EQ(code_of(world.gate().get_request(asked.request_id)), ErrorCode::data_loss) << "it is not what is stored";
}

TEST(ForgedApprovals, whoever_asks_and_waits_is_not_told_that_something_else_was_approved) {
  SignedWorld world;
  world.waker->steps.push_back([&] {
    world.store->tamper = [](ApprovalReading& reading) { put_context(reading.record, R"({"to":"prod"})"); };
    const std::string id = world.gate().get_pending_approvals()->front().request_id;
    ASSERT_TRUE(world.vote(id, world.dana)) << "who reads what was put there";
    ASSERT_TRUE(world.vote(id, world.erik));
  });
  EXPECT_EQ(code_of(world.gate("alice").request_approval("deploy", *Json::parse(R"({"to":"test"})"))),
            ErrorCode::data_loss);
}

TEST(ForgedApprovals, a_request_that_was_opened_without_a_policy_is_not_approved_where_there_is_one) {
  SignedWorld world;
  const ConfigurationWorld without_rules;
  WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
  parts.approvals = world.store;
  parts.waker = world.waker;
  WorkspaceOptions options;
  options.configuration_directory = without_rules.path();
  const Workspace open_mode(std::make_shared<Workspace::Impl>(options, std::move(parts)));
  const std::string id = ApprovalGate::open(open_mode, "alice")->open_request("deploy")->request_id;
  ASSERT_TRUE(ApprovalGate::open(open_mode)->respond_to_approval(id, true, "mallory"));
  EXPECT_EQ(world.gate().get_request(id)->status, pending);
  EXPECT_EQ(ApprovalGate::open(open_mode)->get_request(id)->status, approved) << "advisory";
  const std::string ours = world.ask("alice", "deploy").request_id;
  EXPECT_EQ(code_of(ApprovalGate::open(open_mode)->respond_to_approval(ours, true, "mallory")),
            ErrorCode::failed_precondition);
  EXPECT_EQ(code_of(world.vote(id, world.dana)), ErrorCode::failed_precondition);
}

TEST(RevokedKeys, count_no_more_and_what_they_approved_is_not_approved_any_more) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  ApprovalGate waiting = world.gate("alice");
  ASSERT_TRUE(world.vote(id, world.dana));
  ASSERT_TRUE(revoke_approver(world.configuration.path(), "dana"));
  EXPECT_EQ(waiting.get_request(id)->approvals, 0u) << "a gate that was open before knows it, too";
  EXPECT_EQ(code_of(world.vote(id, world.dana)), ErrorCode::permission_denied);
  EXPECT_EQ(world.vote(id, world.erik)->status, pending);
  EXPECT_EQ(world.vote(id, world.fay)->status, approved);
}

TEST(RevokedKeys, leave_room_for_a_vote_with_a_new_one) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  ASSERT_TRUE(revoke_approver(world.configuration.path(), "dana"));
  std::filesystem::remove(world.configuration.file("keys/dana.key"));
  const ApproverKey renewed = world.configuration.approver("dana");
  EXPECT_EQ(world.vote(id, renewed)->approvals, 1u);
  EXPECT_EQ(world.vote(id, world.erik)->status, approved);
}

TEST(SignedWaits, end_when_a_key_is_trusted_whose_vote_is_there_and_store_the_decision) {
  SignedWorld world;
  const std::string id = world.ask("alice", "deploy", 1h).request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  const std::string approvers = read_text(world.configuration.file("approvers.toml"));
  ASSERT_TRUE(revoke_approver(world.configuration.path(), "dana"));
  ASSERT_TRUE(world.vote(id, world.erik));  // who does not know dana's key, and leaves it pending
  world.waker->steps.push_back([&] { write_text(world.configuration.file("approvers.toml"), approvers, 0644); });
  Result<ApprovalOutcome> outcome = ApprovalOutcome{};
  const nanoseconds took = world.time_of([&] { outcome = world.gate("alice").wait(id); });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->end, ApprovalEnd::approved);
  EXPECT_EQ(took, 1s) << "nobody rings when a file changes: one recheck interval";
  EXPECT_EQ(world.record(id).state, approved);
  EXPECT_EQ(world.record(id).responder, "erik");
  EXPECT_EQ(to_string(world.audit().back().kind), "decided");
}

// The votes of two whose keys were never known in one place; nobody waits.
class ProvenButPending : public ::testing::Test {
 protected:
  ProvenButPending() {
    EXPECT_TRUE(world.vote(id, world.dana));
    const std::string approvers = read_text(world.configuration.file("approvers.toml"));
    EXPECT_TRUE(revoke_approver(world.configuration.path(), "dana"));
    EXPECT_TRUE(world.vote(id, world.erik));
    write_text(world.configuration.file("approvers.toml"), approvers, 0644);
    EXPECT_EQ(world.record(id).state, pending);
  }
  ~ProvenButPending() override {
    EXPECT_EQ(world.record(id).state, approved);
    world.clock->advance(2h);
    EXPECT_EQ(world.gate().get_request(id)->status, approved) << "it does not time out later";
  }

  SignedWorld world;
  const std::string id = world.ask("alice", "deploy", 1h).request_id;
};

TEST_F(ProvenButPending, requests_are_stored_as_decided_by_whoever_reads_them) {
  EXPECT_EQ(world.gate().get_request(id)->status, approved);
}

TEST_F(ProvenButPending, requests_are_stored_as_decided_by_whoever_lists_them) {
  EXPECT_THAT(*world.gate().get_pending_approvals(), IsEmpty());
}

TEST_F(ProvenButPending, requests_are_not_cancelled) {
  EXPECT_EQ(code_of(world.gate("alice").cancel(id)), ErrorCode::conflict);
}

TEST_F(ProvenButPending, requests_take_no_further_vote) {
  EXPECT_EQ(code_of(world.vote(id, world.fay)), ErrorCode::conflict);
}

TEST(SignedWaits, sleep_until_they_are_rung_while_all_votes_count) {
  SignedWorld world;
  const std::string id = world.ask("alice", "deploy", 1h).request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  EXPECT_EQ(world.gate("alice").wait(id)->end, ApprovalEnd::timed_out);
  EXPECT_THAT(world.memory_waker->sleeps(), ElementsAre(nanoseconds{1h}));
}

TEST(SignedWaits, end_with_an_error_when_the_keys_cannot_be_read) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  world.waker->steps.push_back([&] { write_text(world.configuration.file("approvers.toml"), "nonsense"); });
  EXPECT_EQ(code_of(world.gate("alice").wait(id)), ErrorCode::invalid_argument);
}

TEST(SignedApprovals, are_signed_for_no_later_than_the_deadline_by_a_clock_that_runs_ahead) {
  SignedWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy", 1min);
  world.clock->step_wall(2min);  // what the store's deadline does not mind
  ASSERT_TRUE(world.vote(request.request_id, world.dana));
  EXPECT_EQ(world.record(request.request_id).votes[0].time, request.expires_at);
}

TEST(SignedApprovals, refuse_a_vote_of_a_clock_that_is_far_ahead_of_the_deadline) {
  SignedWorld world;
  const ApprovalRequest request = world.ask("alice", "deploy", 1min);
  world.clock->step_wall(1min + limits::kVoteTimeSlack + 1us);
  const Error error = error_of(world.vote(request.request_id, world.dana));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, AllOf(HasSubstr("the clock of this machine says"), HasSubstr("is 301 s off or more")));
  EXPECT_THAT(world.record(request.request_id).votes, IsEmpty());
}

TEST(SignedApprovals, refuse_a_vote_of_a_clock_that_is_far_from_that_of_the_store) {
  SignedWorld world;
  const std::string id = world.ask("alice", "deploy", std::nullopt).request_id;
  world.store->tamper = [](ApprovalReading& reading) { reading.now -= 6min; };
  const Error error = error_of(world.vote(id, world.dana));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("clock"));
  EXPECT_THAT(world.record(id).votes, IsEmpty());
}

TEST(SignedApprovals, are_verified_only_if_the_policy_is_not_ours_to_change) {
  SignedWorld world;
  const std::string id = world.ask().request_id;
  ASSERT_TRUE(world.vote(id, world.dana));
  ASSERT_TRUE(world.vote(id, world.erik));
  EXPECT_FALSE(world.gate().get_request(id)->verified);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can guard a policy";
  std::string top = "/run/aldis-test-XXXXXX";
  ASSERT_NE(::mkdtemp(top.data()), nullptr);
  ASSERT_EQ(::chmod(top.c_str(), 0755), 0);
  for (const char* name : {"approvals.toml", "approvers.toml"}) {
    write_text(top + "/" + name, read_text(world.configuration.file(name)), 0644);
  }
  const std::string seen = in_a_child([&]() -> std::string {
    constexpr uid_t kSomebody = 65534;
    if (::setresuid(kSomebody, kSomebody, kSomebody) != 0) return "cannot become another user";
    WorkspaceParts parts{.clock = world.clock, .processes = {}, .heartbeats = {}, .signals = {}};
    parts.approvals = world.store;
    WorkspaceOptions options;
    options.configuration_directory = top;
    const Workspace workspace(std::make_shared<Workspace::Impl>(options, std::move(parts)));
    const auto request = ApprovalGate::open(workspace)->get_request(id);
    if (!request) return request.error().message;
    return request->verified && request->status == approved ? "verified" : "not verified";
  });
  std::filesystem::remove_all(top);
  EXPECT_EQ(seen, "verified");
}

}  // namespace
}  // namespace aldis::testing
