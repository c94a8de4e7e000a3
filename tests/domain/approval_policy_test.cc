// approvals.toml: which rule is in force for a type, what is refused with its line, who guards the files, and which
// directory they are looked for in.

#include "domain/approval_policy.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "configuration_world.h"
#include "domain/configuration_directory.h"
#include "fakes/forked_child.h"

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class T>
Error error_of(const Result<T>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "it succeeded";
  return {};
}

std::vector<ApprovalRule> rules_of(const std::string& text) {
  auto rules = parse_rules("version = 1\n" + text, "approvals.toml");
  EXPECT_TRUE(rules) << rules.error().message;
  return rules.value_or(std::vector<ApprovalRule>());
}

TEST(ApprovalRules, say_who_answers_how_many_must_and_for_how_long_it_waits) {
  const auto rules = rules_of(R"(
[[rule]]
type = "deploy*"
approvers = ["erik", "dana"]
quorum = 2
timeout_seconds = 600

[[rule]]
type = "delete"
approvers = ["dana"]
timeout = "none"

[[rule]]
type = "*"
approvers = ["fay"]
timeout_seconds = 0.5
)");
  ASSERT_THAT(rules, SizeIs(3));
  EXPECT_EQ(rules[0].pattern, "deploy*");
  EXPECT_THAT(rules[0].approvers, ElementsAre("dana", "erik"));
  EXPECT_EQ(rules[0].quorum, 2u);
  EXPECT_EQ(rules[0].timeout_kind, ApprovalRule::Timeout::fixed);
  EXPECT_EQ(rules[0].timeout, 600s);
  EXPECT_EQ(rules[1].quorum, 1u);
  EXPECT_EQ(rules[1].timeout_kind, ApprovalRule::Timeout::none);
  EXPECT_EQ(rules[2].timeout, 500ms);
}

TEST(ApprovalRules, without_a_timeout_leave_it_to_the_request) {
  const auto rules = rules_of("[[rule]]\ntype = \"a\"\napprovers = [\"dana\"]\n");
  EXPECT_EQ(rules.at(0).timeout_kind, ApprovalRule::Timeout::of_the_request);
  EXPECT_THAT(rules_of(""), IsEmpty());
}

TEST(ApprovalRules, match_a_type_or_what_begins_like_the_pattern) {
  ApprovalRule rule;
  rule.pattern = "deploy";
  EXPECT_TRUE(rule.matches("deploy"));
  EXPECT_FALSE(rule.matches("deploy/eu"));
  rule.pattern = "deploy*";
  EXPECT_TRUE(rule.matches("deploy"));
  EXPECT_TRUE(rule.matches("deploy/eu"));
  EXPECT_FALSE(rule.matches("deplo"));
  rule.pattern = "*";
  EXPECT_TRUE(rule.matches("anything"));
}

