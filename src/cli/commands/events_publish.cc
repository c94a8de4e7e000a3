// aldis events publish | acknowledge

#include "aldis/events.h"
#include "cli/commands/commands.h"
#include "cli/event_shapes.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

Reply publish(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  const std::string type = arguments.positional(0);
  if (!arguments.positionals().empty()) arguments.check_name("TYPE", type);
  const Json data = arguments.json("--data", true);
  const std::string source = arguments.text("--source").value_or(invocation.settings.agent.value);
  arguments.check_text("--source", source, limits::kSourceBytesMax);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const Result<StreamEvent> event = EventStreamer(*workspace).publish_event(type, data, source);
  if (!event) return fail_with(event.error());
  Reply reply{.data = event_json(*event)};
  if (invocation.style.table()) reply.view = event_view(invocation.style, *event);
  return reply;
}

Reply acknowledge(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  const std::vector<std::string>& words = arguments.positionals();
  const std::string type = arguments.positional(0);
  if (!words.empty()) arguments.check_name("TYPE", type);
  const std::vector<std::string> ids(words.begin() + (words.empty() ? 0 : 1), words.end());
  const std::string group = arguments.text("--group").value_or("");
  if (arguments.has("--group")) arguments.check_name("--group", group);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const Result<std::uint64_t> done = EventStreamer(*workspace).acknowledge(type, group, ids);
  if (!done) return fail_with(done.error());
  JsonWriter json;
  json.begin_object().integer("acknowledged", static_cast<std::int64_t>(*done)).end_object();
  Reply reply{.data = json.take()};
  if (invocation.style.table()) reply.view = fmt::format("acknowledged {} of {}\n", *done, ids.size());
  return reply;
}

constexpr ArgumentSpec kPublishArguments[] = {{.name = "TYPE", .help = "What kind of event it is: the stream"}};
constexpr OptionSpec kPublishOptions[] = {
    {.name = "--data",
     .value = "JSON|@FILE|-",
     .help = "A JSON object, kept byte for byte; from a file or standard input too",
     .fallback = "{}"},
    {.name = "--source", .value = "TEXT", .help = "Who publishes it (default: the acting agent)"},
};
constexpr ArgumentSpec kAcknowledgeArguments[] = {
    {.name = "TYPE", .help = "The stream"},
    {.name = "ID", .help = "Events that were given to a member of the group", .count_max = limits::kConsumeCountMax},
};
constexpr OptionSpec kAcknowledgeOptions[] = {
    {.name = "--group", .value = "G", .help = "The consumer group", .required = true},
};
constexpr ExitCode kAcknowledgeExits[] = {ExitCode::not_found};
constexpr ExampleSpec kPublishExamples[] = {
    {"Say what happened", "aldis events publish build.done --data '{\"commit\":\"4f2a\"}' --source ci"},
};
constexpr ExampleSpec kAcknowledgeExamples[] = {
    {"The work on an event is done", "aldis events acknowledge build.done 1790000000000-17 --group deployers"},
};

}  // namespace

constinit const CommandSpec kEventsPublish{
    .name = "events publish",
    .summary = "Append an event to the stream of its type",
    .arguments = kPublishArguments,
    .options = kPublishOptions,
    .danger = Danger::mutating,
    .output_schema = schema::kEvent,
    .examples = kPublishExamples,
    .execute = publish,
};

constinit const CommandSpec kEventsAcknowledge{
    .name = "events acknowledge",
    .summary = "Make events done that a member of a consumer group was given",
    .arguments = kAcknowledgeArguments,
    .options = kAcknowledgeOptions,
    .danger = Danger::mutating,
    .exits = kAcknowledgeExits,
    .output_schema = schema::kEventsAcknowledged,
    .examples = kAcknowledgeExamples,
    .execute = acknowledge,
};

}  // namespace aldis::cli
