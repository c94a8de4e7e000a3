// aldis approvals pending | list | show | clear-expired

#include <algorithm>
#include <iterator>

#include "aldis/approvals.h"
#include "cli/approval_shapes.h"
#include "cli/commands/approval_replies.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/shapes.h"
#include "cli/table.h"
#include "core/format.h"
#include "core/ids.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr ApprovalState kStates[] = {ApprovalState::pending, ApprovalState::approved, ApprovalState::rejected,
                                     ApprovalState::timed_out, ApprovalState::cancelled};

std::vector<ApprovalState> read_states(Arguments& arguments) {
  std::vector<ApprovalState> states;
  for (const std::string& name : arguments.texts("--status")) {
    const auto found = std::ranges::find_if(kStates, [&](ApprovalState state) { return to_string(state) == name; });
    if (found == std::end(kStates)) {
      arguments.add_problem("--status must be pending, approved, rejected, timed_out or cancelled, not " +
                            json_quote(name));
    } else {
      states.push_back(*found);
    }
  }
  return states;
}

std::string rows_view(const OutputStyle& style, const std::vector<ApprovalRequest>& requests, WallTime now) {
  if (requests.empty()) return "no requests\n";
  std::vector<std::vector<Cell>> rows;
  for (const ApprovalRequest& request : requests) {
    const bool runs_out = request.status == ApprovalState::pending && request.expires_at;
    rows.push_back({{request.request_id},
                    {request.approval_type},
                    {request.agent_id},
                    {status_text(request), colour_of(request.status)},
                    {request.responder},
                    {runs_out ? format_age(*request.expires_at - now) : ""},
                    {payload_text(request.context), Colour::dim}});
  }
  return render_table(style,
                      {{"REQUEST"},
                       {"TYPE", true},
                       {"ASKED BY", true},
                       {"STATUS"},
                       {"BY", true},
                       {"TIME LEFT", false, true},
                       {"CONTEXT (untrusted)", true}},
                      rows);
}

Reply rows_reply(const Invocation& invocation, const std::vector<ApprovalRequest>& requests, Page page) {
  Reply reply;
  reply.page = std::move(page);
  std::vector<std::string> rows;
  for (const ApprovalRequest& request : requests) rows.push_back(approval_json(request));
  set_rows(reply, std::move(rows));
  if (invocation.style.table()) reply.view = rows_view(invocation.style, requests, invocation.clock.wall_now());
  return reply;
}

std::string read_type(Arguments& arguments) {
  const std::string type = arguments.text("--type").value_or("");
  if (arguments.has("--type")) arguments.check_name("--type", type);
  return type;
}

// Of a list of requests, whose cursors are their ids.
PageRequest read_page_of_requests(const Invocation& invocation) {
  PageRequest request = read_page_request(invocation);
  if (request.after && !parse_id(kApprovalIdPrefix, *request.after)) {
    invocation.arguments.add_problem("--cursor is none of this list's");
  }
  return request;
}

Reply pending(const Invocation& invocation) {
  const std::string type = read_type(invocation.arguments);
  const PageRequest request = read_page_of_requests(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace);
  if (!gate) return fail_with(gate.error());
  Result<std::vector<ApprovalRequest>> requests = gate->get_pending_approvals(type);
  if (!requests) return fail_with(requests.error());
  const auto first = std::ranges::find_if(
      *requests, [&](const ApprovalRequest& row) { return !request.after || row.request_id > *request.after; });
  Page page = cut_page(*requests, static_cast<std::size_t>(first - requests->begin()), request,
                       [](const ApprovalRequest& row) { return row.request_id; });
  return rows_reply(invocation, *requests, std::move(page));
}