TEST(ApprovalRules, have_a_hash_that_changes_with_each_field) {
  const ApprovalRule rule{.pattern = "deploy*", .approvers = {"dana", "erik"}, .quorum = 2};
  std::set<std::string> hashes = {rule.hash()};
  const auto differs = [&](auto change) {
    ApprovalRule changed = rule;
    change(changed);
    return hashes.insert(changed.hash()).second;
  };
  EXPECT_TRUE(differs([](ApprovalRule& changed) { changed.pattern = "deploy"; }));
  EXPECT_TRUE(differs([](ApprovalRule& changed) { changed.approvers = {"dana", "fay"}; }));
  EXPECT_TRUE(differs([](ApprovalRule& changed) { changed.approvers = {"danaerik"}; }));
  EXPECT_TRUE(differs([](ApprovalRule& changed) { changed.quorum = 1; }));
  EXPECT_TRUE(differs([](ApprovalRule& changed) { changed.timeout_kind = ApprovalRule::Timeout::none; }));
  EXPECT_TRUE(differs([](ApprovalRule& changed) { changed.timeout_kind = ApprovalRule::Timeout::fixed; }));
  EXPECT_TRUE(differs([](ApprovalRule& changed) {
    changed.timeout_kind = ApprovalRule::Timeout::fixed;
    changed.timeout = 1ns;
  }));
  EXPECT_THAT(rule.hash(), ::testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(ApprovalRule(rule).hash(), rule.hash());
}

// Written down: requests that are pending when Aldis is updated go by it.
TEST(ApprovalRules, have_the_hash_that_docs_formats_describes) {
  const ApprovalRule rule{.pattern = "deploy*", .approvers = {"dana", "erik"}, .quorum = 2};
  EXPECT_EQ(rule.hash(), "f7d9605126a09b7f89edc29c159b9aa946139c33e02eb8f37780047fc1a334d6");
}

struct BadRules {
  std::string name;
  std::string text;
  int line = 0;

  friend std::ostream& operator<<(std::ostream& out, const BadRules& bad) { return out << bad.name; }
};

class RulesThatAreWrong : public ::testing::TestWithParam<BadRules> {};

TEST_P(RulesThatAreWrong, are_refused_with_their_line) {
  const Error error = error_of(parse_rules(GetParam().text, "/etc/aldis/approvals.toml"));
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr("/etc/aldis/approvals.toml:" + std::to_string(GetParam().line) + ":"));
}

const std::string kHead = "version = 1\n[[rule]]\n";
const std::string kType = "type = \"a\"\n";
const std::string kDana = "approvers = [\"dana\"]\n";

