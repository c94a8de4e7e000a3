// aldis doctor: what is well, what is not, and what to do about it.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "local/scratch.h"
#include "program.h"

namespace aldis::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class Doctor : public ::testing::Test {
 protected:
  struct Check {
    std::string status;
    std::string message;
    std::string suggestion;
  };
  static std::map<std::string, Check> checks_of(const Ended& ended) {
    std::map<std::string, Check> checks;
    for (const auto& row : ended.rows("/data")) {
      const auto text = [&](const char* key) {
        return row.at(key).is_string() ? std::string(row.at(key).as_string()) : std::string();
      };
      checks[text("name")] = {text("status"), text("message"), text("suggestion")};
    }
    return checks;
  }

  Sandbox sandbox;
};

TEST_F(Doctor, finds_a_healthy_machine_healthy) {
  const Ended ended = sandbox.aldis({"doctor"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  auto checks = checks_of(ended);
  for (const char* name : {"store", "clock", "runtime_directory", "board", "space", "readers", "file_system",
                           "other_boards", "ledger", "ledger_space", "linger", "round_trip"}) {
    EXPECT_EQ(checks[name].status, "ok") << name << ": " << checks[name].message;
  }
}

TEST_F(Doctor, counts_the_audit_log_once_there_is_one) {
  EXPECT_FALSE(checks_of(sandbox.aldis({"doctor"})).contains("audit_log"));
  sandbox.aldis({"approvals", "request", "deploy", "--agent", "worker", "--no-wait"});
  const Check found = checks_of(sandbox.aldis({"doctor"}))["audit_log"];
  EXPECT_EQ(found.status, "ok");
  EXPECT_THAT(found.message, HasSubstr("holds 1 of at most 1000000 entries"));
}

TEST_F(Doctor, names_the_other_boards) {
  sandbox.aldis({"agents", "list", "--namespace", "staging"});
  EXPECT_THAT(checks_of(sandbox.aldis({"doctor"}))["other_boards"].message, HasSubstr("staging"));
}

TEST_F(Doctor, an_unsafe_directory_fails_with_a_way_out) {
  const std::string directory = sandbox.directory() + "/open";
  mkdir(directory.c_str(), 0777);
  chmod(directory.c_str(), 0777);
  const Ended ended = sandbox.aldis({"doctor", "--runtime-dir", directory});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(ended.text("/error/code"), "CHECKS_FAILED");
  auto checks = checks_of(ended);
  EXPECT_EQ(checks["runtime_directory"].status, "fail");
  EXPECT_THAT(checks["runtime_directory"].suggestion, HasSubstr("ALDIS_RUNTIME_DIR"));
  EXPECT_EQ(checks["store"].status, "fail");
}

TEST_F(Doctor, tells_that_events_and_approvals_have_no_room_left) {
  const std::string place = sandbox.directory() + "/small";
  mkdir(place.c_str(), 0700);
  const std::string seen = on_small_file_system(place, "4m", [&] {
    const Variables there = {{"ALDIS_STATE_DIR", place + "/state"}};
    std::string story = "unused " + checks_of(sandbox.aldis({"doctor"}, there))["ledger_space"].status;
    story += ", published " + std::to_string(sandbox.aldis({"events", "publish", "t"}, there).exit_code);
    story += ", used " + checks_of(sandbox.aldis({"doctor"}, there))["ledger_space"].status;
    fill(place);
    const Check full = checks_of(sandbox.aldis({"doctor"}, there))["ledger_space"];
    return story + ", full " + full.status + (full.suggestion.contains("ALDIS_STATE_DIR") ? " with a way out" : "");
  });
  if (seen == kCannotUnshare) GTEST_SKIP() << seen;
  EXPECT_EQ(seen, "unused warn, published 0, used warn, full fail with a way out");
}

TEST_F(Doctor, a_store_that_cannot_be_reached_fails) {
  const Ended ended = sandbox.aldis({"doctor"}, {{"ALDIS_STORE", "redis://joe:hunter2@127.0.0.1:1"}});
  EXPECT_EQ(ended.exit_code, 4);
  const Check store = checks_of(ended)["store"];
  EXPECT_EQ(store.status, "fail");
  EXPECT_THAT(store.suggestion, HasSubstr("start the server"));
  EXPECT_EQ(ended.out.find("hunter2"), std::string::npos);
}

TEST_F(Doctor, says_once_that_a_store_cannot_be_reached) {
  const Ended ended = sandbox.aldis({"doctor"}, {{"ALDIS_STORE", "redis://127.0.0.1:1"}});
  const std::size_t first = ended.out.find("Connection refused");
  ASSERT_NE(first, std::string::npos) << ended.out;
  EXPECT_EQ(ended.out.find("Connection refused", first + 1), std::string::npos) << ended.out;
}

TEST_F(Doctor, an_url_that_is_spelled_wrong_is_to_be_corrected) {
  const Ended ended = sandbox.aldis({"doctor"}, {{"ALDIS_STORE", "redis://host:port"}});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_THAT(checks_of(ended)["store"].suggestion, HasSubstr("correct the store URL"));
}

TEST_F(Doctor, says_where_the_policy_is_and_whose_keys_are_missing) {
  const std::string config = sandbox.home() + "/.config/aldis";
  EXPECT_THAT(checks_of(sandbox.aldis({"doctor"}))["approval_policy"].message,
              AllOf(HasSubstr(config), HasSubstr("open mode")));
  const std::string rules =
      sandbox.write_file("home/.config/aldis/approvals.toml",
                         "version = 1\n[[rule]]\ntype = \"deploy\"\napprovers = [\"dana\", \"erik\"]\n");
  for (const std::string& path : {config, rules}) ::chmod(path.c_str(), 0700);
  const std::string key = "ed25519:X7WtPsTVg_6kdSMhKilY86Dz7309_yJvAQXfg1gWJ_o";
  EXPECT_EQ(sandbox.aldis({"approvers", "trust", "dana", key}).exit_code, 0);
  const Ended ended = sandbox.aldis({"doctor"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  const Check warned = checks_of(ended)["approval_policy"];
  EXPECT_EQ(warned.status, "warn");
  EXPECT_THAT(warned.message, AllOf(HasSubstr(config + ": 1 rule, not guarded"), EndsWith("trusted key: erik")));
  EXPECT_THAT(warned.suggestion, HasSubstr("aldis approvers trust NAME KEY"));
}

TEST_F(Doctor, finds_a_policy_that_is_not_well_formed) {
  const std::string rules = sandbox.write_file("home/.config/aldis/approvals.toml", "version = 2\n");
  for (const std::string& path : {sandbox.home() + "/.config/aldis", rules}) ::chmod(path.c_str(), 0700);
  const Ended ended = sandbox.aldis({"doctor"});
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(checks_of(ended)["approval_policy"].status, "fail");
  EXPECT_THAT(checks_of(ended)["approval_policy"].message, HasSubstr("approvals.toml:1: version must be 1"));
}

}  // namespace
}  // namespace aldis::testing
