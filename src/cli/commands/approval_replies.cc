#include "cli/commands/approval_replies.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/approval_shapes.h"
#include "cli/passphrase.h"
#include "core/failure.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

std::string name_of_user() {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* user = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &user);
  return user == nullptr ? fmt::format("uid-{}", geteuid()) : std::string(user->pw_name);
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
  const auto insist = [&](std::string_view option, std::string_view what, const std::string& found) {
    const auto wanted = invocation.arguments.text(option);
    if (!wanted || *wanted == found) return;
    message += fmt::format("{}its {} is {}, not {}", message.empty() ? "" : "; ", what, found, *wanted);
  };
  insist("--type", "type", request.approval_type);
  insist(kContextHash.name, "context hash", request.context_hash);
  if (message.empty()) return std::nullopt;
  Reply reply = approval_reply(invocation.style, request);
  reply.failure =
      make_failure(make_error(ErrorCode::conflict, "{} is another request: {}", request.request_id, message));
  return reply;
}

void check_insisted(Arguments& arguments) {
  if (const auto type = arguments.text("--type")) arguments.check_name("--type", *type);
  const auto hash = arguments.text(kContextHash.name);
  if (!hash) return;
  const bool is_hash = hash->size() == 64 && hash->find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hash) arguments.add_problem("--context-hash must be 64 hexadecimal digits, as context_hash of an answer");
}

std::string why_not_answer(const Invocation& invocation, const ApprovalRequest& request) {
  const std::string who = answering_name(invocation);
  if (request.agent_id == who || request.agent_id == invocation.settings.agent.value) {
    return fmt::format("{} asked for it, and nobody answers a request of their own", request.agent_id);
  }
  if (!request.is_signed) return {};
  const Result<std::string> directory = policy_directory(invocation);
  const Result<ApprovalPolicy> policy =
      directory ? ApprovalPolicy::load(*directory) : std::unexpected(directory.error());
  const ApprovalRule* const rule = policy ? policy->rule_for(request.approval_type) : nullptr;
  if (rule == nullptr || std::ranges::find(rule->approvers, who) != rule->approvers.end()) return {};
  std::string others;
  for (const std::string& approver : rule->approvers) others += (others.empty() ? "" : ", ") + approver;
  return fmt::format("{} is not one of those who may answer it: {}", who, others);
}

Reply answer_request(const Invocation& invocation, ApprovalGate& gate, const ApprovalRequest& read, bool approved,
                     const std::string& reason, const std::stop_token& stop) {
  const std::string who = answering_name(invocation);
  std::optional<ApproverKey> key;
  // Without a key the gate refuses by itself whoever may not answer, and whatever is decided.
  if (read.is_signed && read.status == ApprovalState::pending && why_not_answer(invocation, read).empty()) {
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