std::string many_rules() {
  std::string text = "version = 1\n";
  for (std::size_t i = 0; i <= limits::kApprovalRulesMax; ++i) {
    text += "[[rule]]\ntype = \"t" + std::to_string(i) + "\"\n" + kDana;
  }
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    , RulesThatAreWrong,
    ::testing::Values(BadRules{"no_version", "[[rule]]\n" + kType + kDana, 1}, BadRules{"empty", "", 1},
                      BadRules{"a_later_version", "version = 2\n", 1},
                      BadRules{"a_version_that_is_text", "version = \"1\"\n", 1},
                      BadRules{"a_version_that_is_a_fraction", "version = 1.0\n", 1},
                      BadRules{"no_toml", "version = 1\nrule rule\n", 2},
                      BadRules{"unknown_key", "version = 1\nrules = 1\n", 2},
                      BadRules{"a_rule_that_is_no_table", "version = 1\nrule = 1\n", 2},
                      BadRules{"one_table_instead_of_a_list", "version = 1\n[rule]\n" + kType + kDana, 2},
                      BadRules{"a_list_of_values", "version = 1\nrule = [1]\n", 2},
                      BadRules{"unknown_key_of_a_rule", kHead + kType + kDana + "qorum = 2\n", 5},
                      BadRules{"no_type", kHead + kDana, 2}, BadRules{"no_approvers", kHead + kType, 2},
                      BadRules{"a_type_that_is_no_text", kHead + "type = 1\n" + kDana, 3},
                      BadRules{"a_type_that_is_no_name", kHead + "type = \"a b\"\n" + kDana, 3},
                      BadRules{"an_empty_type", kHead + "type = \"\"\n" + kDana, 3},
                      BadRules{"a_star_in_the_middle", kHead + "type = \"a*b\"\n" + kDana, 3},
                      BadRules{"two_stars", kHead + "type = \"a**\"\n" + kDana, 3},
                      BadRules{"the_same_pattern_twice", kHead + kType + kDana + "[[rule]]\n" + kType + kDana, 6},
                      BadRules{"approvers_that_are_no_list", kHead + kType + "approvers = \"dana\"\n", 4},
                      BadRules{"an_empty_list_of_approvers", kHead + kType + "approvers = []\n", 4},
                      BadRules{"an_approver_that_is_no_text", kHead + kType + "approvers = [\n1]\n", 5},
                      BadRules{"an_approver_that_is_no_name", kHead + kType + "approvers = [\"dana\",\n\"-x\"]\n", 5},
                      BadRules{"an_approver_that_is_no_file_name", kHead + kType + "approvers = [\"a/b\"]\n", 4},
                      BadRules{"an_approver_twice", kHead + kType + "approvers = [\"dana\", \"erik\", \"dana\"]\n", 4},
                      BadRules{"a_quorum_of_none", kHead + kType + kDana + "quorum = 0\n", 5},
                      BadRules{"a_negative_quorum", kHead + kType + kDana + "quorum = -1\n", 5},
                      BadRules{"a_quorum_that_is_no_number", kHead + kType + kDana + "quorum = \"1\"\n", 5},
                      BadRules{"a_quorum_that_is_a_fraction", kHead + kType + kDana + "quorum = 1.0\n", 5},
                      BadRules{"a_quorum_of_more_than_there_are", kHead + kType + kDana + "quorum = 2\n", 2},
                      BadRules{"a_quorum_out_of_bounds", kHead + kType + kDana + "quorum = 65\n", 5},
                      BadRules{"a_timeout_of_nothing", kHead + kType + kDana + "timeout_seconds = 0\n", 5},
                      BadRules{"a_negative_timeout", kHead + kType + kDana + "timeout_seconds = -1\n", 5},
                      BadRules{"a_timeout_that_is_no_number", kHead + kType + kDana + "timeout_seconds = \"600\"\n", 5},
                      BadRules{"a_timeout_that_is_not_a_number", kHead + kType + kDana + "timeout_seconds = nan\n", 5},
                      BadRules{"a_timeout_for_ever", kHead + kType + kDana + "timeout_seconds = inf\n", 5},
                      BadRules{"a_timeout_out_of_bounds", kHead + kType + kDana + "timeout_seconds = 31536001\n", 5},
                      BadRules{"a_timeout_below_the_smallest", kHead + kType + kDana + "timeout_seconds = 1e-12\n", 5},
                      BadRules{"another_word_than_none", kHead + kType + kDana + "timeout = \"never\"\n", 5},
                      BadRules{"a_number_instead_of_none", kHead + kType + kDana + "timeout = 600\n", 5},
                      BadRules{"two_timeouts", kHead + kType + kDana + "timeout = \"none\"\ntimeout_seconds = 1\n", 6},
                      BadRules{"too_many_rules", many_rules(), 3002}),
    [](const auto& tested) { return tested.param.name; });

TEST(ApprovalRules, that_are_never_in_force_are_told_with_both_lines) {
  const std::string deploy = "[[rule]]\ntype = \"deploy/*\"\n" + kDana;
  const std::string all = "[[rule]]\ntype = \"*\"\n" + kDana;
  EXPECT_THAT(error_of(parse_rules("version = 1\n" + all + deploy, "rules")).message,
              AllOf(HasSubstr("rules:6: the rule for deploy/* is never in force"), HasSubstr("* in line 3")));
  const std::string within = "[[rule]]\ntype = \"deploy/eu/*\"\n" + kDana;
  EXPECT_THAT(error_of(parse_rules("version = 1\n" + deploy + within, "rules")).message,
              AllOf(HasSubstr("rules:6:"), HasSubstr("deploy/* in line 3")));
  EXPECT_THAT(rules_of(deploy + all), SizeIs(2)) << "the narrower one first is what is meant";
  EXPECT_THAT(rules_of(deploy + "[[rule]]\ntype = \"deploy\"\n" + kDana), SizeIs(2)) << "no deploy/ in front of it";
}

class ApprovalPolicyTest : public ::testing::Test {
 protected:
  ErrorCode refusal() { return error_of(ApprovalPolicy::load(world.path())).code; }

  ConfigurationWorld world;
  const std::string rule = "[[rule]]\ntype = \"deploy*\"\napprovers = [\"dana\"]\n";
};

