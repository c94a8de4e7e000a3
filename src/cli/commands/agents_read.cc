// aldis agents list | show

#include <algorithm>

#include "aldis/heartbeats.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/shapes.h"
#include "cli/table.h"

namespace aldis::cli {
namespace {

constexpr AgentState kStates[] = {AgentState::alive, AgentState::suspect, AgentState::stale, AgentState::dead,
                                  AgentState::finished};

std::vector<AgentState> read_states(Arguments& arguments) {
  std::vector<AgentState> states;
  for (const std::string& name : arguments.texts("--state")) {
    const auto found = std::find_if(std::begin(kStates), std::end(kStates),
                                    [&](AgentState state) { return to_string(state) == name; });
    if (found == std::end(kStates)) {
      arguments.add_problem("--state must be alive, suspect, stale, dead or finished, not " + json_quote(name));
    } else {
      states.push_back(*found);
    }
  }
  return states;
}

std::string list_view(const OutputStyle& style, const std::vector<AgentStatus>& agents, WallTime now) {
  if (agents.empty()) return "no agents\n";
  std::vector<std::vector<Cell>> rows;
  for (const AgentStatus& agent : agents) {
    rows.push_back({{agent.agent_id},
                    {std::string(to_string(agent.state)), colour_of(agent.state)},
                    {agent.status},
                    {format_progress(agent.progress)},
                    {agent.current_task},
                    {agent.last_beat ? format_age(now - *agent.last_beat) : ""},
                    {agent.evidence, Colour::dim}});
  }
  return render_table(style,
                      {{"AGENT", true},
                       {"STATE"},
                       {"STATUS", true},
                       {"DONE", false, true},
                       {"TASK", true},
                       {"LAST BEAT", false, true},
                       {"EVIDENCE", true}},
                      rows) +
         "untrusted, as the agents wrote it: STATUS, TASK, and EVIDENCE of finished ones\n";
}

Reply list_agents(const Invocation& invocation) {
  const std::vector<AgentState> states = read_states(invocation.arguments);
  const auto stale_after = invocation.arguments.seconds("--stale-after", positive_bounds());
  const PageRequest request = read_page_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<std::vector<AgentStatus>> agents =
      HeartbeatCoordinator(*workspace).list(states, stale_after.value_or(limits::kStaleThresholdDefault));
  if (!agents) return fail_with(agents.error());

  const auto first =
      !request.after ? agents->begin() : std::find_if(agents->begin(), agents->end(), [&](const AgentStatus& agent) {
        return agent.agent_id > *request.after;
      });
  Reply reply;
  reply.page = cut_page(*agents, static_cast<std::size_t>(first - agents->begin()), request,
                        [](const AgentStatus& agent) { return agent.agent_id; });
  std::vector<std::string> rows;
  for (const AgentStatus& agent : *agents) rows.push_back(agent_json(agent));
  set_rows(reply, std::move(rows));
  if (invocation.style.table()) reply.view = list_view(invocation.style, *agents, invocation.clock.wall_now());
  return reply;
}

Reply show_agent(const Invocation& invocation) {
  const std::string agent_id = invocation.arguments.positional(0);
  if (!invocation.arguments.positionals().empty()) invocation.arguments.check_name("ID", agent_id);
  const auto stale_after = invocation.arguments.seconds("--stale-after", positive_bounds());
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const Result<AgentStatus> agent =
      HeartbeatCoordinator(*workspace).get_agent_status(agent_id, stale_after.value_or(limits::kStaleThresholdDefault));
  if (!agent) return fail_with(agent.error());
  Reply reply{.data = agent_json(*agent)};
  if (invocation.style.table()) reply.view = agent_view(invocation.style, *agent);
  return reply;
}

constexpr OptionSpec kStaleAfter{.name = "--stale-after",
                                 .value = "S",
                                 .type = ValueType::number,
                                 .help = "Seconds without a beat after which a live agent is stale",
                                 .fallback = "60"};
constexpr OptionSpec kListOptions[] = {
    {.name = "--state",
     .value = "STATE",
     .help = "Only agents in this state: alive, suspect, stale, dead or finished",
     .repeatable = true},
    kStaleAfter,
};
constexpr ExampleSpec kListExamples[] = {
    {"Everybody of the last 24 hours, live or not", "aldis agents list"},
    {"Only those that need a look", "aldis agents list --state stale --state dead"},
};
constexpr OptionSpec kShowOptions[] = {kStaleAfter};
constexpr ArgumentSpec kShowArguments[] = {{.name = "ID", .help = "The agent"}};
constexpr ExitCode kShowExits[] = {ExitCode::not_found};
constexpr ExampleSpec kShowExamples[] = {{"One agent with all that is known of it", "aldis agents show worker-1"}};

}  // namespace

constinit const CommandSpec kAgentsList{
    .name = "agents list",
    .summary = "List every agent that has a record, with its state and why we say so",
    .options = kListOptions,
    .lists = true,
    .output_schema = schema::kAgents,
    .examples = kListExamples,
    .execute = list_agents,
};

constinit const CommandSpec kAgentsShow{
    .name = "agents show",
    .summary = "Show one agent",
    .arguments = kShowArguments,
    .options = kShowOptions,
    .exits = kShowExits,
    .output_schema = schema::kAgent,
    .examples = kShowExamples,
    .execute = show_agent,
};

}  // namespace aldis::cli
