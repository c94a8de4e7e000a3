// aldis signals check | wait

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "cli/commands/commands.h"
#include "cli/interruption.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/shapes.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

struct TakeArguments {
  std::string agent;
  std::vector<std::string> types;
  std::string source;
  TakeOptions options;
};

TakeArguments read_take_arguments(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  TakeArguments take;
  take.agent = acting_agent(invocation);
  take.types = arguments.positionals();
  for (const std::string& type : take.types) arguments.check_name("TYPE", type);
  take.source = arguments.text("--from").value_or("");
  if (arguments.has("--from")) arguments.check_name("--from", take.source);
  take.options.consume = !arguments.has("--keep");
  take.options.acknowledge_within = arguments.seconds("--acknowledge-within", positive_bounds());
  if (!take.options.consume && take.options.acknowledge_within) {
    arguments.add_problem("--keep takes nothing, so there is nothing to --acknowledge-within");
  }
  return take;
}

// Who keeps a reservation: this command ends before the work begins, so it is the process that the agent's record is
// bound to (`aldis run`, or `agents beat --pid`), whose death gives the signal back at once; without one, time decides.
ProcessBinding lasting_process(const Workspace& workspace, const std::string& agent) {
  const Result<AgentStatus> status = HeartbeatCoordinator(workspace).get_agent_status(agent);
  const bool lives = status && status->state != AgentState::dead && status->state != AgentState::finished;
  if (!lives || !status->pid) return {.kind = ProcessBinding::Kind::none};
  return {.kind = ProcessBinding::Kind::other, .pid = *status->pid};
}

std::string outcome_json(std::string_view outcome) {
  return JsonWriter().begin_object().text("outcome", outcome).end_object().take();
}

Reply answer(const OutputStyle& style, const Delivered& delivered) {
  JsonWriter json;
  json.begin_object().text("outcome", "delivered").raw("signal", signal_json(delivered.signal)).end_object();
  Reply reply{.data = json.take()};
  reply.meta = fmt::format(R"("attempt":{})", delivered.signal.attempt);
  if (style.table()) reply.view = signal_view(style, delivered.signal);
  return reply;
}

Reply answer(const OutputStyle&, const Expired& expired) {
  Reply reply = fail_with(
      ExitCode::expired, kCodeSignalExpired,
      expired.count > 1 ? fmt::format("{} signals of type {} expired before they were taken, the newest {} from {}",
                                      expired.count, expired.signal_type, expired.signal_id, expired.source_agent)
                        : fmt::format("{} of type {} from {} expired at {}, before it was taken", expired.signal_id,
                                      expired.signal_type, expired.source_agent, format_timestamp(expired.expired_at)));
  JsonWriter json;
  json.begin_object().text("outcome", "expired");
  write_expired_members(json, expired);
  reply.data = json.end_object().take();
  return reply;
}

Reply answer(const OutputStyle&, const NothingYet&) {
  Reply reply = fail_with(ExitCode::nothing_yet, kCodeNothingYet, "no matching signal is there now");
  reply.data = outcome_json("nothing_yet");
  return reply;
}

Reply answer(const OutputStyle&, const TimedOut&) {
  Reply reply = fail_with(ExitCode::timeout, kCodeTimeout, "no matching signal came in time");
  reply.data = outcome_json("timed_out");
  return reply;
}

Reply answer(const OutputStyle&, const SourceGone& gone) {
  Reply reply = fail_with(ExitCode::source_gone, kCodeSourceGone,
                          fmt::format("{} will not send any more: {}", gone.source_agent, gone.evidence));
  JsonWriter json;
  json.begin_object().text("outcome", "source_gone").text("source_agent", gone.source_agent);
  reply.data = json.text("evidence", gone.evidence).end_object().take();
  return reply;
}

