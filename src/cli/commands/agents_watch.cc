// aldis agents watch

#include "aldis/heartbeats.h"
#include "cli/commands/commands.h"
#include "cli/interruption.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/shapes.h"
#include "cli/terminal_text.h"
#include "core/format.h"

namespace aldis::cli {
namespace {

std::string change_json(const StateChange& change) {
  JsonWriter json;
  json.begin_object();
  write_agent_members(json, change.agent);
  if (change.previous) {
    json.text("previous_state", to_string(*change.previous));
  } else {
    json.key("previous_state").null();
  }
  return json_line(json.boolean("first", change.first).end_object().take());
}

std::string change_line(const OutputStyle& style, const StateChange& change, WallTime now) {
  constexpr std::size_t kAgentColumns = 24;
  constexpr std::size_t kTimeBegin = 11;
  constexpr std::size_t kTimeLength = 8;
  const std::string agent = shorten(printable(change.agent.agent_id), kAgentColumns);
  const std::string space(kAgentColumns - display_width(agent), ' ');
  const std::string state = fmt::format("{:<8}", to_string(change.agent.state));
  return fmt::format("{}  {}{}  {}  {}{}\n",
                     paint(style, Colour::dim, format_timestamp(now).substr(kTimeBegin, kTimeLength)), agent, space,
                     paint(style, colour_of(change.agent.state), state),
                     evidence_quotes_agent(change.agent) ? "(untrusted) " : "", printable(change.agent.evidence));
}

Reply watch(const Invocation& invocation) {
  const auto stale_after = invocation.arguments.seconds("--stale-after", positive_bounds());
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Interruption interruption(invocation.settings.timeout);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return interruption.end_of_stream(std::unexpected(workspace.error()));
  const Result<void> watched =
      HeartbeatCoordinator(*workspace)
          .watch(
              [&](const StateChange& change) {
                write_stdout(invocation.style.table()
                                 ? change_line(invocation.style, change, invocation.clock.wall_now())
                                 : change_json(change));
                return true;
              },
              interruption.token(), stale_after.value_or(limits::kStaleThresholdDefault));
  return interruption.end_of_stream(watched);
}

constexpr OptionSpec kOptions[] = {
    {.name = "--stale-after",
     .value = "S",
     .type = ValueType::number,
     .help = "Seconds without a beat after which a live agent is stale",
     .fallback = "60"},
};
constexpr ExitCode kExits[] = {ExitCode::interrupted, ExitCode::terminated};
constexpr ExampleSpec kExamples[] = {
    {"Who died, as it happens", "aldis agents watch | jq --unbuffered 'select(.state == \"dead\") | .agent_id'"},
};

}  // namespace

constinit const CommandSpec kAgentsWatch{
    .name = "agents watch",
    .summary = "Print the state of every agent, and each change as it happens, one JSON object a line",
    .options = kOptions,
    .streams = true,
    .waits = true,
    .exits = kExits,
    .output_schema = schema::kAgentChange,
    .examples = kExamples,
    .notes =
        "Each line is an agent with `previous_state` (null when it was not seen before) and `first` (true for exactly\n"
        "one of all the watchers that saw the change). It goes on until it is interrupted.",
    .execute = watch,
};

}  // namespace aldis::cli
