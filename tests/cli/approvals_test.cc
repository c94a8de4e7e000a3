// aldis approvals, approvers

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "stores.h"

namespace aldis::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kUnknownId = "apr_01JD0000000000000000000000";

class Approvals : public OnEachStore {
 protected:
  Ended ask(const Words& more = {}) const {
    Words words = {"approvals", "request", "deploy", "--agent", "worker", "--no-wait"};
    words.insert(words.end(), more.begin(), more.end());
    return aldis(words);
  }
  std::string open(const Words& more = {}) const {
    const Ended ended = ask(more);
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    return ended.text("/data/request_id");
  }
  Ended approve(const std::string& id, const Words& more = {"--as", "dana"}) const {
    Words words = {"approvals", "approve", id};
    words.insert(words.end(), more.begin(), more.end());
    return aldis(words);
  }
  // Opens one that is sure to have timed out when this returns.
  std::string open_expired() const {
    const std::string id = open({"--timeout", "0.001"});
    while (aldis({"approvals", "show", id}).text("/data/status") != "timed_out") continue;
    return id;
  }
};

TEST_P(Approvals, a_request_is_answered_from_another_process_and_a_script_reads_its_exit_code) {
  Running asking(sandbox.command({"approvals", "request", "deploy", "--agent", "worker", "--context", R"({ "n":1 })"}),
                 environment());
  std::string id;
  while (id.empty()) {
    const Ended pending = aldis({"approvals", "pending"});
    if (!pending.rows("/data").empty()) id = pending.text("/data/0/request_id");
  }
  const Ended approved = approve(id, {"--as", "dana", "--reason", "looks right"});
  EXPECT_EQ(approved.exit_code, 0) << approved.out;
  const Ended ended = asking.wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(ended.keys("/data"),
              ElementsAre("request_id", "approval_type", "agent_id", "context", "context_hash", "timestamp",
                          "timeout_seconds", "expires_at", "status", "stored_status", "responder", "reason",
                          "decided_at", "verified", "approvals", "quorum", "mode", "votes"));
  EXPECT_EQ(ended.text("/data/status"), "approved");
  EXPECT_EQ(ended.text("/data/responder"), "dana");
  EXPECT_EQ(ended.text("/data/reason"), "looks right");
  EXPECT_FALSE(ended.at("/data/verified").as_bool()) << "in open mode nobody is verified";
  EXPECT_THAT(ended.out, HasSubstr(R"("context":{ "n":1 },)"));
}

TEST_P(Approvals, each_end_has_an_exit_code_of_its_own) {
  const std::string rejected = open();
  aldis({"approvals", "reject", rejected, "--as", "dana", "--reason", "no"});
  Ended ended = aldis({"approvals", "wait", rejected});
  EXPECT_EQ(ended.exit_code, 81);
  EXPECT_EQ(ended.text("/error/code"), "APPROVAL_REJECTED");
  EXPECT_EQ(ended.text("/data/status"), "rejected");

  const std::string cancelled = open();
  EXPECT_EQ(aldis({"approvals", "cancel", cancelled, "--agent", "worker"}).exit_code, 0);
  ended = aldis({"approvals", "wait", cancelled});
  EXPECT_EQ(ended.exit_code, 82);
  EXPECT_EQ(ended.text("/error/code"), "REQUEST_CANCELLED");

  ended = aldis({"approvals", "request", "deploy", "--agent", "worker", "--timeout", "0.01"});
  EXPECT_EQ(ended.exit_code, 10);
  EXPECT_EQ(ended.text("/error/code"), "TIMEOUT");
  EXPECT_EQ(ended.text("/data/status"), "timed_out");

  ended = aldis({"approvals", "wait", open(), "--timeout", "0"});
  EXPECT_EQ(ended.exit_code, 84);
  EXPECT_EQ(ended.text("/error/code"), "STILL_PENDING");
  EXPECT_EQ(ended.text("/data/status"), "pending");
}

TEST_P(Approvals, a_second_answer_a_late_one_and_ones_own_are_told_apart) {
  const std::string id = open();
  approve(id);
  Ended ended = approve(id, {"--as", "erik"});
  EXPECT_EQ(ended.exit_code, 6);
  EXPECT_EQ(ended.text("/error/code"), "ALREADY_DECIDED");
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("dana"));

  ended = approve(open_expired());
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(ended.text("/error/code"), "REQUEST_EXPIRED");

  const std::string own = open();
  for (const Words& who : {Words{"--as", "worker"}, Words{"--as", "dana", "--agent", "worker"}}) {
    ended = approve(own, who);
    EXPECT_EQ(ended.exit_code, 7);
    EXPECT_EQ(ended.text("/error/code"), "SELF_APPROVAL");
  }
  for (const std::string& unknown : {kUnknownId, std::string("nonsense")}) {
    ended = approve(unknown);
    EXPECT_EQ(ended.exit_code, 5);
    EXPECT_EQ(ended.text("/error/code"), "NOT_FOUND");
  }
}

