#include "cli/commands/approval_replies.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "cli/approval_shapes.h"
#include "cli/passphrase.h"
#include "core/failure.h"
#include "core/format.h"
#include "domain/approval_answerable.h"

namespace aldis::cli {
namespace {

std::string name_of_user() {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* user = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &user);
  return user == nullptr ? fmt::format("uid-{}", geteuid()) : std::string(user->pw_name);
}

// As context_hash is written: other programs print the same digits in capitals.
std::optional<std::string> insisted_hash(const Arguments& arguments) {
  std::optional<std::string> hash = arguments.text(kContextHash.name);
  for (char& digit : hash ? std::span<char>(*hash) : std::span<char>()) {
    if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
  }
  return hash;
}

Failure failure_of(const ApprovalRequest& request) {
  const std::string who = request.responder.empty() ? "nobody" : request.responder;
  const std::string why = request.reason.empty() ? std::string() : ": " + request.reason;
  switch (request.status) {
    case ApprovalState::rejected:
      return *fail_with(ExitCode::rejected, kCodeApprovalRejected, fmt::format("rejected by {}{}", who, why)).failure;
    case ApprovalState::cancelled:
      return *fail_with(ExitCode::request_cancelled, kCodeRequestCancelled, fmt::format("cancelled by {}{}", who, why))
                  .failure;
    default:
      // Asked again it would be another request: nothing that repeats by itself may do that.
      return Failure{.exit = ExitCode::timeout,
                     .code = std::string(kCodeTimeout),
                     .message = "nobody decided before the deadline" + why};
  }
}

// As far as the rule says, the request, and the name.
std::string why_not_entitled(const Invocation& invocation, const ApprovalPolicy& policy,
                             const ApprovalRequest& request) {
  const std::string who = answering_name(invocation);
  if (request.agent_id == who || request.agent_id == invocation.settings.agent.value) {
    return fmt::format("{} asked for it, and nobody answers a request of their own", request.agent_id);
  }
  const ApprovalRule* const rule = policy.rule_for(request.approval_type);
  if (rule == nullptr && request.policy_hash.empty()) return {};
  if (rule == nullptr) return "it was opened under a policy that is not here: no rule of approvals.toml matches it";
  if (request.policy_hash != rule->hash()) {
    return "it was opened under another policy than the one here: whoever asked for it has to ask again";
  }
  if (std::ranges::find(rule->approvers, who) != rule->approvers.end()) return {};
  return fmt::format("{} is not one of those who may answer it: {}", who, join_names(rule->approvers));
}

std::string why_no_key_counts(const ApprovalPolicy& policy, const std::string& who) {
  const bool is_trusted = std::ranges::any_of(
      policy.approvers(), [&](const Approver& approver) { return approver.name == who && !approver.revoked_at; });
  if (is_trusted) return {};
  return fmt::format(
      "no key of {} is trusted here: run aldis approvers trust {} KEY with the key of aldis approvers "
      "enroll",
      who, who);
}

}  // namespace

Reply approval_reply(const OutputStyle& style, const ApprovalRequest& request) {
  Reply reply{.data = approval_json(request)};
  if (style.table()) reply.view = approval_view(style, request);
  return reply;
}

Reply outcome_reply(const OutputStyle& style, const ApprovalRequest& request) {
  Reply reply = approval_reply(style, request);
  if (request.status != ApprovalState::approved) reply.failure = failure_of(request);
  return reply;
}

Reply refused_answer(const OutputStyle& style, const ApprovalGate& gate, const std::string& id, const std::string& who,
                     const Error& error) {
  const Result<ApprovalRequest> request = gate.get_request(id);
  if (!request) return fail_with(error);
  Reply reply = approval_reply(style, *request);
  reply.failure = make_failure(error);
  if (error.code == ErrorCode::conflict && request->status != ApprovalState::pending) {
    reply.failure->code = kCodeAlreadyDecided;
  } else if (error.code == ErrorCode::failed_precondition && request->status == ApprovalState::timed_out) {
    reply.failure->code = kCodeRequestExpired;
  } else if (error.code == ErrorCode::permission_denied && request->agent_id == who) {
    reply.failure->code = kCodeSelfApproval;
  }
  return reply;
}

std::string answering_name(const Invocation& invocation) {
  if (const auto given = invocation.arguments.text("--as")) return *given;
  const std::string& agent = invocation.settings.agent.value;
  return agent.empty() ? name_of_user() : agent;
}

std::optional<Reply> refuse_another(const Invocation& invocation, const ApprovalRequest& request) {
  std::string message;
  const auto insist = [&](const std::optional<std::string>& wanted, std::string_view what, const std::string& found) {
    if (!wanted || *wanted == found) return;
    message += fmt::format("{}its {} is {}, not {}", message.empty() ? "" : "; ", what, found, *wanted);
  };
  insist(invocation.arguments.text("--type"), "type", request.approval_type);
  insist(insisted_hash(invocation.arguments), "context hash", request.context_hash);
  if (message.empty()) return std::nullopt;
  Reply reply = approval_reply(invocation.style, request);
  reply.failure =
      make_failure(make_error(ErrorCode::conflict, "{} is another request: {}", request.request_id, message));
  return reply;
}

void check_insisted(Arguments& arguments) {
  if (const auto type = arguments.text("--type")) arguments.check_name("--type", *type);
  const auto hash = insisted_hash(arguments);
  if (!hash) return;
  const bool is_hash = hash->size() == 64 && hash->find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hash) arguments.add_problem("--context-hash must be 64 hexadecimal digits, as context_hash of an answer");
}

std::string why_not_answer(const Invocation& invocation, const ApprovalPolicy& policy, const ApprovalRequest& request) {
  std::string why = why_not_entitled(invocation, policy, request);
  if (!why.empty() || policy.rule_for(request.approval_type) == nullptr) return why;
  return why_no_key_counts(policy, answering_name(invocation));
}

Reply answer_request(const Invocation& invocation, ApprovalGate& gate, const ApprovalRequest& read, bool approved,
                     const std::string& reason, const std::stop_token& stop) {
  const std::string who = answering_name(invocation);
  const ApprovalPolicy& policy = gate.policy();
  const bool takes_key = policy.rule_for(read.approval_type) != nullptr && read.status == ApprovalState::pending;
  std::optional<ApproverKey> key;
  // Without a key the gate refuses by itself whoever may not answer, and whatever is decided.
  if (takes_key && why_not_entitled(invocation, policy, read).empty()) {
    if (std::string why = why_no_key_counts(policy, who); !why.empty()) {
      return fail_with(make_error(ErrorCode::permission_denied, "{}", why));
    }
    const auto passphrase = read_passphrase(invocation, who, Asking::once, stop);
    if (!passphrase) return passphrase.error();
    const Result<std::string> directory = policy_directory(invocation);
    if (!directory) return fail_with(directory.error());
    Result<ApproverKey> unsealed =
        ApproverKey::unseal(*directory, who, passphrase->text(), invocation.settings.own_configuration_directory);
    if (!unsealed) return fail_with(unsealed.error());
    key.emplace(*std::move(unsealed));
  }
  const Result<ApprovalRequest> answered = gate.respond_to_approval(read, approved, who, reason, key ? &*key : nullptr);
  if (answered) return approval_reply(invocation.style, *answered);
  const std::string& agent = invocation.settings.agent.value;
  return refused_answer(invocation.style, gate, read.request_id, read.agent_id == agent ? agent : who,
                        answered.error());
}

}  // namespace aldis::cli
