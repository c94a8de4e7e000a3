// aldis audit list | verify | export

#include "aldis/audit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "cli/approval_shapes.h"
#include "cli/commands/approval_replies.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/table.h"
#include "core/failure.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kCodeAuditFault = "AUDIT_FAULT";

std::string entries_view(const OutputStyle& style, const std::vector<AuditEntry>& entries) {
  if (entries.empty()) return "no entries\n";
  std::vector<std::vector<Cell>> rows;
  for (const AuditEntry& entry : entries) {
    rows.push_back({{std::to_string(entry.number)},
                    {format_timestamp(entry.time), Colour::dim},
                    {std::string(to_string(entry.kind))},
                    {entry.approval_type},
                    {entry.agent_id},
                    {entry.actor},
                    {entry.outcome},
                    {entry.request_id}});
  }
  return render_table(style,
                      {{"#", false, true},
                       {"TIME"},
                       {"WHAT"},
                       {"TYPE", true},
                       {"ASKED BY", true},
                       {"BY", true},
                       {"OUTCOME"},
                       {"REQUEST"}},
                      rows);
}

Reply list(const Invocation& invocation) {
  const PageRequest request = read_page_request(invocation);
  std::uint64_t after = 0;
  if (request.after) {
    const std::string& text = *request.after;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), after);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
      invocation.arguments.add_problem("--cursor is none of this list's");
    }
  }
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const std::size_t count = std::min(request.limit, limits::kAuditPage);
  const Result<std::vector<AuditEntry>> entries = AuditLog(*workspace).list(after, count);
  if (!entries) return fail_with(entries.error());
  Reply reply;
  reply.page = Page{.returned_count = entries->size()};
  if (!entries->empty() && entries->size() == count) {
    reply.page->cursor = encode_cursor(std::to_string(entries->back().number));
  }
  std::vector<std::string> rows;
  for (const AuditEntry& entry : *entries) rows.push_back(audit_entry_json(entry));
  set_rows(reply, std::move(rows));
  if (invocation.style.table()) reply.view = entries_view(invocation.style, *entries);
  return reply;
}

std::string verification_json(const AuditVerification& verification) {
  JsonWriter json;
  json.begin_object().boolean("sound", !verification.fault);
  json.integer("entries", static_cast<std::int64_t>(verification.entries));
  json.text("begins_behind", format_audit_head(verification.first)).text("head", format_audit_head(verification.head));
  json.boolean("head_proven", verification.head_proven).key("fault");
  if (!verification.fault) return json.null().end_object().take();
  json.begin_object().integer("number", static_cast<std::int64_t>(verification.fault->number));
  return json.text("what", verification.fault->what).end_object().end_object().take();
}

Reply verify(const Invocation& invocation) {
  std::optional<AuditHead> noted;
  if (const auto text = invocation.arguments.text("--head")) {
    const Result<AuditHead> head = parse_audit_head(*text);
    if (head) {
      noted = *head;
    } else {
      invocation.arguments.add_problem("--head: " + head.error().message);
    }
  }
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const Result<AuditVerification> verification = AuditLog(*workspace).verify(noted);
  if (!verification) return fail_with(verification.error());
  Reply reply;
  if (verification->fault) {
    reply = fail_with(ExitCode::general_error, kCodeAuditFault, verification->fault->what);
  } else if (!noted) {
    reply.warnings.push_back("the end of the log is proven only by --head with a head that was noted elsewhere");
  }
  reply.data = verification_json(*verification);
  if (invocation.style.table()) {
    const bool sound = !verification->fault;
    reply.view =
        render_fields(invocation.style,
                      {{"the log is", {sound ? "sound" : "not as it was written", sound ? Colour::green : Colour::red}},
                       {"entries", {std::to_string(verification->entries)}},
                       {"head", {format_audit_head(verification->head)}}});
  }
  return reply;
}

// Only of a file it can be said that what was written is kept; and of a shell's `> FILE`, which empties the file before
// we run, that the same command will destroy the entries of today when it is repeated: the log has them no more by
// then.
Result<void> check_output_keeps() {
  constexpr std::string_view kHow = "aldis audit export --rotate >> FILE";
  struct stat status{};
  if (fstat(STDOUT_FILENO, &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::failed_precondition,
                "--rotate removes what it wrote out, so it writes to nothing but a file: {}", kHow);
  }
  const int flags = fcntl(STDOUT_FILENO, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND) != 0) return {};
  return fail(ErrorCode::failed_precondition,
              "--rotate removes what it wrote out, and > FILE would overwrite the only copy when it is repeated, so it "
              "writes to nothing but the end of a file: {}; nothing was removed from the log",
              kHow);
}

