#include "domain/approval_policy.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "core/bytes.h"
#include "core/failure.h"
#include "core/names.h"
#include "core/sha256.h"
#include "core/try.h"
#include "domain/approver_file.h"
#include "domain/approver_keys.h"
#include "domain/configuration_directory.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

bool is_open_ended(std::string_view pattern) { return pattern.ends_with('*'); }

Result<void> check_pattern(std::string_view pattern) {
  if (pattern == "*") return {};
  const std::string_view name = pattern.substr(0, pattern.size() - (is_open_ended(pattern) ? 1 : 0));
  return check_name("type", name);
}

// Whether each type that `narrower` matches is one that `wider` matches.
bool covers(std::string_view wider, std::string_view narrower) {
  if (!is_open_ended(wider)) return wider == narrower;
  return narrower.starts_with(wider.substr(0, wider.size() - 1));
}

class RuleParser {
 public:
  explicit RuleParser(const std::string& path) : path_(path) {}

  Result<std::vector<ApprovalRule>> parse(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text, path_);
    if (!parsed) return wrong(parsed.error().source().begin.line, parsed.error().description());
    for (const auto& [key, node] : parsed.table()) {
      if (key == "version") {
        if (node.value_exact<std::int64_t>() != 1) return wrong(node, "version must be 1");
      } else if (key == "rule") {
        if (!node.is_array_of_tables()) return wrong(node, "rules are written as [[rule]]");
        for (const toml::node& rule : *node.as_array()) ALDIS_TRY(add(*rule.as_table()));
      } else {
        return wrong(key.source().begin.line, fmt::format("unknown key {}", key.str()));
      }
    }
    if (!parsed.table().contains("version")) return wrong(1, "the line version = 1 is missing");
    return std::move(rules_);
  }

 private:
  std::unexpected<Error> wrong(std::uint32_t line, std::string_view what) const {
    return fail(ErrorCode::invalid_argument, "{}:{}: {}", path_, line, what);
  }
  std::unexpected<Error> wrong(const toml::node& node, std::string_view what) const {
    return wrong(node.source().begin.line, what);
  }

  Result<void> read_pattern(const toml::node& node, ApprovalRule& rule) const {
    if (!node.is_string()) return wrong(node, "type must be a string");
    rule.pattern = **node.as_string();
    if (const auto checked = check_pattern(rule.pattern); !checked) return wrong(node, checked.error().message);
    const auto covering = std::ranges::find_if(
        rules_, [&](const ApprovalRule& earlier) { return covers(earlier.pattern, rule.pattern); });
    if (covering == rules_.end()) return {};
    return wrong(node, fmt::format("the rule for {} is never in force: that for {} in line {} matches first. Put the "
                                   "narrower one first, or remove one",
                                   rule.pattern, covering->pattern,
                                   lines_[static_cast<std::size_t>(covering - rules_.begin())]));
  }

  Result<void> read_approvers(const toml::node& node, ApprovalRule& rule) const {
    const toml::array* const names = node.as_array();
    if (names == nullptr || names->empty()) return wrong(node, "approvers must be a list of names");
    if (names->size() > limits::kApproversMax) {
      return wrong(node, fmt::format("more than {} approvers", limits::kApproversMax));
    }
    for (const toml::node& name : *names) {
      if (!name.is_string()) return wrong(name, "an approver is a string");
      if (const auto checked = check_approver_name(**name.as_string()); !checked) {
        return wrong(name, checked.error().message);
      }
      rule.approvers.push_back(**name.as_string());
    }
    std::ranges::sort(rule.approvers);
    const auto twice = std::ranges::adjacent_find(rule.approvers);
    if (twice != rule.approvers.end()) return wrong(node, fmt::format("approver {} is named twice", *twice));
    return {};
  }

  Result<void> read_quorum(const toml::node& node, ApprovalRule& rule) const {
    const auto quorum = node.value_exact<std::int64_t>();
    if (!quorum || *quorum < 1 || *quorum > limits::kQuorumMax) {
      return wrong(node, fmt::format("quorum must be a number from 1 to {}", limits::kQuorumMax));
    }
    rule.quorum = static_cast<std::uint32_t>(*quorum);
    return {};
  }

  Result<void> read_timeout(std::string_view key, const toml::node& node, ApprovalRule& rule) const {
    if (rule.timeout_kind != ApprovalRule::Timeout::of_the_request) {
      return wrong(node, "give timeout_seconds or timeout = \"none\", not both");
    }
    if (key == "timeout") {
      if (node.value_exact<std::string>() != "none") {
        return wrong(node, "timeout can only be \"none\"; otherwise give timeout_seconds");
      }
      rule.timeout_kind = ApprovalRule::Timeout::none;
      return {};
    }
    constexpr double kSecondsMax = std::chrono::duration<double>(limits::kApprovalTimeoutMax).count();
    const std::optional<double> seconds = node.value<double>();
    rule.timeout_kind = ApprovalRule::Timeout::fixed;
    if (node.is_number() && *seconds > 0 && *seconds <= kSecondsMax) {
      rule.timeout = std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(*seconds));
    }
    if (rule.timeout > nanoseconds::zero()) return {};
    return wrong(node, fmt::format("timeout_seconds must be more than 0 and at most {}", kSecondsMax));
  }

  Result<void> read_field(const toml::key& key, const toml::node& node, ApprovalRule& rule) const {
    if (key == "type") return read_pattern(node, rule);
    if (key == "approvers") return read_approvers(node, rule);
    if (key == "quorum") return read_quorum(node, rule);
    if (key == "timeout" || key == "timeout_seconds") return read_timeout(key.str(), node, rule);
    return wrong(key.source().begin.line, fmt::format("unknown key {}", key.str()));
  }

  Result<void> add(const toml::table& table) {
    ApprovalRule rule;
    for (const auto& [key, node] : table) ALDIS_TRY(read_field(key, node, rule));
    if (rule.pattern.empty()) return wrong(table, "a rule needs a type");
    if (rule.approvers.empty()) return wrong(table, "a rule needs approvers");
    if (rule.quorum > rule.approvers.size()) {
      return wrong(table, fmt::format("a quorum of {} is more than there are approvers", rule.quorum));
    }
    if (rules_.size() == limits::kApprovalRulesMax) {
      return wrong(table, fmt::format("more than {} rules", limits::kApprovalRulesMax));
    }
    rules_.push_back(std::move(rule));
    lines_.push_back(table.get("type")->source().begin.line);
    return {};
  }

  const std::string& path_;
  std::vector<ApprovalRule> rules_;
  std::vector<std::uint32_t> lines_;  // of their patterns
};

