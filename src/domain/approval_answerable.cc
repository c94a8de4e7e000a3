#include "domain/approval_answerable.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "core/failure.h"
#include "core/try.h"
#include "domain/approval_answer.h"

namespace aldis {
namespace {

constexpr std::size_t kNamesShown = 10;

bool has_key(const ApprovalPolicy& policy, std::string_view name) {
  return std::ranges::any_of(policy.approvers(),
                             [&](const Approver& approver) { return approver.name == name && !approver.revoked_at; });
}

std::string approvals_text(std::uint32_t quorum) {
  return quorum == 1 ? "an approval" : fmt::format("{} approvals", quorum);
}

}  // namespace

std::vector<std::string> approvers_without_key(const ApprovalPolicy& policy, const ApprovalRule& rule) {
  std::vector<std::string> without;
  std::ranges::copy_if(rule.approvers, std::back_inserter(without),
                       [&](const std::string& name) { return !has_key(policy, name); });
  return without;
}

Result<void> check_answerable(const ApprovalPolicy& policy, std::string_view type, std::string_view agent) {
  const ApprovalRule* const rule = policy.rule_for(type);
  if (rule == nullptr) return {};
  std::vector<std::string> others = rule->approvers;
  std::erase(others, agent);
  if (others.size() < rule->quorum) {
    return fail(ErrorCode::failed_precondition,
                "nobody could ever approve it: the rule {} asks for {} by {}, and {} does not answer requests of its "
                "own. Ask as another agent, or name more approvers in approvals.toml",
                rule->pattern, approvals_text(rule->quorum), join_names(rule->approvers), agent);
  }
  std::vector<std::string> without = approvers_without_key(policy, *rule);
  std::erase(without, agent);
  const std::size_t with = others.size() - without.size();
  if (with >= rule->quorum) return {};
  return fail(ErrorCode::failed_precondition,
              "nobody can approve it yet: the rule {} asks for {}, and {} of its approvers other than {} {} a trusted "
              "key here. Run aldis approvers trust NAME KEY for {}, then ask again",
              rule->pattern, approvals_text(rule->quorum), with == 0 ? "none" : std::to_string(with), agent,
              with > 1 ? "have" : "has", join_names(without));
}

Result<bool> was_asked(ApprovalStore& store, const ApprovalSubject& subject) {
  if (subject.key.empty()) return false;
  ApprovalPage page{.type = subject.type, .agent = subject.agent, .count = limits::kApprovalPage};
  for (;;) {
    ALDIS_TRY_ASSIGN(const std::vector<ApprovalReading> readings, answer_of(store.list(page)));
    const bool found = std::ranges::any_of(
        readings, [&](const ApprovalReading& reading) { return reading.record.subject.key == subject.key; });
    if (found || readings.size() < page.count) return found;
    page.after = readings.back().record.subject.id;
  }
}

std::string join_names(const std::vector<std::string>& names) {
  const std::size_t shown = names.size() > kNamesShown + 1 ? kNamesShown : names.size();
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += (text.empty() ? "" : ", ") + names[i];
  return shown == names.size() ? text : fmt::format("{} and {} more", text, names.size() - shown);
}

}  // namespace aldis