TEST_P(Approvals, the_same_key_is_the_same_request) {
  const std::string id = open({"--key", "release-17", "--context", R"({"n":1})"});
  EXPECT_EQ(open({"--key", "release-17", "--context", R"({"n":1})"}), id);
  EXPECT_EQ(ask({"--key", "release-17", "--context", R"({"n":2})"}).exit_code, 6);
  approve(id);
  EXPECT_EQ(ask({"--key", "release-17", "--context", R"({"n":1})"}).text("/data/status"), "approved");
}

TEST_P(Approvals, lists_are_filtered_and_paged) {
  Words ids;
  for (int i = 0; i < 3; ++i) ids.push_back(open());
  approve(ids[1]);
  EXPECT_EQ(aldis({"approvals", "pending"}).rows("/data").size(), 2u);
  const Ended approved = aldis({"approvals", "list", "--status", "approved"});
  ASSERT_EQ(approved.rows("/data").size(), 1u);
  EXPECT_EQ(approved.text("/data/0/request_id"), ids[1]);
  Ended page = aldis({"approvals", "list", "--limit", "2"});
  EXPECT_EQ(page.text("/data/1/request_id"), ids[1]);
  page = aldis({"approvals", "list", "--limit", "2", "--cursor", page.text("/meta/cursor")});
  ASSERT_EQ(page.rows("/data").size(), 1u);
  EXPECT_EQ(page.text("/data/0/request_id"), ids[2]);
  EXPECT_TRUE(aldis({"approvals", "list", "--type", "other"}).rows("/data").empty());
  EXPECT_TRUE(aldis({"approvals", "list", "--by", "other"}).rows("/data").empty());
  EXPECT_EQ(aldis({"approvals", "list", "--status", "lost"}).exit_code, 2);
  EXPECT_EQ(aldis({"approvals", "clear-expired"}).at("/data/cleared").as_int64(), 0);
}

TEST_P(Approvals, a_cursor_of_another_list_is_a_bad_argument) {
  open();
  const std::string of_another = "31";
  for (const char* const list : {"list", "pending"}) {
    const Ended ended = aldis({"approvals", list, "--cursor", of_another});
    EXPECT_EQ(ended.exit_code, 2) << list << ": " << ended.out;
    EXPECT_EQ(ended.text("/error/code"), "INVALID_ARGUMENT") << list;
    EXPECT_THAT(ended.text("/error/message"), HasSubstr("--cursor is none of this list's")) << list;
  }
}

TEST_P(Approvals, a_watch_that_is_no_terminal_prints_each_request_once) {
  const std::string before = open();
  Running watch(sandbox.command({"approvals", "watch", "--count", "2"}), environment());
  ASSERT_TRUE(watch.wait_for_output(before));
  const std::string after = open();
  const Ended ended = watch.wait();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr(after));
  EXPECT_EQ(std::ranges::count(ended.out, '\n'), 2);
}

TEST_P(Approvals, an_interrupted_wait_leaves_the_request_open) {
  Running waiting(sandbox.command({"approvals", "request", "deploy", "--agent", "worker"}), environment());
  while (aldis({"approvals", "pending"}).rows("/data").empty()) continue;
  waiting.signal(SIGTERM);
  const Ended ended = waiting.wait();
  EXPECT_EQ(ended.exit_code, 143);
  EXPECT_EQ(ended.text("/error/code"), "CANCELLED");
  EXPECT_EQ(aldis({"approvals", "pending"}).text("/data/0/request_id"), ended.text("/data/request_id"));
}

class SignedApprovals : public Approvals {
 protected:
  SignedApprovals() {
    std::filesystem::create_directories(configuration());
    std::filesystem::permissions(configuration(), std::filesystem::perms::owner_all);
    std::ofstream(configuration() + "/approvals.toml")
        << "version = 1\n[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\", \"erik\"]\nquorum = 2\n";
    ::chmod((configuration() + "/approvals.toml").c_str(), 0600);
  }
  std::string configuration() const { return sandbox.home() + "/.config/aldis"; }
  std::string enroll(const std::string& name) const {
    const Ended ended = aldis({"approvers", "enroll", name, "--passphrase-file", "-"}, {}, "open sesame\n");
    EXPECT_EQ(ended.exit_code, 0) << ended.out;
    return ended.text("/data/public_key");
  }
  Ended vote(const std::string& id, const std::string& name, const std::string& passphrase = "open sesame\n") const {
    return aldis({"approvals", "approve", id, "--as", name, "--passphrase-file", "-"}, {}, passphrase);
  }
};

