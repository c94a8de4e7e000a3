#include "telemetry/consent.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace aldis::telemetry {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

const std::vector<std::string> kOptOuts = {"CI",           "GITHUB_ACTIONS",       "JENKINS_URL",
                                           "NO_TELEMETRY", "MY_TOOL_NO_TELEMETRY", "DO_NOT_TRACK"};

Consent decided(const Variables& variables, ConsentFacts facts = {.consent = ConsentFile{.enabled = true}}) {
  const Environment environment(variables);
  facts.tool = "my-tool";
  facts.environment = &environment;
  EXPECT_EQ(is_ruled_out(facts), decide({.tool = facts.tool,
                                         .environment = facts.environment,
                                         .setuid = facts.setuid,
                                         .command_line = facts.command_line,
                                         .consent = ConsentFile{.enabled = true}})
                                         .active == false)
      << "what no file can change is ruled out, and nothing else";
  return decide(facts);
}

std::vector<ConsentRule> explained(const Variables& variables, ConsentFacts facts) {
  const Environment environment(variables);
  facts.tool = "my-tool";
  facts.environment = &environment;
  return explain(facts);
}

TEST(Consent, is_the_users_own_word) {
  const Consent consent = decided({{"HOME", "/home/ann"}});
  EXPECT_TRUE(consent.enabled);
  EXPECT_TRUE(consent.active);
  EXPECT_EQ(consent.decided_by, "consent");
}

TEST(Consent, off_until_the_user_opts_in) {
  for (const auto& never : {std::optional<ConsentFile>(), std::optional(ConsentFile{.enabled = false})}) {
    const Consent consent = decided({}, {.consent = never});
    EXPECT_FALSE(consent.enabled);
    EXPECT_FALSE(consent.active);
    EXPECT_EQ(consent.decided_by, "consent");
  }
}

TEST(Consent, off_in_ci_whatever_the_variable_says) {
  for (const char* variable : {"CI", "GITHUB_ACTIONS", "JENKINS_URL"}) {
    for (const char* value : {"1", "true", "0", "false", "no", " "}) {
      const Consent consent = decided({{variable, value}});
      EXPECT_FALSE(consent.active) << variable << "=" << value;
      EXPECT_EQ(consent.decided_by, variable);
      EXPECT_TRUE(consent.enabled) << "the user's word stays";
    }
    EXPECT_TRUE(decided({{variable, ""}}).active) << variable;
  }
}

TEST(Consent, off_when_a_variable_asks_for_it_unless_it_is_empty_or_0) {
  for (const char* variable : {"NO_TELEMETRY", "MY_TOOL_NO_TELEMETRY", "DO_NOT_TRACK"}) {
    for (const char* value : {"1", "true", "false", "no", "00"}) {
      const Consent consent = decided({{variable, value}});
      EXPECT_FALSE(consent.active) << variable << "=" << value;
      EXPECT_EQ(consent.decided_by, variable);
    }
    EXPECT_TRUE(decided({{variable, ""}}).active) << variable;
    EXPECT_TRUE(decided({{variable, "0"}}).active) << variable;
  }
  EXPECT_TRUE(decided({{"OTHER_TOOL_NO_TELEMETRY", "1"}}).active);
}

TEST(Consent, off_with_somebody_elses_rights) {
  const Consent consent = decided({}, {.setuid = true, .consent = ConsentFile{.enabled = true}});
  EXPECT_FALSE(consent.active);
  EXPECT_EQ(consent.decided_by, "setuid");
}

TEST(Consent, off_for_command_lines_that_are_never_reported) {
  for (const CommandLine line :
       {CommandLine::help, CommandLine::version, CommandLine::no_command, CommandLine::telemetry_command}) {
    const Consent consent = decided({}, {.command_line = line, .consent = ConsentFile{.enabled = true}});
    EXPECT_FALSE(consent.active);
    EXPECT_EQ(consent.decided_by, "command line");
  }
}

TEST(Consent, off_in_a_place_that_is_not_fit) {
  const Consent consent = decided({}, {.place_problem = "HOME is not set", .consent = ConsentFile{.enabled = true}});
  EXPECT_FALSE(consent.active);
  EXPECT_EQ(consent.decided_by, "place");
}