Reply list(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  ApprovalFilter filter;
  filter.type = read_type(arguments);
  filter.agent_id = arguments.text("--by").value_or("");
  if (arguments.has("--by")) arguments.check_name("--by", filter.agent_id);
  filter.states = read_states(arguments);
  const PageRequest request = read_page_of_requests(invocation);
  filter.after = request.after.value_or("");
  filter.count = std::min(request.limit, limits::kApprovalPage);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace);
  if (!gate) return fail_with(gate.error());
  const Result<std::vector<ApprovalRequest>> requests = gate->list(filter);
  if (!requests) return fail_with(requests.error());
  Page page{.returned_count = requests->size()};
  if (!requests->empty() && requests->size() == filter.count) page.cursor = encode_cursor(requests->back().request_id);
  return rows_reply(invocation, *requests, std::move(page));
}

Reply show(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace);
  if (!gate) return fail_with(gate.error());
  const Result<ApprovalRequest> request = gate->get_request(invocation.arguments.positional(0));
  return request ? approval_reply(invocation.style, *request) : fail_with(request.error());
}

Reply clear_expired(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<ApprovalGate> gate = ApprovalGate::open(*workspace);
  if (!gate) return fail_with(gate.error());
  const Result<std::uint64_t> cleared = gate->clear_expired_requests();
  if (!cleared) return fail_with(cleared.error());
  JsonWriter json;
  json.begin_object().integer("cleared", static_cast<std::int64_t>(*cleared)).end_object();
  Reply reply{.data = json.take()};
  if (invocation.style.table()) reply.view = fmt::format("cleared {} requests\n", *cleared);
  return reply;
}

constexpr OptionSpec kType{.name = "--type", .value = "TYPE", .help = "Only requests of this type"};
constexpr OptionSpec kPendingOptions[] = {kType};
constexpr OptionSpec kListOptions[] = {
    kType,
    {.name = "--by", .value = "AGENT", .help = "Only what this agent asked for"},
    {.name = "--status",
     .value = "STATUS",
     .help = "Only pending, approved, rejected, timed_out or cancelled ones",
     .repeatable = true},
};
constexpr ArgumentSpec kShowArguments[] = {{.name = "ID", .help = "The request's id, apr_..."}};
constexpr ExitCode kShowExits[] = {ExitCode::not_found};
constexpr ExampleSpec kPendingExamples[] = {{"What waits for an answer?", "aldis approvals pending"}};
constexpr ExampleSpec kListExamples[] = {
    {"What was refused?", "aldis approvals list --status rejected --limit 50"},
};
constexpr ExampleSpec kShowExamples[] = {
    {"One request with all that is known of it", "aldis approvals show apr_01JD0000000000000000000000"},
};
constexpr ExampleSpec kClearExamples[] = {{"Away with what nobody answered", "aldis approvals clear-expired"}};

}  // namespace

constinit const CommandSpec kApprovalsPending{
    .name = "approvals pending",
    .summary = "List the requests that wait for an answer, oldest first",
    .options = kPendingOptions,
    .lists = true,
    .output_schema = schema::kApprovals,
    .examples = kPendingExamples,
    .execute = pending,
};

constinit const CommandSpec kApprovalsList{
    .name = "approvals list",
    .summary = "List requests, decided ones too, oldest first; they are kept for 30 days",
    .options = kListOptions,
    .lists = true,
    .output_schema = schema::kApprovals,
    .examples = kListExamples,
    .notes = "At most 100 rows a page. All of them are not counted: go on while there is a meta.cursor.",
    .execute = list,
};

constinit const CommandSpec kApprovalsShow{
    .name = "approvals show",
    .summary = "Show one request",
    .arguments = kShowArguments,
    .exits = kShowExits,
    .output_schema = schema::kApproval,
    .examples = kShowExamples,
    .execute = show,
};

constinit const CommandSpec kApprovalsClearExpired{
    .name = "approvals clear-expired",
    .summary = "Remove requests that timed out more than 30 days ago",
    .danger = Danger::destructive,
    .output_schema = schema::kCleared,
    .examples = kClearExamples,
    .notes = "Nothing depends on it: what is past its deadline is never shown as pending.",
    .execute = clear_expired,
};

}  // namespace aldis::cli