std::string timeout_text(const ApprovalRule& rule) {
  if (rule.timeout_kind == ApprovalRule::Timeout::none) return "none";
  if (rule.timeout_kind == ApprovalRule::Timeout::fixed) return std::to_string(rule.timeout.count());
  return "request";
}

}  // namespace

bool ApprovalRule::matches(std::string_view type) const {
  if (!is_open_ended(pattern)) return type == pattern;
  return type.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

std::string ApprovalRule::hash() const {
  ByteWriter bytes;
  bytes.raw({"aldis-approval-rule-v1\0", sizeof("aldis-approval-rule-v1")}).blob(pattern);
  bytes.number(static_cast<std::uint32_t>(approvers.size()));
  for (const std::string& approver : approvers) bytes.blob(approver);
  bytes.number(quorum).blob(timeout_text(*this));
  return sha256_hex(bytes.bytes());
}

Result<std::vector<ApprovalRule>> parse_rules(std::string_view text, const std::string& path) {
  return RuleParser(path).parse(text);
}

Result<std::string> approval_directory(const WorkspaceOptions& options) {
  return choose_configuration_directory(options.configuration_directory, options.own_configuration_directory);
}

Result<ApprovalPolicy> ApprovalPolicy::load(const std::string& directory) {
  ApprovalPolicy policy;
  policy.directory_ = directory;
  policy.guarded_ = is_guarded(directory);
  ALDIS_TRY_ASSIGN(const std::optional<std::string> text, read_configuration_file(directory, kPolicyFile));
  if (!text) return policy;
  ALDIS_TRY_ASSIGN(policy.rules_, parse_rules(*text, directory + "/" + kPolicyFile));
  ALDIS_TRY(policy.refresh());
  return policy;
}

Result<void> ApprovalPolicy::refresh() {
  if (rules_.empty()) return {};
  guarded_ = guarded_ && is_guarded(directory_);
  ALDIS_TRY_ASSIGN(approvers_, list_approvers(directory_));
  return {};
}

const ApprovalRule* ApprovalPolicy::rule_for(std::string_view type) const {
  const auto found = std::ranges::find_if(rules_, [&](const ApprovalRule& rule) { return rule.matches(type); });
  return found == rules_.end() ? nullptr : &*found;
}

const Approver* ApprovalPolicy::approver_with(std::string_view name, std::string_view key_id) const {
  const auto found = std::ranges::find_if(
      approvers_, [&](const Approver& approver) { return approver.name == name && approver.key_id == key_id; });
  return found == approvers_.end() ? nullptr : &*found;
}

}  // namespace aldis