TEST(Consent, the_first_rule_that_says_off_decides) {
  const ConsentFacts worst{
      .setuid = true, .command_line = CommandLine::help, .place_problem = "no /proc", .consent = std::nullopt};
  EXPECT_EQ(decided({{"DO_NOT_TRACK", "1"}, {"CI", "1"}, {"JENKINS_URL", "x"}}, worst).decided_by, "CI");
  EXPECT_EQ(decided({{"DO_NOT_TRACK", "1"}}, worst).decided_by, "DO_NOT_TRACK");
  EXPECT_EQ(decided({}, worst).decided_by, "setuid");
}

TEST(Consent, explains_every_rule_in_its_order) {
  const auto rules = explained({{"CI", "false"}, {"DO_NOT_TRACK", "0"}},
                               {.command_line = CommandLine::version, .consent = ConsentFile{.enabled = true}});
  std::vector<std::string> names;
  for (const ConsentRule& rule : rules) names.push_back(rule.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"CI", "GITHUB_ACTIONS", "JENKINS_URL", "NO_TELEMETRY", "MY_TOOL_NO_TELEMETRY",
                                      "DO_NOT_TRACK", "setuid", "command line", "place", "consent"}));
  EXPECT_EQ(rules[0].value, "false");
  EXPECT_TRUE(rules[0].says_off);
  EXPECT_EQ(rules[1].value, "");
  EXPECT_FALSE(rules[1].says_off);
  EXPECT_EQ(rules[5].value, "0");
  EXPECT_FALSE(rules[5].says_off);
  EXPECT_EQ(rules[7].value, "--version");
  EXPECT_TRUE(rules[7].says_off);
  EXPECT_EQ(rules[9].value, "yes");
  EXPECT_FALSE(rules[9].says_off);
}

TEST(Consent, a_rule_that_nothing_speaks_for_has_no_value) {
  const auto rules = explained({}, {});
  for (const ConsentRule& rule : rules) EXPECT_EQ(rule.value, "") << rule.name;
  EXPECT_EQ(std::ranges::count_if(rules, &ConsentRule::says_off), 1) << "only the missing consent";
  EXPECT_EQ(explained({}, {.place_problem = "HOME is not set"})[8].value, "HOME is not set");
  EXPECT_EQ(explained({}, {.consent = ConsentFile{}})[9].value, "no");
}

rc::Gen<std::string> any_value() {
  return rc::gen::element<std::string>("", "0", "1", "false", "true", "no", "off", "2");
}

rc::Gen<Variables> any_variables() {
  const auto name = rc::gen::element<std::string>("CI", "GITHUB_ACTIONS", "JENKINS_URL", "NO_TELEMETRY",
                                                  "MY_TOOL_NO_TELEMETRY", "DO_NOT_TRACK", "MY_TOOL_TELEMETRY",
                                                  "TELEMETRY", "MY_TOOL_STATE_DIR", "HOME", "FORCE_TELEMETRY");
  return rc::gen::map(
      rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(name, any_value())),
      [](const auto& pairs) { return Variables(pairs.begin(), pairs.end()); });
}

ConsentFacts any_facts() {
  ConsentFacts facts;
  facts.setuid = *rc::gen::arbitrary<bool>();
  facts.command_line = *rc::gen::element(CommandLine::reportable, CommandLine::help, CommandLine::telemetry_command);
  facts.place_problem = *rc::gen::element<std::string>("", "no /proc");
  if (*rc::gen::arbitrary<bool>()) facts.consent = ConsentFile{.enabled = *rc::gen::arbitrary<bool>()};
  return facts;
}

TEST(Consent, opting_out_once_more_never_turns_it_on) {
  EXPECT_TRUE(rc::check("opt-outs only add up", [] {
    const ConsentFacts facts = any_facts();
    Variables variables = *any_variables();
    const std::string added = *rc::gen::elementOf(kOptOuts);
    variables.erase(added);
    const bool before = decided(variables, facts).active;
    variables[added] = *any_value();
    RC_ASSERT(before || !decided(variables, facts).active);
    variables[added] = *rc::gen::element<std::string>("1", "true", "false");
    RC_ASSERT(!decided(variables, facts).active);
  }));
}

