// What an exit code of aldis approvals may be trusted for: that very request, this very outcome, read or not.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "core/sha256.h"
#include "stores.h"

namespace aldis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kContext = R"({"target":"staging"})";

class TrustedApprovals : public OnEachStore {
 protected:
  Words request(const Words& more = {}) const {
    Words words = {"approvals", "request", "deploy", "--agent", "worker", "--context", kContext};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string open() const { return aldis(request({"--no-wait"})).text("/data/request_id"); }
  std::string wait_for_request() const {
    for (;;) {
      const Ended pending = aldis({"approvals", "pending"});
      if (!pending.rows("/data").empty()) return pending.text("/data/0/request_id");
    }
  }
  // Of a shell that runs this command with `how` behind it.
  Ended in_shell(const std::string& how, const Words& words) const {
    Words all = {"/bin/bash", "-c", "set -o pipefail; \"$@\" " + how, "bash"};
    for (const std::string& word : sandbox.command(words)) all.push_back(word);
    return Running(all, environment()).wait();
  }
};

TEST_P(TrustedApprovals, a_wait_insists_on_type_and_context) {
  const std::string id = open();
  aldis({"approvals", "approve", id, "--as", "dana"});
  const std::string hash = sha256_hex(kContext);
  EXPECT_EQ(aldis({"approvals", "wait", id, "--type", "deploy", "--context-hash", hash}).exit_code, 0);
  Ended ended = aldis({"approvals", "wait", id, "--context-hash", std::string(64, 'a')});
  EXPECT_EQ(ended.exit_code, 6);
  EXPECT_EQ(ended.text("/error/code"), "CONFLICT");
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("context hash is " + hash));
  ended = aldis({"approvals", "wait", id, "--type", "lunch", "--context-hash", hash});
  EXPECT_EQ(ended.exit_code, 6);
  EXPECT_THAT(ended.text("/error/message"), HasSubstr("type is deploy, not lunch"));
  EXPECT_EQ(aldis({"approvals", "wait", id, "--context-hash", "abc"}).exit_code, 2);
}

TEST_P(TrustedApprovals, an_answer_insists_on_the_context) {
  const std::string id = open();
  for (const char* const answer : {"approve", "reject"}) {
    const Ended ended = aldis({"approvals", answer, id, "--as", "dana", "--context-hash", std::string(64, 'a')});
    EXPECT_EQ(ended.exit_code, 6);
    EXPECT_EQ(ended.text("/error/code"), "CONFLICT");
    EXPECT_EQ(ended.text("/data/status"), "pending");
  }
  std::string in_capitals = sha256_hex(kContext);
  std::ranges::transform(in_capitals, in_capitals.begin(), [](unsigned char c) { return std::toupper(c); });
  const Ended ended = aldis({"approvals", "approve", id, "--as", "dana", "--context-hash", in_capitals});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
}

TEST_P(TrustedApprovals, an_outcome_that_nobody_reads_keeps_its_exit_code) {
  for (const char* const format : {"json", "jsonl", "table"}) {
    Running asking(sandbox.command(request({"--output", format})), environment());
    const std::string id = wait_for_request();
    asking.close_output();
    aldis({"approvals", "reject", id, "--as", "dana"});
    const Ended ended = asking.wait();
    EXPECT_EQ(ended.exit_code, 81) << format;
    EXPECT_THAT(ended.err, IsEmpty()) << format;
  }
}

TEST_P(TrustedApprovals, without_a_standard_output_an_outcome_keeps_its_exit_code) {
  const Ended ended = in_shell(">&-", request({"--timeout", "0.01"}));
  EXPECT_EQ(ended.exit_code, 10) << ended.err;
}

TEST_P(TrustedApprovals, a_policy_makes_no_command_wait_for_longer_than_it_was_told) {
  const std::string config = sandbox.write_file("policy/config.toml", "");
  const std::string rules =
      sandbox.write_file("policy/approvals.toml",
                         "version = 1\n[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\"]\ntimeout = \"none\"\n");
  for (const std::string& path : {sandbox.directory() + "/policy", rules}) ::chmod(path.c_str(), 0700);
  const std::string key = "ed25519:X7WtPsTVg_6kdSMhKilY86Dz7309_yJvAQXfg1gWJ_o";
  EXPECT_EQ(aldis({"approvers", "trust", "dana", key}, {{"ALDIS_CONFIG", config}}).exit_code, 0);
  const Ended ended = aldis(request({"--timeout", "0.1"}), {{"ALDIS_CONFIG", config}});
  EXPECT_EQ(ended.exit_code, 84) << ended.out;
  EXPECT_EQ(ended.text("/error/code"), "STILL_PENDING");
}

ALDIS_ON_EACH_STORE(TrustedApprovals);

TEST(ChangedApprovals, are_not_what_was_asked) {
  const Sandbox sandbox;
  const RedisServer server;
  const Variables store = {{"ALDIS_STORE", server.url()}};
  const Words request = {"approvals", "request", "deploy", "--agent", "worker", "--context", kContext};
  Running asking(sandbox.command(request), sandbox.environment(store));
  std::string id;
  while (id.empty()) {
    const Ended pending = sandbox.aldis({"approvals", "pending"}, store);
    if (!pending.rows("/data").empty()) id = pending.text("/data/0/request_id");
  }
  change_context(server, id, R"({"target":"production"})");
  sandbox.aldis({"approvals", "approve", id, "--as", "dana"}, store);
  const Ended ended = asking.wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.out;
  EXPECT_EQ(ended.text("/error/code"), "DATA_LOSS");
}

TEST(LockedApprovals, are_unavailable_and_not_timed_out) {
  const Sandbox sandbox;
  const Words request = {"approvals", "request", "deploy", "--agent", "worker", "--connect-timeout", "0.1"};
  Words no_wait = request;
  no_wait.emplace_back("--no-wait");
  const std::string id = sandbox.aldis(no_wait).text("/data/request_id");
  Running watch(sandbox.command({"approvals", "watch"}), sandbox.environment());  // keeps the ledger open
  ASSERT_TRUE(watch.wait_for_output(id));
  // As a writer of SQLite does that was stopped: the lock of its write-ahead log.
  const int log =
      ::open((sandbox.home() + "/.local/state/aldis/ledger-default.sqlite3-shm").c_str(), O_RDWR | O_CLOEXEC);
  struct flock lock{.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1, .l_pid = 0};
  ASSERT_EQ(fcntl(log, F_SETLK, &lock), 0);
  for (const Words& words : {request, Words{"approvals", "approve", id, "--as", "dana", "--connect-timeout", "0.1"}}) {
    const Ended ended = sandbox.aldis(words);
    EXPECT_EQ(ended.exit_code, 12) << ended.out;
    EXPECT_EQ(ended.text("/error/code"), "STORE_UNAVAILABLE");
  }
  ::close(log);
}

}  // namespace
}  // namespace aldis::testing
