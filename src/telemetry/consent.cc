#include "telemetry/consent.h"

#include <algorithm>
#include <span>

#include "telemetry/ci.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

// Arguments that are options of the program itself; behind "--" stand words that only look like some.
std::span<const std::string> before_double_dash(const std::vector<std::string>& arguments) {
  return {arguments.begin(), std::ranges::find(arguments, "--")};
}

// Set, not empty and not "0".
bool is_wish(const std::optional<std::string>& value) { return value && *value != "0"; }

std::string_view describe(CommandLine line) {
  switch (line) {
    case CommandLine::reportable:
      return "";
    case CommandLine::help:
      return "--help";
    case CommandLine::version:
      return "--version";
    case CommandLine::no_command:
      return "no command";
    case CommandLine::telemetry_command:
      return "telemetry";
  }
  return "";
}

// 1–4: what is known without looking at any file.
std::vector<ConsentRule> rules_of_the_run(const ConsentFacts& facts) {
  std::vector<ConsentRule> rules;
  for (const std::string_view name : kCiVariables) {
    const auto value = facts.environment->get(name);
    rules.push_back({std::string(name), value.value_or(""), value.has_value()});
  }
  for (const std::string& name :
       {std::string("NO_TELEMETRY"), variable_prefix(facts.tool) + "_NO_TELEMETRY", std::string("DO_NOT_TRACK")}) {
    const auto value = facts.environment->get(name);
    rules.push_back({name, value.value_or(""), is_wish(value)});
  }
  rules.push_back({"setuid", facts.setuid ? "yes" : "", facts.setuid});
  rules.push_back(
      {"command line", std::string(describe(facts.command_line)), facts.command_line != CommandLine::reportable});
  return rules;
}

}  // namespace

CommandLine judge_command_line(const std::vector<std::string>& arguments) {
  const std::span<const std::string> own = before_double_dash(arguments);
  bool is_behind_word = false;
  bool has_word = own.size() + 1 < arguments.size();  // words may stand behind "--"
  for (const std::string& argument : own) {
    if (argument == "--help" || argument == "-h") return CommandLine::help;
    if (argument == "--version" || argument == "-V") return CommandLine::version;
    if (argument.starts_with('-') || argument.empty() || is_behind_word) continue;
    if (argument == "telemetry") return CommandLine::telemetry_command;
    is_behind_word = has_word = true;
  }
  return has_word ? CommandLine::reportable : CommandLine::no_command;
}

std::vector<ConsentRule> explain(const ConsentFacts& facts) {
  std::vector<ConsentRule> rules = rules_of_the_run(facts);
  rules.push_back({"place", facts.place_problem, !facts.place_problem.empty()});
  const bool enabled = facts.consent && facts.consent->enabled;
  rules.push_back({"consent", !facts.consent ? "" : enabled ? "yes" : "no", !enabled});
  return rules;
}

Consent decide(const ConsentFacts& facts) {
  const auto rules = explain(facts);
  const auto off = std::ranges::find_if(rules, &ConsentRule::says_off);
  return {.enabled = facts.consent && facts.consent->enabled,
          .active = off == rules.end(),
          .decided_by = off == rules.end() ? "consent" : off->name};
}

bool is_ruled_out(const ConsentFacts& facts) {
  return std::ranges::any_of(rules_of_the_run(facts), &ConsentRule::says_off);
}

bool wants_updates(const Environment& environment, std::string_view tool, const std::vector<std::string>& arguments) {
  if (runs_in_ci(environment)) return false;
  for (const std::string& name :
       {std::string("TOOL_NO_UPDATE"), variable_prefix(tool) + "_NO_UPDATE", std::string("NO_UPDATE_NOTIFIER")}) {
    if (is_wish(environment.get(name))) return false;
  }
  return std::ranges::none_of(before_double_dash(arguments),
                              [](const auto& argument) { return argument == "--no-update-check"; });
}

}  // namespace aldis::telemetry
