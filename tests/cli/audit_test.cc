// aldis audit: what is in the log, what it says of one that was changed, and that no export destroys another.

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>
#include <vector>

#include "stores.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Audit : public OnEachStore {
 protected:
  std::string open() const {
    return aldis({"approvals", "request", "deploy", "--agent", "worker", "--no-wait"}).text("/data/request_id");
  }
  void approve(const std::string& id) const { aldis({"approvals", "approve", id, "--as", "dana"}); }
  // Of a shell that runs this command with `how` behind it.
  Ended in_shell(const std::string& how, const Words& words, Variables more = {}) const {
    Words all = {"/bin/bash", "-c", "set -o pipefail; \"$@\" " + how, "bash"};
    for (const std::string& word : sandbox.command(words)) all.push_back(word);
    return Running(all, environment(std::move(more))).wait();
  }
  Ended rotate(const Words& more = {}, Variables variables = {}) const {
    Words words = {"audit", "export", "--rotate"};
    words.insert(words.end(), more.begin(), more.end());
    return in_shell(">> " + file_, words, std::move(variables));
  }
  std::vector<boost::json::value> exported() const {
    std::vector<boost::json::value> entries;
    std::ifstream lines(file_);
    for (std::string line; std::getline(lines, line);) entries.push_back(boost::json::parse(line));
    return entries;
  }
  std::vector<std::string> numbers_and_kinds() const {
    std::vector<std::string> kept;
    for (const auto& row : aldis({"audit", "list"}).rows("/data")) {
      kept.push_back(std::to_string(row.at("number").as_int64()) + " " + row.at("kind").as_string().c_str());
    }
    return kept;
  }

  const std::string file_ = sandbox.directory() + "/audit.jsonl";
};