TEST_F(ApprovalPolicyTest, without_a_file_or_a_directory_is_open_mode) {
  EXPECT_FALSE(world.policy().has_rules());
  EXPECT_EQ(world.policy().rule_for("deploy"), nullptr);
  const auto nowhere = ApprovalPolicy::load(world.file("nowhere"));
  ASSERT_TRUE(nowhere) << nowhere.error().message;
  EXPECT_EQ(nowhere->rule_for("deploy"), nullptr);
  EXPECT_FALSE(nowhere->guarded());
}

TEST_F(ApprovalPolicyTest, goes_by_the_first_rule_that_matches) {
  world.write_rules(R"(
[[rule]]
type = "deploy/eu/west"
approvers = ["fay"]
[[rule]]
type = "deploy/eu*"
approvers = ["erik"]
[[rule]]
type = "deploy*"
approvers = ["dana"]
)");
  const ApprovalPolicy policy = world.policy();
  EXPECT_THAT(policy.rule_for("deploy/eu/west")->approvers, ElementsAre("fay"));
  EXPECT_THAT(policy.rule_for("deploy/eu/west2")->approvers, ElementsAre("erik"));
  EXPECT_THAT(policy.rule_for("deploy/us")->approvers, ElementsAre("dana"));
  EXPECT_EQ(policy.rule_for("delete"), nullptr) << "open mode";
}

TEST_F(ApprovalPolicyTest, knows_the_keys_that_are_trusted) {
  world.write_rules(rule);
  const Approver dana = world.trust(world.enroll("dana"));
  const ApprovalPolicy policy = world.policy();
  ASSERT_NE(policy.approver_with("dana", dana.key_id), nullptr);
  EXPECT_EQ(policy.approver_with("dana", dana.key_id)->public_key, dana.public_key);
  EXPECT_EQ(policy.approver_with("erik", dana.key_id), nullptr);
  EXPECT_EQ(policy.approver_with("dana", "0123456789abcdef"), nullptr);
}

TEST_F(ApprovalPolicyTest, learns_of_new_and_revoked_keys_and_keeps_its_rules) {
  world.write_rules(rule);
  ApprovalPolicy policy = world.policy();
  const Approver dana = world.trust(world.enroll("dana"));
  ASSERT_TRUE(policy.refresh());
  ASSERT_NE(policy.approver_with("dana", dana.key_id), nullptr);
  ASSERT_TRUE(revoke_approver(world.path(), "dana"));
  world.write_rules("");
  ASSERT_TRUE(policy.refresh());
  EXPECT_TRUE(policy.approver_with("dana", dana.key_id)->revoked_at);
  EXPECT_NE(policy.rule_for("deploy"), nullptr) << "a file that is being written may lack any rule";
}

TEST_F(ApprovalPolicyTest, is_refused_when_others_may_write_to_it) {
  for (const mode_t mode : {0620, 0602, 0666}) {
    world.write_rules(rule);
    ASSERT_EQ(::chmod(world.file("approvals.toml").c_str(), mode), 0);
    EXPECT_EQ(refusal(), ErrorCode::failed_precondition) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(world.file("approvals.toml").c_str(), 0644), 0);
  EXPECT_TRUE(ApprovalPolicy::load(world.path()));
  ASSERT_EQ(::chmod(world.path().c_str(), 0770), 0);
  EXPECT_EQ(refusal(), ErrorCode::failed_precondition) << "they could put another file there";
}

TEST_F(ApprovalPolicyTest, is_refused_when_the_file_is_no_regular_one) {
  write_text(world.file("elsewhere"), "version = 1\n" + rule);
  ASSERT_EQ(::symlink("elsewhere", world.file("approvals.toml").c_str()), 0);
  const Error error = error_of(ApprovalPolicy::load(world.path()));
  EXPECT_EQ(error.code, ErrorCode::failed_precondition);
  EXPECT_EQ(error.message,
            world.file("approvals.toml") +
                " is a symbolic link, and links are not followed here: put the file itself in its place");
  ASSERT_EQ(::unlink(world.file("approvals.toml").c_str()), 0);
  ASSERT_EQ(::mkfifo(world.file("approvals.toml").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), ErrorCode::failed_precondition) << "and it does not wait for a writer";
}

