// aldis signals pending | clear

#include <algorithm>

#include "aldis/signals.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/shapes.h"
#include "cli/table.h"
#include "core/failure.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

std::string read_type(const Invocation& invocation) {
  const std::string type = invocation.arguments.positional(0);
  if (!invocation.arguments.positionals().empty()) invocation.arguments.check_name("TYPE", type);
  return type;
}

std::string pending_view(const OutputStyle& style, const std::vector<CoordinationSignal>& signals) {
  if (signals.empty()) return "no pending signals\n";
  std::vector<std::vector<Cell>> rows;
  for (const CoordinationSignal& signal : signals) {
    rows.push_back({{signal.signal_id},
                    {signal.signal_type},
                    {signal.source_agent},
                    {signal.target_agent ? "" : "all"},
                    {format_timestamp(signal.expires_at)},
                    {payload_text(signal.payload), Colour::dim}});
  }
  return render_table(
      style, {{"SIGNAL"}, {"TYPE", true}, {"FROM", true}, {"TO"}, {"EXPIRES", true}, {"PAYLOAD (UNTRUSTED)", true}},
      rows);
}

Result<std::size_t> rows_before(const std::vector<CoordinationSignal>& signals, const PageRequest& request) {
  if (!request.after) return 0;
  const auto last = std::find_if(signals.begin(), signals.end(),
                                 [&](const CoordinationSignal& signal) { return signal.signal_id == *request.after; });
  if (last != signals.end()) return static_cast<std::size_t>(last - signals.begin()) + 1;
  return fail(ErrorCode::failed_precondition,
              "the signal that --cursor points at ({}) is no longer pending: begin again without --cursor",
              *request.after);
}

Reply list_pending(const Invocation& invocation) {
  const std::string agent = acting_agent(invocation);
  const std::string type = read_type(invocation);
  const PageRequest request = read_page_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> mailbox = CoordinationSignals::open(*workspace, agent);
  if (!mailbox) return fail_with(mailbox.error());
  Result<std::vector<CoordinationSignal>> signals = mailbox->get_pending_signals(type);
  if (!signals) return fail_with(signals.error());
  const Result<std::size_t> skipped = rows_before(*signals, request);
  if (!skipped) return fail_with(skipped.error());

  Reply reply;
  reply.page = cut_page(*signals, *skipped, request, [](const CoordinationSignal& signal) { return signal.signal_id; });
  std::vector<std::string> rows;
  for (const CoordinationSignal& signal : *signals) rows.push_back(signal_json(signal));
  set_rows(reply, std::move(rows));
  if (invocation.style.table()) reply.view = pending_view(invocation.style, *signals);
  return reply;
}

Reply clear(const Invocation& invocation) {
  const std::string agent = acting_agent(invocation);
  const std::string type = read_type(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> mailbox = CoordinationSignals::open(*workspace, agent);
  if (!mailbox) return fail_with(mailbox.error());
  const Result<std::uint64_t> cleared = mailbox->clear_signals(type);
  if (!cleared) return fail_with(cleared.error());
  Reply reply{.data = fmt::format(R"({{"cleared":{}}})", *cleared)};
  if (invocation.style.table()) reply.view = fmt::format("cleared {}\n", *cleared);
  return reply;
}

constexpr ArgumentSpec kArguments[] = {{.name = "TYPE", .help = "Only signals of this type", .count_min = 0}};
constexpr ExampleSpec kPendingExamples[] = {{"What waits for an agent", "aldis signals pending --agent worker-1"}};
constexpr ExampleSpec kClearExamples[] = {{"Forget old orders", "aldis signals clear order --agent worker-1"}};

}  // namespace

constinit const CommandSpec kSignalsPending{
    .name = "signals pending",
    .summary = "List the signals that a check would deliver, in its order, taking none",
    .arguments = kArguments,
    .acts_as_agent = true,
    .lists = true,
    .output_schema = schema::kSignals,
    .examples = kPendingExamples,
    .execute = list_pending,
};

constinit const CommandSpec kSignalsClear{
    .name = "signals clear",
    .summary = "Remove the agent's pending signals; broadcasts only for this agent",
    .arguments = kArguments,
    .danger = Danger::destructive,
    .acts_as_agent = true,
    .output_schema = schema::kCleared,
    .examples = kClearExamples,
    .execute = clear,
};

}  // namespace aldis::cli
