// aldis telemetry status | explain | enable | disable | preview | flush | reset

#include "aldis/telemetry.h"

#include "cli/commands/commands.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"

namespace aldis::cli {
namespace {

// The words as they were typed, but for the options that every command takes: the library reads its own.
std::vector<std::string> words_for_library(const Invocation& invocation) {
  std::vector<std::string> words = {std::string(invocation.command.name.substr(std::string_view("telemetry ").size()))};
  for (const OptionSpec& option : invocation.command.options) {
    if (!invocation.arguments.has(option.name)) continue;
    words.emplace_back(option.name);
    if (option.type != ValueType::flag) words.push_back(invocation.arguments.text(option.name).value_or(""));
  }
  return words;
}

Reply telemetry(const Invocation& invocation) {
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  TelemetryAnswer answer = invocation.telemetry.telemetry_command(words_for_library(invocation));
  Reply reply{.data = std::move(answer.data), .view = std::move(answer.text), .warnings = std::move(answer.warnings)};
  if (answer.error) {
    reply.failure = Failure{.exit = static_cast<ExitCode>(answer.exit_code),
                            .code = std::move(answer.error->code),
                            .message = std::move(answer.error->message),
                            .suggestion = std::move(answer.error->suggestion),
                            .retryable = answer.error->retryable};
  }
  return reply;
}

constexpr std::string_view kFormats[] = {"otlp", "jsonl"};
constexpr OptionSpec kEnableOptions[] = {
    {.name = "--endpoint", .value = "URL", .help = "Where to send it; what was named before stays until another is"},
    {.name = "--format",
     .value = "FORMAT",
     .type = ValueType::choice,
     .help = "otlp (OpenTelemetry logs) or jsonl",
     .choices = kFormats},
    {.name = "--lifetime-ms",
     .value = "N",
     .type = ValueType::integer,
     .help = "How long a sender may live, 100 to 10000"},
    {.name = "--update-url", .value = "URL", .help = "Where to ask for newer versions, once a week; - to stop asking"},
    {.name = "--allow-http", .value = {}, .type = ValueType::flag, .help = "Take http:// to other hosts, too"},
};

constexpr ExampleSpec kStatusExamples[] = {{"Is it on, and does it work?", "aldis telemetry status"}};
constexpr ExampleSpec kExplainExamples[] = {{"Why is it off?", "aldis telemetry explain"}};
constexpr ExampleSpec kEnableExamples[] = {
    {"To a collector of OpenTelemetry", "aldis telemetry enable --endpoint https://collector.example/v1/logs"},
    {"Over a slow line", "aldis telemetry enable --lifetime-ms 5000"},
};
constexpr ExampleSpec kDisableExamples[] = {{"No more", "aldis telemetry disable"}};
constexpr ExampleSpec kPreviewExamples[] = {{"What would be sent", "aldis telemetry preview | jq '.data.requests[]'"}};
constexpr ExampleSpec kFlushExamples[] = {{"Before a machine is thrown away", "aldis telemetry flush"}};
constexpr ExampleSpec kResetExamples[] = {{"As if it had never been enabled", "aldis telemetry reset"}};

}  // namespace

constinit const CommandSpec kTelemetryStatus{
    .name = "telemetry status",
    .summary = "Show whether telemetry is on, what waits to be sent and how the last attempt ended",
    .output_schema = schema::kTelemetryStatus,
    .examples = kStatusExamples,
    .execute = telemetry,
};

constinit const CommandSpec kTelemetryExplain{
    .name = "telemetry explain",
    .summary = "Show every rule that could switch telemetry off, in order, and which one decided",
    .output_schema = schema::kTelemetryExplain,
    .examples = kExplainExamples,
    .execute = telemetry,
};

constinit const CommandSpec kTelemetryEnable{
    .name = "telemetry enable",
    .summary = "Let aldis tell how it is used",
    .options = kEnableOptions,
    .danger = Danger::mutating,
    .output_schema = schema::kTelemetryConsent,
    .examples = kEnableExamples,
    .notes =
        "What is told: the name of the command, its exit code, how long it took, the output format, and the code of "
        "an\n"
        "error. Nothing is sent by this command, and nothing ever in CI or with NO_TELEMETRY, ALDIS_NO_TELEMETRY or\n"
        "DO_NOT_TRACK. What was set before and is not named stays.",
    .execute = telemetry,
};

constinit const CommandSpec kTelemetryDisable{
    .name = "telemetry disable",
    .summary = "Switch telemetry off and delete what was not sent",
    .danger = Danger::destructive,
    .output_schema = schema::kTelemetryConsent,
    .examples = kDisableExamples,
    .execute = telemetry,
};

constinit const CommandSpec kTelemetryPreview{
    .name = "telemetry preview",
    .summary = "Show the requests that would be sent now, byte for byte",
    .output_schema = schema::kTelemetryPreview,
    .examples = kPreviewExamples,
    .execute = telemetry,
};

constinit const CommandSpec kTelemetryFlush{
    .name = "telemetry flush",
    .summary = "Send now what waits to be sent",
    .danger = Danger::mutating,
    .output_schema = schema::kTelemetryFlush,
    .examples = kFlushExamples,
    .notes = "Waits for the sender, 10 seconds at most. Exit code 4 if telemetry is not active here.",
    .execute = telemetry,
};

constinit const CommandSpec kTelemetryReset{
    .name = "telemetry reset",
    .summary = "Delete everything that telemetry has written, the consent too",
    .danger = Danger::destructive,
    .output_schema = schema::kTelemetryConsent,
    .examples = kResetExamples,
    .execute = telemetry,
};

}  // namespace aldis::cli