TEST_F(ApprovalPolicyTest, is_refused_when_it_is_too_large) {
  world.write_rules("#" + std::string(limits::kApproverFileBytesMax, '#'));
  const Error error = error_of(ApprovalPolicy::load(world.path()));
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr(world.file("approvals.toml")));
}

TEST_F(ApprovalPolicyTest, is_refused_with_its_path_and_line) {
  world.write_rules("[[rule]]\ntype = 1\n");
  EXPECT_THAT(error_of(ApprovalPolicy::load(world.path())).message, HasSubstr(world.file("approvals.toml") + ":3: "));
}

TEST_F(ApprovalPolicyTest, of_our_own_is_not_guarded) {
  world.write_rules(rule);
  world.trust(world.enroll("dana"));
  EXPECT_FALSE(world.policy().guarded());
}

// What root does for others. Below a directory in which nobody else may write.
class GuardedPolicy : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files to root";
    ASSERT_NE(::mkdtemp(top_.data()), nullptr);
    ASSERT_EQ(::chmod(top_.c_str(), 0755), 0);
    ASSERT_EQ(::mkdir(directory().c_str(), 0755), 0);
    write_text(directory() + "/approvals.toml", "version = 1\n[[rule]]\ntype = \"a\"\napprovers = [\"dana\"]\n", 0644);
    write_text(directory() + "/approvers.toml", "version = 1\n", 0644);
  }
  void TearDown() override { std::filesystem::remove_all(top_); }

  std::string directory() const { return top_ + "/aldis"; }
  static std::string seen_by(uid_t user, const std::string& directory) {
    return in_a_child([&]() -> std::string {
      if (::setresuid(user, user, user) != 0) return "cannot become another user";
      const auto policy = ApprovalPolicy::load(directory);
      if (!policy) return policy.error().message;
      return policy->guarded() ? "guarded" : "not guarded";
    });
  }
  std::string seen_by_another_user() const { return seen_by(kSomebody, directory()); }

  static constexpr uid_t kSomebody = 65534;
  std::string top_ = "/run/aldis-test-XXXXXX";
};

TEST_F(GuardedPolicy, is_one_that_its_reader_cannot_change) {
  EXPECT_EQ(seen_by_another_user(), "guarded");
  EXPECT_EQ(seen_by(kSomebody, directory() + "/"), "guarded");
}

TEST_F(GuardedPolicy, is_none_for_root) { EXPECT_EQ(seen_by(0, directory()), "not guarded"); }

TEST_F(GuardedPolicy, is_none_when_any_of_it_belongs_to_the_reader) {
  for (const std::string& path :
       {directory() + "/approvals.toml", directory() + "/approvers.toml", directory(), top_}) {
    ASSERT_EQ(::chown(path.c_str(), kSomebody, 0), 0);
    EXPECT_EQ(seen_by_another_user(), "not guarded") << path;
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  }
  EXPECT_EQ(seen_by_another_user(), "guarded");
}

TEST_F(GuardedPolicy, is_none_when_the_reader_may_write_above_it) {
  ASSERT_EQ(::chmod(top_.c_str(), 01777), 0);
  EXPECT_EQ(seen_by_another_user(), "not guarded");
}

TEST_F(GuardedPolicy, is_none_behind_a_link) {
  ASSERT_EQ(::symlink("aldis", (top_ + "/link").c_str()), 0);
  EXPECT_EQ(seen_by(kSomebody, top_ + "/link"), "not guarded");
}

TEST_F(GuardedPolicy, is_none_without_a_file_of_approvers) {
  ASSERT_EQ(::unlink((directory() + "/approvers.toml").c_str()), 0);
  EXPECT_EQ(seen_by_another_user(), "not guarded");
}

