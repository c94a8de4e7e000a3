// aldis signals send | broadcast

#include "aldis/signals.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/shapes.h"

namespace aldis::cli {
namespace {

struct SendRequest {
  std::string agent;
  std::string type;
  Json payload;
  std::chrono::nanoseconds ttl{0};
};

SendRequest read_send_request(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  SendRequest request;
  request.agent = acting_agent(invocation);
  request.type = arguments.positional(0);
  if (!arguments.positionals().empty()) arguments.check_name("TYPE", request.type);
  request.payload = arguments.json("--payload", true);
  request.ttl = arguments.seconds("--ttl", ttl_bounds()).value_or(limits::kSignalTtlDefault);
  return request;
}

// `target` none: to everybody.
Reply send_to(const Invocation& invocation, SendRequest request, const std::optional<std::string>& target) {
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<CoordinationSignals> signals = CoordinationSignals::open(*workspace, request.agent);
  if (!signals) return fail_with(signals.error());
  const Result<CoordinationSignal> sent =
      target ? signals->signal(request.type, *target, std::move(request.payload), request.ttl)
             : signals->broadcast(request.type, std::move(request.payload), request.ttl);
  if (!sent) return fail_with(sent.error());
  Reply reply{.data = signal_json(*sent)};
  if (invocation.style.table()) reply.view = signal_view(invocation.style, *sent);
  return reply;
}

Reply send(const Invocation& invocation) {
  SendRequest request = read_send_request(invocation);
  const std::string target = invocation.arguments.text("--to").value_or("");
  if (invocation.arguments.has("--to")) invocation.arguments.check_name("--to", target);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  return send_to(invocation, std::move(request), target);
}

Reply broadcast(const Invocation& invocation) {
  SendRequest request = read_send_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  return send_to(invocation, std::move(request), std::nullopt);
}

constexpr OptionSpec kPayload{.name = "--payload",
                              .value = "JSON|@FILE|-",
                              .help = "A JSON object, delivered byte for byte; from a file or standard input too",
                              .fallback = "{}"};
constexpr OptionSpec kTtl{.name = "--ttl",
                          .value = "S",
                          .type = ValueType::number,
                          .help = "Seconds until it expires if nobody took it; at most 7 days",
                          .fallback = "60"};
constexpr ArgumentSpec kArguments[] = {{.name = "TYPE", .help = "What kind of signal it is"}};
constexpr OptionSpec kSendOptions[] = {
    {.name = "--to", .value = "AGENT", .help = "The agent that alone can take it", .required = true},
    kPayload,
    kTtl,
};
constexpr OptionSpec kBroadcastOptions[] = {kPayload, kTtl};
constexpr ExampleSpec kSendExamples[] = {
    {"Hand a file to a reviewer",
     "aldis signals send review --agent scout --to reviewer-1 --payload '{\"file\":\"src/main.cc\"}'"},
    {"A long payload", "aldis signals send plan --agent scout --to builder --payload @plan.json --ttl 600"},
};
constexpr ExampleSpec kBroadcastExamples[] = {
    {"Everybody stops", "aldis signals broadcast abort --agent boss --payload '{\"reason\":\"budget\"}'"},
};

}  // namespace

constinit const CommandSpec kSignalsSend{
    .name = "signals send",
    .summary = "Send a signal to one agent",
    .arguments = kArguments,
    .options = kSendOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .output_schema = schema::kSignal,
    .examples = kSendExamples,
    .execute = send,
};

constinit const CommandSpec kSignalsBroadcast{
    .name = "signals broadcast",
    .summary = "Send a signal to every other agent",
    .arguments = kArguments,
    .options = kBroadcastOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .output_schema = schema::kSignal,
    .examples = kBroadcastExamples,
    .execute = broadcast,
};

}  // namespace aldis::cli