// What was written is on the disk: only then may it be removed from the log.
Result<void> sync_output() {
  if (fsync(STDOUT_FILENO) == 0) return {};
  return std::unexpected(system_error(ErrorCode::resource_exhausted, "cannot write all of standard output", errno));
}

Reply export_log(const Invocation& invocation) {
  const bool rotates = invocation.arguments.has("--rotate");
  const std::string actor = answering_name(invocation);
  if (rotates) invocation.arguments.check_name("--as", actor);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  if (rotates) {
    if (const Result<void> checked = check_output_keeps(); !checked) return fail_with(checked.error());
  }
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  AuditLog log(*workspace);
  AuditHead last;
  const Result<void> read = log.for_each([&](const AuditEntry& entry) {
    write_stdout(audit_entry_json(entry) + "\n");
    last = {.number = entry.number, .hash = entry.hash};
    return true;
  });
  if (!read) return fail_with(read.error());
  if (!rotates || last.number == 0) return {};
  if (const Result<void> synced = sync_output(); !synced) return fail_with(synced.error());
  if (const Result<std::uint64_t> rotated = log.rotate(last, actor); !rotated) return fail_with(rotated.error());
  return {};
}

constexpr OptionSpec kVerifyOptions[] = {
    {.name = "--head",
     .value = "N:HASH",
     .help = "A head that was noted elsewhere: the log must hold that very entry, so its end was not cut off"},
};
constexpr OptionSpec kExportOptions[] = {
    {.name = "--rotate",
     .value = {},
     .type = ValueType::flag,
     .help = "Remove from the log what was written out, once it is on the disk: to the end of a file (>>) only"},
    {.name = "--as", .value = "WHO", .help = "Who rotates (default: the acting agent, else the user's name)"},
};
constexpr ExampleSpec kListExamples[] = {{"Who decided what", "aldis audit list --limit 100"}};
constexpr ExampleSpec kVerifyExamples[] = {
    {"Note the head now",
     "head=$(aldis audit verify | jq -er 'select(.ok).data.head') && echo \"$head\" > /safe/place/head"},
    {"Nothing was changed or cut off since", "aldis audit verify --head \"$(cat /safe/place/head)\""},
};
constexpr ExampleSpec kExportExamples[] = {
    {"Keep it elsewhere, and begin anew", "aldis audit export --rotate >> audit-2026.jsonl"},
};

}  // namespace

constinit const CommandSpec kAuditList{
    .name = "audit list",
    .summary = "List the audit log of approvals, oldest first",
    .lists = true,
    .output_schema = schema::kAuditEntries,
    .examples = kListExamples,
    .execute = list,
};

constinit const CommandSpec kAuditVerify{
    .name = "audit verify",
    .summary = "Recompute the chain of the audit log and name the first entry that is not as it was written",
    .options = kVerifyOptions,
    .output_schema = schema::kAuditVerification,
    .examples = kVerifyExamples,
    .notes =
        "Exit code 1 (AUDIT_FAULT) if an entry was changed, removed, inserted or reordered. Whoever owns the store "
        "can\n"
        "rewrite the whole log: only a head that was noted elsewhere shows that. One from before the last rotation can "
        "be\n"
        "neither proven nor disproven here (4): its entry is in what was exported.",
    .execute = verify,
};

constinit const CommandSpec kAuditExport{
    .name = "audit export",
    .summary = "Print the whole audit log, one JSON object a line",
    .options = kExportOptions,
    .danger = Danger::destructive,
    .streams = true,
    .output_schema = schema::kAuditEntry,
    .examples = kExportExamples,
    .notes =
        "With --rotate the output must be a file, to whose end it is written (>>): so the same command never destroys "
        "an\n"
        "earlier export. It is synced to the disk, then what was written is removed from the log; the numbers and the\n"
        "chain go on behind it, also in the file.",
    .execute = export_log,
};

}  // namespace aldis::cli
