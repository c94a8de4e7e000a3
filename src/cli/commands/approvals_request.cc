// aldis approvals request | wait | cancel

#include "aldis/approvals.h"
#include "cli/approval_shapes.h"
#include "cli/commands/approval_replies.h"
#include "cli/commands/commands.h"
#include "cli/interruption.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

// What a command answers that waited until `waited`, or as long as it was told to. `asked` is believed of what the
// store says now only what a decision changes.
Reply outcome_of_wait(const Invocation& invocation, ApprovalGate& gate, const ApprovalRequest& asked,
                      const Interruption& interruption, const Result<ApprovalOutcome>& waited) {
  if (waited) return outcome_reply(invocation.style, waited->request);
  const Error& error = waited.error();
  if (!error.retryable) return fail_with(error);
  const bool answers = error.code == ErrorCode::deadline_exceeded;
  const Result<ApprovalRequest> now = answers ? gate.get_request(asked.request_id) : std::unexpected(error);
  const bool is_same = now && now->status == ApprovalState::pending && now->approval_type == asked.approval_type &&
                       now->agent_id == asked.agent_id && now->context_hash == asked.context_hash;
  Reply reply = approval_reply(invocation.style, is_same ? *now : asked);
  if (interruption.happened()) {
    reply.failure = interruption.cancelled_reply().failure;
  } else if (answers) {
    const std::string why = is_same && !now->reason.empty() ? ": " + now->reason : "";
    reply.failure = fail_with(ExitCode::still_pending, kCodeStillPending, "nobody has decided yet" + why).failure;
  } else {
    reply.failure = make_failure(error);
  }
  reply.failure->suggestion =
      is_same && now->stored_status != ApprovalState::pending
          ? "no further answer is taken: ask again, under another key"
          : fmt::format("the request stays open: aldis approvals wait {} --type {} --context-hash {}", asked.request_id,
                        asked.approval_type, asked.context_hash);
  return reply;
}

struct AskRequest {
  std::string agent;
  std::string type;
  Json context;
  std::optional<std::chrono::nanoseconds> timeout;
  RequestOptions options;
};

AskRequest read_ask_request(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  AskRequest request;
  request.agent = acting_agent(invocation);
  request.type = arguments.positional(0);
  if (!arguments.positionals().empty()) arguments.check_name("TYPE", request.type);
  request.context = arguments.json("--context", true);
  request.options.key = arguments.text("--key").value_or("");
  arguments.check_text("--key", request.options.key, limits::kApprovalKeyBytesMax);
  const bool endless = arguments.has("--no-expiry");
  if (endless && invocation.settings.timeout) arguments.add_problem("--no-expiry and --timeout exclude each other");
  if (!endless) request.timeout = invocation.settings.timeout.value_or(limits::kApprovalTimeoutDefault);
  if (request.timeout && request.timeout->count() == 0) arguments.add_problem("--timeout must be more than 0 seconds");
  return request;
}

// How long the command may still wait: as long as the request, unless a policy gave that more than --timeout says.
std::optional<std::chrono::nanoseconds> patience_of(const Invocation& invocation, const ApprovalRequest& request) {
  const auto& timeout = invocation.settings.timeout;
  if (!timeout || (request.timeout && *request.timeout <= *timeout)) return std::nullopt;
  return std::max<std::chrono::nanoseconds>(invocation.started + *timeout - invocation.clock.steady_now(), {});
}

Reply ask(const Invocation& invocation) {
  AskRequest request = read_ask_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Interruption interruption;
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace, request.agent);
  if (!gate) return fail_with(gate.error());
  const Result<ApprovalRequest> opened =
      gate->open_request(request.type, std::move(request.context), request.timeout, request.options);
  if (!opened) return fail_with(opened.error());
  if (invocation.arguments.has("--no-wait") && opened->status == ApprovalState::pending) {
    return approval_reply(invocation.style, *opened);
  }
  const std::string& id = opened->request_id;
  if (stderr_is_terminal() && opened->status == ApprovalState::pending) {
    write_stderr(fmt::format("waiting for an answer: aldis approvals approve {} (or reject)\n", id));
  }
  const Result<ApprovalOutcome> waited = gate->wait(*opened, patience_of(invocation, *opened), interruption.token());
  return outcome_of_wait(invocation, *gate, *opened, interruption, waited);
}

Reply wait(const Invocation& invocation) {
  check_insisted(invocation.arguments);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Interruption interruption;
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace);
  if (!gate) return fail_with(gate.error());
  const Result<ApprovalRequest> request = gate->get_request(invocation.arguments.positional(0));
  if (!request) return fail_with(request.error());
  if (auto refusal = refuse_another(invocation, *request)) return *std::move(refusal);
  const Result<ApprovalOutcome> waited = gate->wait(*request, invocation.settings.timeout, interruption.token());
  return outcome_of_wait(invocation, *gate, *request, interruption, waited);
}

