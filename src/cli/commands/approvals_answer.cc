// aldis approvals approve | reject

#include "aldis/approvals.h"
#include "cli/commands/approval_replies.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/passphrase.h"

namespace aldis::cli {
namespace {

Reply answer(const Invocation& invocation, bool approved) {
  Arguments& arguments = invocation.arguments;
  const std::string id = arguments.positional(0);
  const std::string reason = arguments.text("--reason").value_or("");
  arguments.check_text("--reason", reason, limits::kReasonBytesMax);
  check_insisted(arguments);
  if (arguments.has("--as")) arguments.check_name("--as", answering_name(invocation));
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace, invocation.settings.agent.value);
  if (!gate) return fail_with(gate.error());
  const Result<ApprovalRequest> read = gate->get_request(id);
  if (!read) return fail_with(read.error());
  if (auto refusal = refuse_another(invocation, *read)) return *std::move(refusal);
  return answer_request(invocation, *gate, *read, approved, reason);
}

Reply approve(const Invocation& invocation) { return answer(invocation, true); }
Reply reject(const Invocation& invocation) { return answer(invocation, false); }

constexpr ArgumentSpec kArguments[] = {{.name = "ID", .help = "The request's id, apr_..."}};
constexpr OptionSpec kOptions[] = {
    {.name = "--as", .value = "WHO", .help = "Who answers (default: the acting agent, else the user's name)"},
    {.name = "--reason", .value = "TEXT", .help = "Why"},
    {.name = "--agent", .value = "ID", .help = "The agent that acts, if it is one (ALDIS_AGENT_ID)"},
    kContextHash,
    kPassphraseFile,
};
constexpr ExitCode kExits[] = {ExitCode::not_found, ExitCode::conflict, ExitCode::interrupted, ExitCode::terminated};
constexpr ExampleSpec kApproveExamples[] = {
    {"Yes", "aldis approvals approve apr_01JD0000000000000000000000 --as dana --reason 'looked at the plan'"},
    {"Yes, to that very plan",
     "aldis approvals approve apr_01JD0000000000000000000000 --as dana --context-hash \"$(sha256sum < plan.json | "
     "cut -c -64)\""},
};
constexpr ExampleSpec kRejectExamples[] = {
    {"No", "aldis approvals reject apr_01JD0000000000000000000000 --as dana --reason 'not on a Friday'"},
};
constexpr std::string_view kNotes =
    "In open mode the name is taken as it is given, and nobody checks it. In signed mode it must be that of an "
    "approver\n"
    "whose sealed key is in the configuration directory; its passphrase is asked for. With a quorum the request may\n"
    "still be pending afterwards.";

}  // namespace

constinit const CommandSpec kApprovalsApprove{
    .name = "approvals approve",
    .summary = "Approve a request",
    .arguments = kArguments,
    .options = kOptions,
    .danger = Danger::mutating,
    .exits = kExits,
    .output_schema = schema::kApproval,
    .examples = kApproveExamples,
    .notes = kNotes,
    .execute = approve,
};

constinit const CommandSpec kApprovalsReject{
    .name = "approvals reject",
    .summary = "Reject a request",
    .arguments = kArguments,
    .options = kOptions,
    .danger = Danger::mutating,
    .exits = kExits,
    .output_schema = schema::kApproval,
    .examples = kRejectExamples,
    .notes = kNotes,
    .execute = reject,
};

}  // namespace aldis::cli