Reply check(const Invocation& invocation) {
  TakeArguments take = read_take_arguments(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> signals = CoordinationSignals::open(*workspace, take.agent);
  if (!signals) return fail_with(signals.error());
  if (take.options.acknowledge_within) take.options.holder = lasting_process(*workspace, take.agent);
  const Result<CheckOutcome> outcome = signals->check_signal(take.types, take.source, take.options);
  if (!outcome) return fail_with(outcome.error());
  return std::visit([&](const auto& which) { return answer(invocation.style, which); }, *outcome);
}

Reply wait(const Invocation& invocation) {
  TakeArguments take = read_take_arguments(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Interruption interruption;
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> signals = CoordinationSignals::open(*workspace, take.agent);
  if (!signals) return fail_with(signals.error());
  if (take.options.acknowledge_within) take.options.holder = lasting_process(*workspace, take.agent);
  const Result<WaitOutcome> outcome = signals->wait_for_signal(
      take.types, take.source, invocation.settings.timeout.value_or(limits::kSignalWaitDefault), take.options,
      interruption.token());
  if (!outcome) return fail_with(outcome.error());
  if (std::holds_alternative<Cancelled>(*outcome)) {
    Reply reply = interruption.cancelled_reply();
    reply.data = outcome_json("cancelled");
    return reply;
  }
  return std::visit(
      [&](const auto& which) {
        if constexpr (std::is_same_v<decltype(which), const Cancelled&>) {
          return Reply{};
        } else {
          return answer(invocation.style, which);
        }
      },
      *outcome);
}

constexpr ArgumentSpec kArguments[] = {
    {.name = "TYPE", .help = "Only signals of these types", .count_min = 1, .count_max = limits::kFilterTypesMax},
};
constexpr OptionSpec kFrom{.name = "--from", .value = "AGENT", .help = "Only signals from this agent"};
constexpr OptionSpec kAcknowledgeWithin{
    .name = "--acknowledge-within",
    .value = "S",
    .type = ValueType::number,
    .help = "Reserve it: it goes back to its place unless `aldis signals acknowledge` comes within S seconds"};
constexpr OptionSpec kCheckOptions[] = {
    kFrom,
    {.name = "--keep", .value = {}, .type = ValueType::flag, .help = "Look without taking"},
    kAcknowledgeWithin,
};
constexpr OptionSpec kWaitOptions[] = {kFrom, kAcknowledgeWithin};
constexpr ExitCode kCheckExits[] = {ExitCode::expired, ExitCode::nothing_yet};
constexpr ExitCode kWaitExits[] = {ExitCode::expired, ExitCode::source_gone, ExitCode::interrupted,
                                   ExitCode::terminated};
constexpr ExampleSpec kCheckExamples[] = {
    {"In a script with set -e", "aldis signals check abort --agent worker-1 || [ $? -eq 85 ]"},
};
constexpr ExampleSpec kWaitExamples[] = {
    {"The next file to review, for at most a minute", "aldis signals wait review --agent reviewer-1 --timeout 60"},
    {"Taken for good only once it is done", "aldis signals wait review --agent reviewer-1 --acknowledge-within 120"},
};

}  // namespace

constinit const CommandSpec kSignalsCheck{
    .name = "signals check",
    .summary = "Take the oldest matching signal, if there is one now",
    .arguments = kArguments,
    .options = kCheckOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .exits = kCheckExits,
    .output_schema = schema::kCheck,
    .examples = kCheckExamples,
    .notes =
        "Exit code 0: delivered. 85: nothing yet. 80: one expired before this agent took it; that is told once.\n"
        "In a script with `set -e` write: aldis signals check TYPE || [ $? -eq 85 ]",
    .execute = check,
};

constinit const CommandSpec kSignalsWait{
    .name = "signals wait",
    .summary = "Wait for a matching signal and take it",
    .arguments = kArguments,
    .options = kWaitOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .waits = true,
    .exits = kWaitExits,
    .output_schema = schema::kWait,
    .examples = kWaitExamples,
    .notes =
        "Exit code 0: delivered. 10: nothing came within --timeout (30 seconds if not given; 0 looks once). 80: one\n"
        "expired before this agent took it; that is told once. 83: the agent named with --from is dead or finished.",
    .execute = wait,
};

}  // namespace aldis::cli
