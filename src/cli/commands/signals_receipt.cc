// aldis signals receipt | acknowledge

#include "aldis/signals.h"
#include "cli/commands/commands.h"
#include "cli/interruption.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/shapes.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

// Anyone may ask for a receipt, so no agent needs to be named; the API wants a name to act under.
constexpr std::string_view kNobody = "aldis-cli";

Reply answer(const OutputStyle& style, const Receipt& receipt) {
  Reply reply{.data = receipt_json(receipt)};
  if (receipt.broadcast) {
    reply.meta = fmt::format(R"("total_count":{},"returned_count":{},"truncated":{})", receipt.readers_total,
                             receipt.readers.size(), receipt.readers.size() < receipt.readers_total);
  }
  if (style.table()) reply.view = receipt_view(style, receipt);
  return reply;
}

// A receipt that did not become final in time is still worth telling.
Reply not_yet_final(const OutputStyle& style, CoordinationSignals& signals, const std::string& id, Reply failure) {
  const Result<Receipt> now = signals.receipt(id);
  if (!now) return fail_with(now.error());
  Reply reply = answer(style, *now);
  reply.failure = std::move(failure.failure);
  return reply;
}

Reply show_receipt(const Invocation& invocation) {
  const std::string id = invocation.arguments.positional(0);
  const auto patience = invocation.arguments.seconds("--wait", wait_bounds());
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  std::optional<Interruption> interruption;
  if (patience) interruption.emplace();
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> signals = CoordinationSignals::open(*workspace, std::string(kNobody));
  if (!signals) return fail_with(signals.error());
  if (!patience) {
    const Result<Receipt> receipt = signals->receipt(id);
    return receipt ? answer(invocation.style, *receipt) : fail_with(receipt.error());
  }
  const auto most = std::min(*patience, invocation.settings.timeout.value_or(*patience));
  const Result<Receipt> receipt = signals->wait_for_receipt(id, most, interruption->token());
  if (receipt) return answer(invocation.style, *receipt);
  if (interruption->happened()) {
    return not_yet_final(invocation.style, *signals, id, interruption->cancelled_reply());
  }
  if (receipt.error().code != ErrorCode::deadline_exceeded) return fail_with(receipt.error());
  return not_yet_final(invocation.style, *signals, id, fail_with(receipt.error()));
}

Reply acknowledge(const Invocation& invocation) {
  const std::string agent = acting_agent(invocation);
  const std::string id = invocation.arguments.positional(0);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> signals = CoordinationSignals::open(*workspace, agent);
  if (!signals) return fail_with(signals.error());
  const Result<void> done = signals->acknowledge(id);
  if (!done) return fail_with(done.error());
  JsonWriter json;
  json.begin_object().text("signal_id", id).boolean("acknowledged", true).end_object();
  Reply reply{.data = json.take()};
  if (invocation.style.table()) reply.view = fmt::format("acknowledged {}\n", id);
  return reply;
}

constexpr ArgumentSpec kArguments[] = {{.name = "ID", .help = "The signal's id, sig_..."}};
constexpr OptionSpec kReceiptOptions[] = {
    {.name = "--wait",
     .value = "S",
     .type = ValueType::number,
     .help = "Wait until it is delivered, expired or cleared, for at most S seconds"},
};
constexpr ExitCode kReceiptExits[] = {ExitCode::not_found, ExitCode::interrupted, ExitCode::terminated};
constexpr ExitCode kAcknowledgeExits[] = {ExitCode::not_found, ExitCode::conflict};
constexpr ExampleSpec kReceiptExamples[] = {
    {"Did it arrive?", "aldis signals receipt sig_01JD0000000000000000000000 --wait 30"},
};
constexpr ExampleSpec kAcknowledgeExamples[] = {
    {"The reserved work is done", "aldis signals acknowledge sig_01JD0000000000000000000000 --agent reviewer-1"},
};

}  // namespace

constinit const CommandSpec kSignalsReceipt{
    .name = "signals receipt",
    .summary = "Show what became of a signal; anyone may ask, for 24 hours",
    .arguments = kArguments,
    .options = kReceiptOptions,
    .exits = kReceiptExits,
    .output_schema = schema::kReceipt,
    .examples = kReceiptExamples,
    .notes = "Of a broadcast, meta.total_count counts all its readers; at most 1,000 are named.",
    .execute = show_receipt,
};

constinit const CommandSpec kSignalsAcknowledge{
    .name = "signals acknowledge",
    .summary = "Make a reserved signal taken for good",
    .arguments = kArguments,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .exits = kAcknowledgeExits,
    .output_schema = schema::kAcknowledged,
    .examples = kAcknowledgeExamples,
    .execute = acknowledge,
};

}  // namespace aldis::cli