TEST_P(Audit, has_all_of_it_and_verifies) {
  approve(open());
  const Ended log = aldis({"audit", "list"});
  ASSERT_EQ(log.rows("/data").size(), 3u);
  EXPECT_EQ(log.text("/data/0/kind"), "requested");
  EXPECT_EQ(log.text("/data/1/kind"), "vote");
  EXPECT_EQ(log.text("/data/2/kind"), "decided");
  EXPECT_EQ(log.text("/data/2/actor"), "dana");
  const Ended verified = aldis({"audit", "verify"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  const std::string head = verified.text("/data/head");
  EXPECT_EQ(head, "3:" + log.text("/data/2/hash"));
  const Ended noted = aldis({"audit", "verify", "--head", head});
  EXPECT_TRUE(noted.at("/data/head_proven").as_bool());
  const Ended other = aldis({"audit", "verify", "--head", "3:" + std::string(64, 'a')});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_EQ(other.text("/error/code"), "AUDIT_FAULT");
  EXPECT_EQ(aldis({"audit", "verify", "--head", "nonsense"}).exit_code, 2);
}

TEST_P(Audit, an_export_that_rotates_removes_what_it_wrote_and_the_chain_goes_on) {
  approve(open());
  const Ended ended = rotate();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(exported(), SizeIs(3));
  open();
  EXPECT_THAT(numbers_and_kinds(), ElementsAre("4 rotated", "5 requested"));
  const Ended verified = aldis({"audit", "verify"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_TRUE(verified.text("/data/begins_behind").starts_with("3:"));
}

TEST_P(Audit, an_export_that_is_repeated_into_its_file_keeps_both_and_one_chain) {
  approve(open());
  EXPECT_EQ(rotate().exit_code, 0);
  approve(open());
  const Ended again = rotate();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  const auto entries = exported();
  ASSERT_THAT(entries, SizeIs(7));
  std::string hash(64, '0');
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].at("number").as_int64(), static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(entries[i].at("previous_hash").as_string(), hash);
    hash = entries[i].at("hash").as_string().c_str();
  }
  EXPECT_EQ(aldis({"audit", "verify"}).text("/data/begins_behind"), "7:" + hash);
}

TEST_P(Audit, an_export_does_not_rotate_into_a_file_that_the_shell_has_emptied) {
  approve(open());
  for (const char* const how : {"> ", "1<> "}) {
    const Ended ended = in_shell(how + file_, {"audit", "export", "--rotate"});
    EXPECT_EQ(ended.exit_code, 4) << ended.out;
    EXPECT_THAT(ended.err, AllOf(HasSubstr("audit export --rotate >> FILE"), HasSubstr("nothing was removed")));
  }
  EXPECT_THAT(exported(), IsEmpty());
  EXPECT_THAT(numbers_and_kinds(), ElementsAre("1 requested", "2 vote", "3 decided"));
  EXPECT_EQ(in_shell("> " + file_, {"audit", "export"}).exit_code, 0) << "without --rotate it may";
  EXPECT_THAT(exported(), SizeIs(3));
}

TEST_P(Audit, an_export_removes_nothing_that_did_not_go_to_a_file) {
  open();
  for (const char* const how : {"| cat", "> /dev/null", ">> /dev/null", ">&-"}) {
    const Ended ended = in_shell(how, {"audit", "export", "--rotate"});
    EXPECT_EQ(ended.exit_code, 4) << how;
    EXPECT_THAT(ended.out, IsEmpty());
    EXPECT_THAT(ended.err, HasSubstr("audit export --rotate >> FILE"));
  }
  EXPECT_THAT(numbers_and_kinds(), ElementsAre("1 requested"));
}

TEST_P(Audit, the_log_says_who_rotated_it) {
  const auto who = [this] { return aldis({"audit", "list"}).text("/data/0/actor"); };
  open();
  EXPECT_EQ(rotate({"--as", "dana"}).exit_code, 0);
  EXPECT_EQ(who(), "dana");
  EXPECT_EQ(rotate({}, {{"ALDIS_AGENT_ID", "janitor"}}).exit_code, 0);
  EXPECT_EQ(who(), "janitor");
  EXPECT_EQ(rotate().exit_code, 0);
  EXPECT_NE(who(), "") << "the user";
  EXPECT_NE(who(), "janitor");
  const Ended refused = rotate({"--as", "no name"});
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
}

TEST_P(Audit, a_head_from_before_a_rotation_is_no_fault_of_the_log) {
  approve(open());
  const std::string noted = "2:" + aldis({"audit", "list"}).text("/data/1/hash");
  EXPECT_EQ(rotate().exit_code, 0);
  const Ended ended = aldis({"audit", "verify", "--head", noted});
  EXPECT_EQ(ended.exit_code, 4) << ended.out;
  EXPECT_EQ(ended.text("/error/code"), "FAILED_PRECONDITION");
  EXPECT_THAT(ended.text("/error/message"), AllOf(HasSubstr(noted), HasSubstr("the last rotation")));
  EXPECT_TRUE(ended.at("/data").is_null()) << "no fault";
}

ALDIS_ON_EACH_STORE(Audit);

TEST(LostAuditLog, is_not_called_sound) {
  const Sandbox sandbox;
  const RedisServer server;
  const Variables store = {{"ALDIS_STORE", server.url()}};
  const Words request = {"approvals", "request", "deploy", "--agent", "worker", "--no-wait"};
  for (int i = 0; i < 3; ++i) sandbox.aldis(request, store);
  EXPECT_EQ(sandbox.aldis({"audit", "verify"}, store).exit_code, 0);
  const std::string log = server.command({"HGETALL", "aldis1:{default/a}:l:0"});
  EXPECT_EQ(server.command({"DEL", "aldis1:{default/a}:m"}), "1");
  const Ended ended = sandbox.aldis({"audit", "verify"}, store);
  EXPECT_EQ(ended.exit_code, 1) << ended.out;
  EXPECT_EQ(ended.text("/error/code"), "AUDIT_FAULT");
  EXPECT_EQ(ended.at("/data/fault/number").as_int64(), 1);
  const Ended asked = sandbox.aldis(request, store);
  EXPECT_EQ(asked.exit_code, 1) << asked.out;
  EXPECT_EQ(asked.text("/error/code"), "DATA_LOSS");
  EXPECT_THAT(asked.text("/error/message"), HasSubstr("docs/redis.md"));
  EXPECT_EQ(server.command({"HGETALL", "aldis1:{default/a}:l:0"}), log);
}

}  // namespace
}  // namespace aldis::testing
