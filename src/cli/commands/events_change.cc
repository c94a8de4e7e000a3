// aldis events trim | delete | configure

#include "aldis/events.h"
#include "cli/commands/commands.h"
#include "cli/event_shapes.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr auto kLengthMax = static_cast<std::int64_t>(limits::kStreamLengthMax);

std::string read_type(const Invocation& invocation) {
  const std::string type = invocation.arguments.positional(0);
  if (!invocation.arguments.positionals().empty()) invocation.arguments.check_name("TYPE", type);
  return type;
}

Reply removed(const Invocation& invocation, const Result<std::uint64_t>& count) {
  if (!count) return fail_with(count.error());
  JsonWriter json;
  json.begin_object().integer("removed", static_cast<std::int64_t>(*count)).end_object();
  Reply reply{.data = json.take()};
  if (invocation.style.table()) reply.view = fmt::format("removed {} events\n", *count);
  return reply;
}

Reply trim(const Invocation& invocation) {
  const std::string type = read_type(invocation);
  const auto length = invocation.arguments.integer("--max-length", 0, kLengthMax);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  return removed(invocation, EventStreamer(*workspace).trim_stream(type, static_cast<std::uint64_t>(*length)));
}

Reply remove(const Invocation& invocation) {
  const std::string type = read_type(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  return removed(invocation, EventStreamer(*workspace).delete_stream(type));
}

Reply configure(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  const std::string type = read_type(invocation);
  StreamBounds bounds;
  if (const auto length = arguments.integer("--max-length", 1, kLengthMax)) {
    bounds.max_length = static_cast<std::uint64_t>(*length);
  }
  using std::chrono::milliseconds;
  if (const auto age = arguments.seconds("--max-age", {milliseconds{1}, limits::kStreamAgeMax})) {
    bounds.max_age = std::chrono::ceil<milliseconds>(*age);
  }
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  EventStreamer streamer(*workspace);
  if (const Result<void> set = streamer.configure_stream(type, bounds); !set) return fail_with(set.error());
  const Result<StreamInfo> stream = streamer.get_stream_info(type);
  if (!stream) return fail_with(stream.error());
  Reply reply{.data = stream_json(*stream)};
  if (invocation.style.table()) reply.view = stream_view(invocation.style, *stream);
  return reply;
}

constexpr ArgumentSpec kArguments[] = {{.name = "TYPE", .help = "The stream"}};
constexpr OptionSpec kTrimOptions[] = {
    {.name = "--max-length",
     .value = "N",
     .type = ValueType::integer,
     .help = "Keep the newest N events",
     .required = true},
};
constexpr OptionSpec kConfigureOptions[] = {
    {.name = "--max-length",
     .value = "N",
     .type = ValueType::integer,
     .help = "Keep at most this many events, from now on",
     .fallback = "10000"},
    {.name = "--max-age",
     .value = "S",
     .type = ValueType::number,
     .help = "Keep no event for longer than S seconds, from now on (default: no bound)"},
};
constexpr ExampleSpec kTrimExamples[] = {{"Keep the last hundred", "aldis events trim build.done --max-length 100"}};
constexpr ExampleSpec kDeleteExamples[] = {{"Away with all of it", "aldis events delete test.noise"}};
constexpr ExampleSpec kConfigureExamples[] = {
    {"A day, and no more than a million events",
     "aldis events configure build.done --max-length 1000000 --max-age 86400"},
};

}  // namespace

constinit const CommandSpec kEventsTrim{
    .name = "events trim",
    .summary = "Remove all but the newest events of a stream; readers are told what they missed",
    .arguments = kArguments,
    .options = kTrimOptions,
    .danger = Danger::destructive,
    .output_schema = schema::kRemoved,
    .examples = kTrimExamples,
    .execute = trim,
};

constinit const CommandSpec kEventsDelete{
    .name = "events delete",
    .summary = "Remove all events of a stream; its numbers go on, and readers are told what they missed",
    .arguments = kArguments,
    .danger = Danger::destructive,
    .output_schema = schema::kRemoved,
    .examples = kDeleteExamples,
    .execute = remove,
};

constinit const CommandSpec kEventsConfigure{
    .name = "events configure",
    .summary = "Set how much a stream keeps, for everybody",
    .arguments = kArguments,
    .options = kConfigureOptions,
    .danger = Danger::mutating,
    .output_schema = schema::kStream,
    .examples = kConfigureExamples,
    .notes =
        "Both bounds are set: the one that is not named goes back to its default. Makes the stream if there is none.",
    .execute = configure,
};

}  // namespace aldis::cli