TEST(Consent, no_variable_turns_it_on) {
  EXPECT_TRUE(rc::check("the environment alone never says on", [] {
    ConsentFacts facts = any_facts();
    const Variables variables = *any_variables();
    // Whatever is set, telemetry is on only if it would be on with nothing set.
    RC_ASSERT(!decided(variables, facts).active || decided({}, facts).active);
    facts.consent.reset();
    RC_ASSERT(!decided(variables, facts).active);
    facts.consent = ConsentFile{.enabled = false};
    RC_ASSERT(!decided(variables, facts).active);
  }));
}

TEST(CommandLine, that_asks_for_help_or_the_version_is_not_reported) {
  for (const char* help : {"--help", "-h"}) {
    EXPECT_EQ(judge_command_line({help}), CommandLine::help);
    EXPECT_EQ(judge_command_line({"list", "--json", help}), CommandLine::help);
  }
  for (const char* version : {"--version", "-V"}) {
    EXPECT_EQ(judge_command_line({version}), CommandLine::version);
    EXPECT_EQ(judge_command_line({"list", version}), CommandLine::version);
  }
}

TEST(CommandLine, without_a_command_is_not_reported) {
  EXPECT_EQ(judge_command_line({}), CommandLine::no_command);
  EXPECT_EQ(judge_command_line({"--verbose", "--no-update-check"}), CommandLine::no_command);
  EXPECT_EQ(judge_command_line({"-x", "--"}), CommandLine::no_command);
  EXPECT_EQ(judge_command_line({""}), CommandLine::no_command);
}

TEST(CommandLine, of_a_telemetry_command_is_not_reported) {
  EXPECT_EQ(judge_command_line({"telemetry", "status"}), CommandLine::telemetry_command);
  EXPECT_EQ(judge_command_line({"--json", "telemetry"}), CommandLine::telemetry_command);
  EXPECT_EQ(judge_command_line({"list", "telemetry"}), CommandLine::reportable) << "an argument, no command";
}

TEST(CommandLine, of_an_ordinary_command_is_reported) {
  EXPECT_EQ(judge_command_line({"list"}), CommandLine::reportable);
  EXPECT_EQ(judge_command_line({"list", "--helpful", "-hh", "help"}), CommandLine::reportable);
  EXPECT_EQ(judge_command_line({"--count", "list", ""}), CommandLine::reportable);
}

TEST(CommandLine, is_judged_up_to_the_double_dash) {
  EXPECT_EQ(judge_command_line({"run", "--", "--help"}), CommandLine::reportable);
  EXPECT_EQ(judge_command_line({"--", "telemetry"}), CommandLine::reportable);
  EXPECT_EQ(judge_command_line({"run", "-h", "--"}), CommandLine::help);
}

TEST(Updates, are_wanted_unless_somebody_says_no) {
  const auto wants = [](const Variables& variables, const std::vector<std::string>& arguments) {
    return wants_updates(Environment(variables), "my-tool", arguments);
  };
  EXPECT_TRUE(wants({}, {"list"}));
  for (const char* variable : {"CI", "GITHUB_ACTIONS", "JENKINS_URL"}) {
    EXPECT_FALSE(wants({{variable, "0"}}, {})) << variable;
    EXPECT_TRUE(wants({{variable, ""}}, {})) << variable;
  }
  for (const char* variable : {"TOOL_NO_UPDATE", "MY_TOOL_NO_UPDATE", "NO_UPDATE_NOTIFIER"}) {
    EXPECT_FALSE(wants({{variable, "1"}}, {})) << variable;
    EXPECT_FALSE(wants({{variable, "false"}}, {})) << variable;
    EXPECT_TRUE(wants({{variable, "0"}}, {})) << variable;
    EXPECT_TRUE(wants({{variable, ""}}, {})) << variable;
  }
  EXPECT_FALSE(wants({}, {"list", "--no-update-check"}));
  EXPECT_TRUE(wants({}, {"run", "--", "--no-update-check"})) << "that is somebody else's argument";
}

}  // namespace
}  // namespace aldis::telemetry
