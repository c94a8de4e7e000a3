// aldis events recent | info | list

#include <algorithm>

#include "aldis/events.h"
#include "cli/commands/commands.h"
#include "cli/event_shapes.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/table.h"

namespace aldis::cli {
namespace {

constexpr std::size_t kRecentDefault = 20;

Reply recent(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  const std::string type = arguments.positional(0);
  if (!arguments.positionals().empty()) arguments.check_name("TYPE", type);
  const auto count = arguments.integer("--count", 1, static_cast<std::int64_t>(limits::kConsumeCountMax));
  const std::string start = arguments.text("--start").value_or("");
  const std::string end = arguments.text("--end").value_or("");
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const auto at_most = count ? static_cast<std::size_t>(*count) : kRecentDefault;
  const auto events = EventStreamer(*workspace).get_recent_events(type, at_most, start, end);
  if (!events) return fail_with(events.error());
  Reply reply;
  reply.page = Page{.returned_count = events->size()};
  std::vector<std::string> rows;
  for (const StreamEvent& event : *events) rows.push_back(event_json(event));
  set_rows(reply, std::move(rows));
  if (!invocation.style.table()) return reply;
  for (const StreamEvent& event : *events) reply.view += item_line(invocation.style, event);
  if (events->empty()) reply.view = "no events\n";
  return reply;
}

Reply info(const Invocation& invocation) {
  const std::string type = invocation.arguments.positional(0);
  if (!invocation.arguments.positionals().empty()) invocation.arguments.check_name("TYPE", type);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const Result<StreamInfo> stream = EventStreamer(*workspace).get_stream_info(type);
  if (!stream) return fail_with(stream.error());
  Reply reply{.data = stream_json(*stream)};
  if (invocation.style.table()) reply.view = stream_view(invocation.style, *stream);
  return reply;
}

std::string list_view(const OutputStyle& style, const std::vector<StreamInfo>& streams) {
  if (streams.empty()) return "no streams\n";
  std::vector<std::vector<Cell>> rows;
  for (const StreamInfo& stream : streams) {
    rows.push_back({{stream.event_type}, {std::to_string(stream.length)}, {stream.last_id}});
  }
  return render_table(style, {{"TYPE", true}, {"EVENTS", false, true}, {"NEWEST"}}, rows);
}

Reply list(const Invocation& invocation) {
  const PageRequest request = read_page_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<std::vector<StreamInfo>> streams = EventStreamer(*workspace).list_streams();
  if (!streams) return fail_with(streams.error());
  const auto first = std::ranges::find_if(
      *streams, [&](const StreamInfo& stream) { return !request.after || stream.event_type > *request.after; });
  Reply reply;
  reply.page = cut_page(*streams, static_cast<std::size_t>(first - streams->begin()), request,
                        [](const StreamInfo& stream) { return stream.event_type; });
  std::vector<std::string> rows;
  for (const StreamInfo& stream : *streams) rows.push_back(stream_json(stream));
  set_rows(reply, std::move(rows));
  if (invocation.style.table()) reply.view = list_view(invocation.style, *streams);
  return reply;
}

constexpr ArgumentSpec kArguments[] = {{.name = "TYPE", .help = "The stream"}};
constexpr OptionSpec kRecentOptions[] = {
    {.name = "--count", .value = "N", .type = ValueType::integer, .help = "At most this many", .fallback = "20"},
    {.name = "--start", .value = "ID", .help = "Nothing before this event"},
    {.name = "--end", .value = "ID", .help = "Nothing after this event"},
};
constexpr ExitCode kInfoExits[] = {ExitCode::not_found};
constexpr ExampleSpec kRecentExamples[] = {{"The last builds", "aldis events recent build.done --count 5"}};
constexpr ExampleSpec kInfoExamples[] = {{"How much is kept, and who is behind", "aldis events info build.done"}};
constexpr ExampleSpec kListExamples[] = {{"Which streams are there?", "aldis events list"}};

}  // namespace

constinit const CommandSpec kEventsRecent{
    .name = "events recent",
    .summary = "Show the newest events of a stream, newest first",
    .arguments = kArguments,
    .options = kRecentOptions,
    .output_schema = schema::kEvents,
    .examples = kRecentExamples,
    .execute = recent,
};

constinit const CommandSpec kEventsInfo{
    .name = "events info",
    .summary = "Show how much a stream holds and keeps, and its consumer groups",
    .arguments = kArguments,
    .exits = kInfoExits,
    .output_schema = schema::kStream,
    .examples = kInfoExamples,
    .execute = info,
};

constinit const CommandSpec kEventsList{
    .name = "events list",
    .summary = "List the streams of this namespace",
    .lists = true,
    .output_schema = schema::kStreams,
    .examples = kListExamples,
    .notes = "Consumer groups are shown by `aldis events info TYPE` alone.",
    .execute = list,
};

}  // namespace aldis::cli
