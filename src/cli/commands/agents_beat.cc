// aldis agents beat | stop

#include "aldis/heartbeats.h"
#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/shapes.h"
#include "core/try.h"

namespace aldis::cli {
namespace {

constexpr std::int64_t kPidMax = 1 << 22;  // PID_MAX_LIMIT of Linux on 64 bits

struct BeatRequest {
  std::string agent;
  std::string status;
  std::optional<double> progress;
  std::optional<std::string> task;
  Json metadata;
  std::optional<std::int64_t> pid;
  std::optional<std::chrono::nanoseconds> ttl;

  bool describes_a_start(const Arguments& arguments) const { return pid || ttl || arguments.has("--metadata"); }
};

bool is_live(AgentState state) {
  return state == AgentState::alive || state == AgentState::suspect || state == AgentState::stale;
}

// Whether no option leads away from where the environment points: ALDIS_INCARNATION exists only there.
bool stays_where_the_environment_points(const Invocation& invocation) {
  const auto same = [&](const Setting& setting, std::string_view variable) {
    return setting.source != "flag" || invocation.environment.get(variable) == setting.value;
  };
  const Settings& settings = invocation.settings;
  return same(settings.store, "ALDIS_STORE") && same(settings.namespace_name, "ALDIS_NAMESPACE") &&
         same(settings.runtime_directory, "ALDIS_RUNTIME_DIR");
}

// The incarnation that `aldis run` gave its child, if it is that of `agent` here.
std::optional<std::string> inherited_incarnation(const Invocation& invocation, const std::string& agent) {
  if (invocation.environment.get("ALDIS_AGENT_ID") != agent) return std::nullopt;
  if (!stays_where_the_environment_points(invocation)) return std::nullopt;
  return invocation.environment.get("ALDIS_INCARNATION");
}

enum class Joined { existing, started };

// Speaks for the inherited incarnation, else for the live record, else starts one.
Result<Joined> join_or_start(const Invocation& invocation, HeartbeatCoordinator& heartbeats,
                             const BeatRequest& request) {
  if (const auto incarnation = inherited_incarnation(invocation, request.agent)) {
    ALDIS_TRY(heartbeats.join_heartbeat(request.agent, *incarnation));
    return Joined::existing;
  }
  // A second round when somebody else started the agent between our look and our start.
  for (const bool last_round : {false, true}) {
    const Result<AgentStatus> known = heartbeats.get_agent_status(request.agent);
    if (!known && known.error().code != ErrorCode::not_found) return std::unexpected(known.error());
    if (known && is_live(known->state)) {
      ALDIS_TRY(heartbeats.join_heartbeat(request.agent, known->incarnation));
      return Joined::existing;
    }
    StartOptions options{.metadata = request.metadata, .replace = false};
    options.ttl = request.ttl.value_or(limits::kLeaseDefault);
    options.process.kind = request.pid ? ProcessBinding::Kind::other : ProcessBinding::Kind::none;
    options.process.pid = static_cast<int>(request.pid.value_or(0));
    const Result<void> started = heartbeats.start_heartbeat(request.agent, std::move(options));
    if (started) return Joined::started;
    if (last_round || started.error().code != ErrorCode::already_exists) return std::unexpected(started.error());
  }
  return Joined::existing;
}

Reply answer_with_agent(const Invocation& invocation, const HeartbeatCoordinator& heartbeats,
                        const std::string& agent) {
  const Result<AgentStatus> status = heartbeats.get_agent_status(agent);
  if (!status) return fail_with(status.error());
  Reply reply{.data = agent_json(*status)};
  if (invocation.style.table()) reply.view = agent_view(invocation.style, *status);
  return reply;
}

BeatRequest read_beat_request(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  BeatRequest request;
  request.agent = acting_agent(invocation);
  request.status = arguments.text("--status").value_or("running");
  arguments.check_text("--status", request.status, limits::kStatusBytesMax);
  request.progress = arguments.fraction("--progress");
  request.task = arguments.text("--task");
  arguments.check_text("--task", request.task.value_or(""), limits::kTaskBytesMax);
  request.metadata = arguments.json("--metadata", false);
  request.pid = arguments.integer("--pid", 1, kPidMax);
  request.ttl = arguments.seconds("--ttl", lease_bounds());
  return request;
}

Reply beat(const Invocation& invocation) {
  const BeatRequest request = read_beat_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  HeartbeatCoordinator heartbeats(*workspace);
  const Result<Joined> joined = join_or_start(invocation, heartbeats, request);
  if (!joined) return fail_with(joined.error());
  const Result<void> beaten = heartbeats.beat(request.status, request.progress, request.task);
  if (!beaten) return fail_with(beaten.error());
  Reply reply = answer_with_agent(invocation, heartbeats, request.agent);
  if (*joined == Joined::existing && request.describes_a_start(invocation.arguments)) {
    reply.warnings.emplace_back(
        "--metadata, --pid and --ttl are fixed when a record starts, and this agent already has one");
  }
  return reply;
}

Reply stop(const Invocation& invocation) {
  const std::string agent = acting_agent(invocation);
  const std::string status = invocation.arguments.text("--status").value_or("completed");
  invocation.arguments.check_text("--status", status, limits::kStatusBytesMax);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  HeartbeatCoordinator heartbeats(*workspace);
  std::optional<std::string> incarnation = inherited_incarnation(invocation, agent);
  if (!incarnation) {
    const Result<AgentStatus> known = heartbeats.get_agent_status(agent);
    if (!known) return fail_with(known.error());
    incarnation = known->incarnation;
  }
  Result<void> done = heartbeats.join_heartbeat(agent, *incarnation);
  if (done) done = heartbeats.stop_heartbeat(status);
  if (!done) return fail_with(done.error());
  return answer_with_agent(invocation, heartbeats, agent);
}

constexpr OptionSpec kBeatOptions[] = {
    {.name = "--status", .value = "TEXT", .help = "What it is doing, in a word", .fallback = "\"running\""},
    {.name = "--progress", .value = "F", .type = ValueType::number, .help = "How far it is, 0.0 to 1.0"},
    {.name = "--task", .value = "TEXT", .help = "What it is working on"},
    {.name = "--metadata", .value = "JSON", .help = "An object to keep with the record, when one is started"},
    {.name = "--pid",
     .value = "PID",
     .type = ValueType::integer,
     .help = "Bind the record that is started to this process; without it the lease alone decides"},
    {.name = "--ttl",
     .value = "S",
     .type = ValueType::number,
     .help = "Lease of the record that is started",
     .fallback = "30"},
};
constexpr ExitCode kBeatExits[] = {ExitCode::not_found, ExitCode::conflict};
constexpr ExampleSpec kBeatExamples[] = {
    {"Half of the files are done", "aldis agents beat --agent worker-1 --progress 0.5 --task src/main.cc"},
    {"Inside aldis run the agent is known", "aldis agents beat --status reviewing"},
};
constexpr OptionSpec kStopOptions[] = {
    {.name = "--status", .value = "TEXT", .help = "The final status", .fallback = "\"completed\""},
};
constexpr ExampleSpec kStopExamples[] = {{"It did what it should", "aldis agents stop --agent worker-1"}};

}  // namespace

constinit const CommandSpec kAgentsBeat{
    .name = "agents beat",
    .summary = "Report progress for an agent, starting its record if there is none",
    .options = kBeatOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .exits = kBeatExits,
    .output_schema = schema::kAgent,
    .examples = kBeatExamples,
    .notes =
        "Inside `aldis run` it beats for that run (ALDIS_INCARNATION); elsewhere, and with another --store,\n"
        "--namespace or --runtime-dir, for the agent's live record there. A record that it starts is bound to no\n"
        "process unless --pid is given: lease_expires_at says until when it counts as alive.",
    .execute = beat,
};

constinit const CommandSpec kAgentsStop{
    .name = "agents stop",
    .summary = "End an agent's record with a final status",
    .options = kStopOptions,
    .danger = Danger::mutating,
    .acts_as_agent = true,
    .exits = kBeatExits,
    .output_schema = schema::kAgent,
    .examples = kStopExamples,
    .execute = stop,
};

}  // namespace aldis::cli
