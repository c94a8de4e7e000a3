// aldis approvers enroll | list | trust | revoke

#include "aldis/approvers.h"

#include "cli/approval_shapes.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/passphrase.h"
#include "cli/table.h"
#include "core/format.h"
#include "core/json_writer.h"
#include "core/try.h"

namespace aldis::cli {
namespace {

std::string read_name(const Invocation& invocation) {
  const std::string name = invocation.arguments.positional(0);
  if (!invocation.arguments.positionals().empty()) invocation.arguments.check_name("NAME", name);
  return name;
}

Reply enroll(const Invocation& invocation) {
  const std::string name = read_name(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<std::string> directory = policy_directory(invocation);
  if (!directory) return fail_with(directory.error());
  const auto passphrase = read_passphrase(invocation, name, Asking::twice);
  if (!passphrase) return passphrase.error();
  const Result<Approver> approver =
      enroll_approver(*directory, name, passphrase->text(), invocation.settings.own_configuration_directory);
  if (!approver) return fail_with(approver.error());
  JsonWriter json;
  json.begin_object().text("name", approver->name).text("public_key", approver->public_key);
  Reply reply{.data = json.text("key_id", approver->key_id).end_object().take()};
  if (invocation.style.table()) {
    reply.view = render_fields(invocation.style, {{"approver", {approver->name, Colour::bold}},
                                                  {"public key", {approver->public_key}},
                                                  {"key id", {approver->key_id}}}) +
                 fmt::format("where requests wait, trust it: aldis approvers trust {} {}\n", approver->name,
                             approver->public_key);
  }
  return reply;
}

Reply answer(const Invocation& invocation, const std::vector<Approver>& approvers) {
  Reply reply;
  reply.page = Page{.total_count = approvers.size(), .returned_count = approvers.size()};
  std::vector<std::string> json;
  for (const Approver& approver : approvers) json.push_back(approver_json(approver));
  set_rows(reply, std::move(json));
  if (!invocation.style.table()) return reply;
  std::vector<std::vector<Cell>> rows;
  for (const Approver& approver : approvers) {
    rows.push_back({{approver.name},
                    {approver.revoked_at ? "revoked" : "trusted", approver.revoked_at ? Colour::red : Colour::green},
                    {approver.key_id},
                    {format_timestamp(approver.revoked_at.value_or(approver.trusted_at))}});
  }
  reply.view = approvers.empty()
                   ? "no approvers\n"
                   : render_table(invocation.style, {{"NAME", true}, {"KEY IS"}, {"KEY"}, {"SINCE"}}, rows);
  return reply;
}

// What `act` says of the approvers in the policy's directory.
template <class Act>
Reply answer_in_directory(const Invocation& invocation, Act act) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<std::string> directory = policy_directory(invocation);
  if (!directory) return fail_with(directory.error());
  const Result<std::vector<Approver>> approvers = act(*directory);
  return approvers ? answer(invocation, *approvers) : fail_with(approvers.error());
}

Reply list(const Invocation& invocation) { return answer_in_directory(invocation, list_approvers); }

Reply trust(const Invocation& invocation) {
  const std::string name = read_name(invocation);
  return answer_in_directory(invocation, [&](const std::string& directory) -> Result<std::vector<Approver>> {
    ALDIS_TRY_ASSIGN(Approver approver, trust_approver(directory, name, invocation.arguments.positional(1)));
    return std::vector{std::move(approver)};
  });
}

Reply revoke(const Invocation& invocation) {
  const std::string name = read_name(invocation);
  return answer_in_directory(invocation,
                             [&](const std::string& directory) { return revoke_approver(directory, name); });
}

constexpr ArgumentSpec kNameArguments[] = {{.name = "NAME", .help = "The approver"}};
constexpr ArgumentSpec kTrustArguments[] = {
    {.name = "NAME", .help = "The approver"},
    {.name = "KEY", .help = "Its public key, ed25519:..., as enroll shows it"},
};
constexpr OptionSpec kEnrollOptions[] = {kPassphraseFile};
constexpr ExitCode kEnrollExits[] = {ExitCode::conflict, ExitCode::interrupted, ExitCode::terminated};
constexpr ExitCode kTrustExits[] = {ExitCode::conflict};
constexpr ExitCode kRevokeExits[] = {ExitCode::not_found};
constexpr ExampleSpec kEnrollExamples[] = {{"On the approver's own machine", "aldis approvers enroll dana"}};
constexpr ExampleSpec kListExamples[] = {{"Whose keys count here?", "aldis approvers list"}};
constexpr ExampleSpec kTrustExamples[] = {
    {"Where requests wait", "aldis approvers trust dana ed25519:X7WtPsTVg_6kdSMhKilY86Dz7309_yJvAQXfg1gWJ_o"},
};
constexpr ExampleSpec kRevokeExamples[] = {{"Her laptop was stolen", "aldis approvers revoke dana"}};
constexpr std::string_view kNotes =
    "The files are in the directory of the file that --config or ALDIS_CONFIG names, else in /etc/aldis if that holds "
    "a\n"
    "policy, else in ~/.config/aldis; private keys always where they are the user's own: docs/approvals.md.";

}  // namespace

constinit const CommandSpec kApproversEnroll{
    .name = "approvers enroll",
    .summary = "Make a key pair for an approver; the private key is sealed with a passphrase",
    .arguments = kNameArguments,
    .options = kEnrollOptions,
    .danger = Danger::mutating,
    .exits = kEnrollExits,
    .output_schema = schema::kEnrolled,
    .examples = kEnrollExamples,
    .notes = kNotes,
    .execute = enroll,
};

constinit const CommandSpec kApproversList{
    .name = "approvers list",
    .summary = "List the approvers' public keys that count here, revoked ones too",
    .output_schema = schema::kApprovers,
    .examples = kListExamples,
    .notes = kNotes,
    .execute = list,
};

constinit const CommandSpec kApproversTrust{
    .name = "approvers trust",
    .summary = "Let the signatures of a key count as those of an approver",
    .arguments = kTrustArguments,
    .danger = Danger::mutating,
    .exits = kTrustExits,
    .output_schema = schema::kApprovers,
    .examples = kTrustExamples,
    .notes = kNotes,
    .execute = trust,
};

constinit const CommandSpec kApproversRevoke{
    .name = "approvers revoke",
    .summary = "Let an approver's signatures count no more, earlier ones neither",
    .arguments = kNameArguments,
    .danger = Danger::destructive,
    .exits = kRevokeExits,
    .output_schema = schema::kApprovers,
    .examples = kRevokeExamples,
    .notes = kNotes,
    .execute = revoke,
};

}  // namespace aldis::cli