TEST(ConfigurationDirectory, is_the_named_one) {
  EXPECT_EQ(*choose_configuration_directory("/somewhere", "/own"), "/somewhere");
}

TEST(ConfigurationDirectory, is_that_of_the_system_if_it_holds_a_policy) {
  ConfigurationWorld system;
  EXPECT_THAT(*choose_configuration_directory("", "", system.path()), EndsWith("/.config/aldis"));
  EXPECT_THAT(*choose_configuration_directory("", "", system.file("nowhere")), EndsWith("/.config/aldis"));
  EXPECT_EQ(*choose_configuration_directory("", "/own", system.path()), "/own");
  system.write_rules("");
  EXPECT_EQ(*choose_configuration_directory("", "/own", system.path()), system.path());
  EXPECT_EQ(*choose_configuration_directory("/given", "/own", system.path()), "/given");
}

TEST_F(GuardedPolicy, of_the_system_is_not_passed_over_because_its_directory_cannot_be_searched) {
  ASSERT_EQ(::chmod(directory().c_str(), 0700), 0);
  const std::string chosen = in_a_child([&]() -> std::string {
    if (::setresuid(kSomebody, kSomebody, kSomebody) != 0) return "cannot become another user";
    const auto found = choose_configuration_directory("", "/own", directory());
    const bool is_refused = found && !ApprovalPolicy::load(*found);
    return is_refused ? *found + ", which is refused" : "open mode";
  });
  EXPECT_EQ(chosen, directory() + ", which is refused");
}

TEST_F(GuardedPolicy, is_none_that_was_not_guarded_when_its_rules_were_read) {
  ASSERT_EQ(::chown(directory().c_str(), kSomebody, 0), 0);
  const std::string seen = in_a_child([&]() -> std::string {
    if (::setresuid(kSomebody, kSomebody, 0) != 0) return "cannot become another user";
    auto policy = ApprovalPolicy::load(directory());
    if (!policy || ::setresuid(0, 0, 0) != 0 || ::chown(directory().c_str(), 0, 0) != 0) return "cannot guard it";
    if (::setresuid(kSomebody, kSomebody, kSomebody) != 0 || !policy->refresh()) return "cannot read it";
    const auto anew = ApprovalPolicy::load(directory());
    if (!anew || !anew->guarded()) return "it is not guarded now";
    return policy->guarded() ? "guarded" : "not guarded";
  });
  EXPECT_EQ(seen, "not guarded");
}

TEST_F(GuardedPolicy, leaves_the_keys_of_its_reader_in_their_own_directory) {
  const std::string chosen = in_a_child([&]() -> std::string {
    if (::setresuid(kSomebody, kSomebody, kSomebody) != 0) return "cannot become another user";
    const auto keys = choose_key_directory(directory(), "/own");
    return keys ? *keys : keys.error().message;
  });
  EXPECT_EQ(chosen, "/own");
  EXPECT_EQ(*choose_key_directory(directory()), directory()) << "it is root's";
}

TEST(ConfigurationDirectory, holds_the_keys_if_it_is_ours_or_is_to_be_made) {
  const ConfigurationWorld world;
  EXPECT_EQ(*choose_key_directory(world.path()), world.path());
  EXPECT_EQ(*choose_key_directory(world.file("nowhere")), world.file("nowhere"));
}

TEST(ConfigurationDirectory, of_the_system_is_not_passed_over_because_it_cannot_be_read) {
  ConfigurationWorld system;
  ASSERT_EQ(::symlink("approvals.toml", system.file("approvals.toml").c_str()), 0);
  EXPECT_EQ(*choose_configuration_directory("", "/own", system.path()), system.path());
  EXPECT_FALSE(ApprovalPolicy::load(system.path()));
}

}  // namespace
}  // namespace aldis::testing