TEST_P(SignedApprovals, take_a_quorum_of_signatures_by_trusted_keys) {
  const std::string dana = enroll("dana");
  EXPECT_EQ(aldis({"approvers", "trust", "dana", dana}).exit_code, 0);
  EXPECT_EQ(aldis({"approvers", "trust", "erik", enroll("erik")}).exit_code, 0);
  EXPECT_EQ(aldis({"approvers", "enroll", "dana", "--passphrase-file", "-"}, {}, "x\n").exit_code, 6);
  EXPECT_EQ(aldis({"approvers", "list"}).rows("/data").size(), 2u);

  const std::string id = open();
  EXPECT_EQ(aldis({"approvals", "show", id}).text("/data/mode"), "signed");
  Ended ended = approve(id);
  EXPECT_EQ(ended.exit_code, 4) << "nobody can be asked for the passphrase";
  EXPECT_EQ(ended.text("/error/code"), "INPUT_REQUIRED");
  EXPECT_EQ(vote(id, "dana", "wrong\n").exit_code, 7);
  ended = vote(id, "dana");
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_EQ(ended.text("/data/status"), "pending");
  EXPECT_EQ(ended.at("/data/approvals").as_int64(), 1);
  EXPECT_EQ(vote(id, "dana").exit_code, 6) << "one approver, one vote";
  EXPECT_EQ(vote(id, "erik").text("/data/status"), "approved");
  EXPECT_EQ(aldis({"approvals", "wait", id}).exit_code, 0);

  const std::string another = open();
  EXPECT_EQ(aldis({"approvers", "revoke", "erik"}).exit_code, 0);
  EXPECT_EQ(vote(another, "erik").exit_code, 7);
  EXPECT_EQ(aldis({"approvers", "revoke", "nobody"}).exit_code, 5);
}

TEST_P(SignedApprovals, say_of_each_vote_whether_its_signature_is_valid_and_of_the_decision_whether_it_is_verified) {
  for (const char* const name : {"dana", "erik"}) aldis({"approvers", "trust", name, enroll(name)});
  const std::string id = open();
  vote(id, "dana");
  const Ended ended = vote(id, "erik");
  EXPECT_THAT(ended.keys("/data/votes/0"),
              ElementsAre("responder", "approved", "reason", "time", "key_id", "signature_valid"));
  EXPECT_TRUE(ended.at("/data/votes/0/signature_valid").as_bool());
  EXPECT_FALSE(ended.at("/data/verified").as_bool()) << "the policy is ours to change";
}

TEST_P(SignedApprovals, are_not_asked_for_where_nobody_could_approve_them) {
  Ended ended = ask();
  EXPECT_EQ(ended.exit_code, 4) << ended.out;
  EXPECT_EQ(ended.text("/error/code"), "FAILED_PRECONDITION");
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("aldis approvers trust NAME KEY for dana, erik"));
  ended = aldis({"approvals", "request", "deploy", "--agent", "dana"});
  EXPECT_EQ(ended.exit_code, 4) << ended.out;
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("nobody could ever approve it"));
  EXPECT_TRUE(aldis({"approvals", "list"}).rows("/data").empty());
}

TEST_P(SignedApprovals, ask_for_no_passphrase_of_whose_key_does_not_count) {
  for (const char* const name : {"dana", "erik"}) aldis({"approvers", "trust", name, enroll(name)});
  const std::string id = open();
  aldis({"approvers", "revoke", "dana"});
  const Ended ended = approve(id);
  EXPECT_EQ(ended.exit_code, 7) << "not INPUT_REQUIRED: " << ended.out;
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("no key of dana is trusted here"));
}

TEST_P(SignedApprovals, other_types_are_open) {
  const std::string id =
      aldis({"approvals", "request", "lunch", "--agent", "worker", "--no-wait"}).text("/data/request_id");
  EXPECT_EQ(approve(id).text("/data/status"), "approved");
}

TEST(ApproversTrust, takes_the_key_of_its_own_example) {
  const Sandbox sandbox;
  const std::string help = sandbox.aldis({"approvers", "trust", "--help"}).err;
  constexpr std::string_view kBefore = "aldis approvers trust dana ";
  const std::size_t begin = help.find(kBefore);
  ASSERT_NE(begin, std::string::npos) << help;
  const std::string key = help.substr(begin + kBefore.size(), std::string_view("ed25519:").size() + 43);
  const Ended ended = sandbox.aldis({"approvers", "trust", "dana", key});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_EQ(ended.text("/data/0/public_key"), key);
}

TEST(ApproversTrust, says_what_is_wrong_with_a_key) {
  const Sandbox sandbox;
  const std::string no_point = "ed25519:3p2sT0O9QeZbWv1bDqVd3m0uW3l3Vx9kq2aYB7oXc1A";
  const Ended ended = sandbox.aldis({"approvers", "trust", "dana", no_point});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("not a valid Ed25519 key"));
}

ALDIS_ON_EACH_STORE(Approvals);
ALDIS_ON_EACH_STORE(SignedApprovals);

}  // namespace
}  // namespace aldis::testing
