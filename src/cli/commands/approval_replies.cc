#include "cli/commands/approval_replies.h"

#include <pwd.h>
#include <unistd.h>

#include <array>

#include "cli/approval_shapes.h"
#include "cli/passphrase.h"
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
                     .message = "nobody decided before the deadline"};
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

Reply answer_request(const Invocation& invocation, ApprovalGate& gate, const std::string& id, bool approved,
                     const std::string& reason) {
  const std::string who = answering_name(invocation);
  const Result<ApprovalRequest> request = gate.get_request(id);
  if (!request) return fail_with(request.error());
  std::optional<ApproverKey> key;
  const bool needs_key = !request->policy_hash.empty() && request->status == ApprovalState::pending;
  if (needs_key && request->agent_id != who) {
    const auto passphrase = read_passphrase(invocation, who, Asking::once);
    if (!passphrase) return passphrase.error();
    Result<ApproverKey> unsealed = ApproverKey::unseal(invocation.settings.configuration_directory, who, *passphrase);
    if (!unsealed) return fail_with(unsealed.error());
    key.emplace(*std::move(unsealed));
  }
  const Result<ApprovalRequest> answered = gate.respond_to_approval(id, approved, who, reason, key ? &*key : nullptr);
  if (answered) return approval_reply(invocation.style, *answered);
  const std::string& agent = invocation.settings.agent.value;
  return refused_answer(invocation.style, gate, id, request->agent_id == agent ? agent : who, answered.error());
}

}  // namespace aldis::cli
