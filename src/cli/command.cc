#include "cli/command.h"

#include "cli/commands/commands.h"

namespace aldis::cli {
namespace {

constexpr std::string_view kFormats[] = {"table", "json", "jsonl", "auto"};

constexpr OptionSpec kCommonOptions[] = {
    {.name = "--store",
     .value = "URL",
     .help = "Store to join: local:, or a URL with redis://, rediss://, redis+unix://, redis+sentinel:// or "
             "redis+cluster:// (ALDIS_STORE)",
     .fallback = "\"local:\""},
    {.name = "--namespace",
     .value = "NAME",
     .help = "Namespace to work in; nothing crosses it (ALDIS_NAMESPACE)",
     .fallback = "\"default\""},
    {.name = "--runtime-dir", .value = "DIR", .help = "Directory of the local board (ALDIS_RUNTIME_DIR)"},
    {.name = "--state-dir",
     .value = "DIR",
     .help = "Directory of the local ledger: approvals, audit log, events (ALDIS_STATE_DIR)"},
    {.name = "--config",
     .value = "FILE",
     .help = "Configuration file (ALDIS_CONFIG); by default aldis/config.toml in XDG_CONFIG_HOME"},
    {.name = "--output",
     .value = "FORMAT",
     .type = ValueType::choice,
     .help = "table, json, jsonl, or auto: a table on a terminal, JSON elsewhere (ALDIS_OUTPUT)",
     .fallback = "\"auto\"",
     .choices = kFormats},
    {.name = "--timeout", .value = "S", .type = ValueType::number, .help = "Seconds that the whole command may take"},
    {.name = "--connect-timeout",
     .value = "S",
     .type = ValueType::number,
     .help = "Seconds that the store may take to answer",
     .fallback = "5"},
    {.name = "--no-update-check",
     .value = {},
     .type = ValueType::flag,
     .help = "Do not look for a newer version, nor tell of one (ALDIS_NO_UPDATE)"},
    {.name = "--schema", .value = {}, .type = ValueType::flag, .help = "Describe this command as JSON and do nothing"},
    {.name = "--help", .value = {}, .type = ValueType::flag, .help = "Show this help and do nothing"},
};

constexpr OptionSpec kAgentOptions[] = {
    {.name = "--agent", .value = "ID", .help = "The agent that acts (ALDIS_AGENT_ID)"},
};

constexpr OptionSpec kListOptions[] = {
    {.name = "--limit", .value = "N", .type = ValueType::integer, .help = "At most this many rows", .fallback = "20"},
    {.name = "--cursor", .value = "CURSOR", .help = "Go on after the page whose meta.cursor this is"},
};

constexpr ExitCode kCommonExits[] = {
    ExitCode::success,           ExitCode::general_error, ExitCode::argument_error, ExitCode::precondition,
    ExitCode::permission_denied, ExitCode::timeout,       ExitCode::unavailable,
};

constexpr GroupSpec kGroups[] = {
    {"agents", "Who is working, on what, how far, and who is late, hung, dead or done"},
    {"signals", "Typed messages with a time to live, to one agent or to all"},
    {"approvals", "Asking people, or other agents, for permission"},
    {"approvers", "Whose signatures count, where a policy asks for them"},
    {"audit", "The record of who asked for what and who decided"},
    {"events", "Streams of what happened, to replay, follow and share out"},
    {"telemetry", "What aldis tells about its own use: nothing, until you enable it"},
    {"config", "The settings in force"},
};

constexpr const CommandSpec* kCommands[] = {
    &kRun,
    &kAgentsList,
    &kAgentsShow,
    &kAgentsBeat,
    &kAgentsStop,
    &kAgentsWatch,
    &kSignalsSend,
    &kSignalsBroadcast,
    &kSignalsCheck,
    &kSignalsWait,
    &kSignalsPending,
    &kSignalsClear,
    &kSignalsReceipt,
    &kSignalsAcknowledge,
    &kApprovalsRequest,
    &kApprovalsWait,
    &kApprovalsPending,
    &kApprovalsList,
    &kApprovalsShow,
    &kApprovalsApprove,
    &kApprovalsReject,
    &kApprovalsCancel,
    &kApprovalsClearExpired,
    &kApprovalsWatch,
    &kApproversEnroll,
    &kApproversList,
    &kApproversTrust,
    &kApproversRevoke,
    &kAuditList,
    &kAuditVerify,
    &kAuditExport,
    &kEventsPublish,
    &kEventsTail,
    &kEventsAcknowledge,
    &kEventsPending,
    &kEventsRecent,
    &kEventsInfo,
    &kEventsList,
    &kEventsTrim,
    &kEventsDelete,
    &kEventsConfigure,
    &kTelemetryStatus,
    &kTelemetryExplain,
    &kTelemetryEnable,
    &kTelemetryDisable,
    &kTelemetryPreview,
    &kTelemetryFlush,
    &kTelemetryReset,
    &kDoctor,
    &kConfigShow,
    &kConfigPath,
    &kManifest,
    &kVersion,
};

}  // namespace

std::span<const OptionSpec> common_options() { return kCommonOptions; }
std::span<const OptionSpec> agent_options() { return kAgentOptions; }
std::span<const OptionSpec> list_options() { return kListOptions; }
std::span<const ExitCode> common_exits() { return kCommonExits; }
std::span<const GroupSpec> all_groups() { return kGroups; }
std::span<const CommandSpec* const> all_commands() { return kCommands; }

const GroupSpec* find_group(std::string_view name) {
  for (const GroupSpec& group : kGroups) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

const CommandSpec* find_command(std::string_view name) {
  for (const CommandSpec* command : kCommands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

}  // namespace aldis::cli
