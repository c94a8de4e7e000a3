// The check of `aldis doctor` on the approval policy.

#include <unistd.h>

#include <set>

#include "aldis/approvers.h"
#include "cli/commands/doctor_checks.h"
#include "core/format.h"
#include "domain/approval_answerable.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kName = "approval_policy";

std::vector<std::string> names_without_key(const ApprovalPolicy& policy) {
  std::set<std::string> names;
  for (const ApprovalRule& rule : policy.rules()) {
    for (std::string& name : approvers_without_key(policy, rule)) names.insert(std::move(name));
  }
  return {names.begin(), names.end()};
}

std::string guard_text(const ApprovalPolicy& policy) {
  if (policy.guarded()) return "guarded";
  return fmt::format("not guarded from user {}, so no decision is verified", geteuid());
}

}  // namespace

Check check_policy(const Invocation& invocation) {
  const Result<std::string> directory = policy_directory(invocation);
  if (!directory) return failed_check(kName, directory.error(), "name one with --config or ALDIS_CONFIG");
  const Result<ApprovalPolicy> policy = ApprovalPolicy::load(*directory);
  if (!policy) {
    return failed_check(kName, policy.error(),
                        "until that is put right no approval can be asked for, answered or shown");
  }
  if (!policy->has_rules()) {
    return {kName, Verdict::ok, *directory + " has no rules in approvals.toml: all approvals are in open mode", {}};
  }
  const std::size_t count = policy->rules().size();
  const std::string message =
      fmt::format("{}: {} {}, {}", *directory, count, count == 1 ? "rule" : "rules", guard_text(*policy));
  const std::vector<std::string> names = names_without_key(*policy);
  if (names.empty()) return {kName, Verdict::ok, message, {}};
  return {kName, Verdict::warn, fmt::format("{}; approvers without a trusted key: {}", message, join_names(names)),
          "aldis approvers trust NAME KEY, with the key that aldis approvers enroll NAME showed"};
}

}  // namespace aldis::cli