Reply cancel(const Invocation& invocation) {
  const std::string agent = acting_agent(invocation);
  const std::string id = invocation.arguments.positional(0);
  const std::string reason = invocation.arguments.text("--reason").value_or("");
  invocation.arguments.check_text("--reason", reason, limits::kReasonBytesMax);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace, agent);
  if (!gate) return fail_with(gate.error());
  const Result<ApprovalRequest> cancelled = gate->cancel(id, reason);
  if (!cancelled) return refused_answer(invocation.style, *gate, id, agent, cancelled.error());
  return approval_reply(invocation.style, *cancelled);
}

constexpr ArgumentSpec kTypeArguments[] = {{.name = "TYPE", .help = "What kind of approval it is"}};
constexpr ArgumentSpec kIdArguments[] = {{.name = "ID", .help = "The request's id, apr_..."}};
constexpr OptionSpec kRequestOptions[] = {
    {.name = "--context",
     .value = "JSON|@FILE|-",
     .help = "What is to be approved: a JSON object, kept and hashed byte for byte; from a file or standard input too",
     .fallback = "{}"},
    {.name = "--key",
     .value = "K",
     .help = "Asking again with the same key is the same request, or its decision: for scripts that may be killed"},
    {.name = "--no-wait", .value = {}, .type = ValueType::flag, .help = "Answer at once with the pending request"},
    {.name = "--no-expiry", .value = {}, .type = ValueType::flag, .help = "Wait for ever: no --timeout, not 300 s"},
};
constexpr OptionSpec kWaitOptions[] = {
    {.name = "--type", .value = "TYPE", .help = "Insist on a request of this type; else CONFLICT"},
    kContextHash,
};
constexpr OptionSpec kCancelOptions[] = {{.name = "--reason", .value = "TEXT", .help = "Why"}};
constexpr ExitCode kRequestExits[] = {ExitCode::conflict,      ExitCode::rejected,    ExitCode::request_cancelled,
                                      ExitCode::still_pending, ExitCode::interrupted, ExitCode::terminated};
constexpr ExitCode kWaitExits[] = {ExitCode::not_found,         ExitCode::conflict,      ExitCode::rejected,
                                   ExitCode::request_cancelled, ExitCode::still_pending, ExitCode::interrupted,
                                   ExitCode::terminated};
constexpr ExitCode kCancelExits[] = {ExitCode::not_found, ExitCode::conflict};
constexpr ExampleSpec kRequestExamples[] = {
    {"Ask, and go on only if it was approved",
     "aldis approvals request deploy --agent builder --context @plan.json --timeout 600 && ./deploy.sh"},
    {"Ask once, whatever happens to this script",
     "aldis approvals request deploy --agent builder --context @plan.json --key release-17"},
};
constexpr ExampleSpec kWaitExamples[] = {
    {"Is it decided?", "aldis approvals wait apr_01JD0000000000000000000000 --timeout 0"},
    {"Go on only with the very plan that was approved",
     "aldis approvals wait apr_01JD0000000000000000000000 --type deploy --context-hash \"$(sha256sum < plan.json | "
     "cut -c -64)\" && ./deploy.sh plan.json"},
};
constexpr ExampleSpec kCancelExamples[] = {
    {"No longer needed", "aldis approvals cancel apr_01JD0000000000000000000000 --agent builder"},
};

}  // namespace

constinit const CommandSpec kApprovalsRequest{
    .name = "approvals request",
    .summary = "Ask for an approval and wait for the decision",
    .arguments = kTypeArguments,
    .options = kRequestOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .waits = true,
    .exits = kRequestExits,
    .output_schema = schema::kApproval,
    .examples = kRequestExamples,
    .notes =
        "Exit codes: 0 approved, 81 rejected, 10 timed out, 82 cancelled. --timeout (300 s) is the request's own\n"
        "deadline: it holds in the store, whoever still waits. A policy may set another; the command ends after\n"
        "--timeout all the same, with 84 if the request is still pending.",
    .execute = ask,
};

constinit const CommandSpec kApprovalsWait{
    .name = "approvals wait",
    .summary = "Wait for the decision on a request; anyone may",
    .arguments = kIdArguments,
    .options = kWaitOptions,
    .waits = true,
    .exits = kWaitExits,
    .output_schema = schema::kApproval,
    .examples = kWaitExamples,
    .notes =
        "Exit codes: 0 approved, 81 rejected, 10 timed out, 82 cancelled, 84 still pending when --timeout was over.\n"
        "An id alone trusts the store for what was asked: whoever goes on because of the answer insists on it with\n"
        "--type and --context-hash.",
    .execute = wait,
};

constinit const CommandSpec kApprovalsCancel{
    .name = "approvals cancel",
    .summary = "Take a request back; only the agent that asked may",
    .arguments = kIdArguments,
    .options = kCancelOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .exits = kCancelExits,
    .output_schema = schema::kApproval,
    .examples = kCancelExamples,
    .execute = cancel,
};

}  // namespace aldis::cli
