// aldis events pending | recent | info | list

#include <algorithm>

#include "aldis/events.h"
#include "cli/commands/commands.h"
#include "cli/event_shapes.h"
#include "cli/invocation.h"
#include "cli/output_schemas.h"
#include "cli/paging.h"
#include "cli/table.h"
#include "core/format.h"
#include "core/try.h"
#include "domain/event_position.h"

namespace aldis::cli {
namespace {

std::string read_type(const Invocation& invocation) {
  const std::string type = invocation.arguments.positional(0);
  if (!invocation.arguments.positionals().empty()) invocation.arguments.check_name("TYPE", type);
  return type;
}

// The event that ended the page before; none: this is the first page.
std::optional<EventPlace> read_cursor(const Invocation& invocation, const PageRequest& request) {
  if (!request.after) return std::nullopt;
  const Result<EventPlace> place = parse_event_id(*request.after);
  if (place) return *place;
  invocation.arguments.add_problem("--cursor is none of this list's");
  return std::nullopt;
}

// What bounds a list from above to stand before this event: only the ordinal counts. None: it is the first of all.
std::optional<std::string> id_before(const EventPlace& place) {
  if (place.ordinal == 1) return std::nullopt;
  return format_event_id({place.ms, place.ordinal - 1});
}

struct RecentRequest {
  std::string type;
  std::size_t count = 0;
  std::string start;
  std::string end;
};

RecentRequest read_recent_request(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  RecentRequest request{.type = read_type(invocation),
                        .start = arguments.text("--start").value_or(""),
                        .end = arguments.text("--end").value_or("")};
  const PageRequest page = read_page_request(invocation);
  request.count = std::min(page.limit, limits::kConsumeCountMax);
  if (arguments.has("--count") && arguments.has("--limit")) arguments.add_problem("--count and --limit are the same");
  if (const auto count = arguments.integer("--count", 1, static_cast<std::int64_t>(limits::kConsumeCountMax))) {
    request.count = static_cast<std::size_t>(*count);
  }
  if (const auto seen = read_cursor(invocation, page)) {
    if (const auto before = id_before(*seen)) {
      request.end = *before;
    } else {
      arguments.add_problem("--cursor is none of this list's");
    }
  }
  return request;
}

// Where a page ends behind which there is more; empty: nowhere.
Result<std::string> cursor_of(const EventStreamer& streamer, const RecentRequest& request,
                              const std::vector<StreamEvent>& events) {
  if (events.size() < request.count) return std::string();
  ALDIS_TRY_ASSIGN(const EventPlace last, parse_event_id(events.back().event_id));
  const auto before = id_before(last);
  if (!before) return std::string();
  ALDIS_TRY_ASSIGN(const std::vector<StreamEvent> next,
                   streamer.get_recent_events(request.type, 1, request.start, *before));
  return next.empty() ? std::string() : encode_cursor(events.back().event_id);
}

Reply recent(const Invocation& invocation) {
  const RecentRequest request = read_recent_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  const EventStreamer streamer(*workspace);
  const auto events = streamer.get_recent_events(request.type, request.count, request.start, request.end);
  if (!events) return fail_with(events.error());
  Result<std::string> cursor = cursor_of(streamer, request, *events);
  if (!cursor) return fail_with(cursor.error());
  Reply reply;
  reply.page = Page{.returned_count = events->size(), .cursor = *std::move(cursor)};
  std::vector<std::string> rows;
  for (const StreamEvent& event : *events) rows.push_back(event_json(event));
  set_rows(reply, std::move(rows));
  if (!invocation.style.table()) return reply;
  for (const StreamEvent& event : *events) reply.view += item_line(invocation.style, event);
  if (events->empty()) reply.view = "no events\n";
  return reply;
}

// The store gives the oldest: of a full answer nobody knows how many stand behind it.
Reply pending(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  const std::string type = read_type(invocation);
  const std::string group = arguments.text("--group").value_or("");
  if (arguments.has("--group")) arguments.check_name("--group", group);
  const PageRequest request = read_page_request(invocation);
  const std::optional<EventPlace> seen = read_cursor(invocation, request);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return fail_with(workspace.error());
  Result<std::vector<PendingEvent>> events = EventStreamer(*workspace).get_pending_events(type, group);
  if (!events) return fail_with(events.error());
  const bool may_be_more = events->size() == limits::kConsumeCountMax;
  const auto first = std::ranges::find_if(*events, [&](const PendingEvent& event) {
    const Result<EventPlace> place = parse_event_id(event.event_id);
    return !seen || (place && place->ordinal > seen->ordinal);
  });
  Reply reply;
  reply.page = cut_page(*events, static_cast<std::size_t>(first - events->begin()), request,
                        [](const PendingEvent& event) { return event.event_id; });
  if (may_be_more) {
    reply.page->total_count.reset();
    reply.warnings.push_back(
        fmt::format("only the oldest {} pending events are listed; aldis events info {} counts them",
                    limits::kConsumeCountMax, type));
  }
  std::vector<std::string> rows;
  for (const PendingEvent& event : *events) rows.push_back(pending_json(event));
  set_rows(reply, std::move(rows));
  if (invocation.style.table()) reply.view = pending_view(invocation.style, *events);
  return reply;
}

Reply info(const Invocation& invocation) {
  const std::string type = read_type(invocation);
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
    {.name = "--count", .value = "N", .type = ValueType::integer, .help = "The same as --limit"},
    {.name = "--start", .value = "ID", .help = "Nothing before this event"},
    {.name = "--end", .value = "ID", .help = "Nothing after this event"},
};
constexpr OptionSpec kPendingOptions[] = {
    {.name = "--group", .value = "G", .help = "The consumer group", .required = true},
};
constexpr ExitCode kPendingExits[] = {ExitCode::not_found};
constexpr ExitCode kInfoExits[] = {ExitCode::not_found};
constexpr ExampleSpec kPendingExamples[] = {
    {"What no member gets done",
     "aldis events pending jobs --group builders --limit 100 | jq '.data[] | select(.deliveries > 3)'"},
};
constexpr ExampleSpec kRecentExamples[] = {{"The last builds", "aldis events recent build.done --count 5"}};
constexpr ExampleSpec kInfoExamples[] = {{"How much is kept, and who is behind", "aldis events info build.done"}};
constexpr ExampleSpec kListExamples[] = {{"Which streams are there?", "aldis events list"}};

}  // namespace

constinit const CommandSpec kEventsPending{
    .name = "events pending",
    .summary = "List what a consumer group was given and has not acknowledged: who holds it, how long, how often given",
    .arguments = kArguments,
    .options = kPendingOptions,
    .lists = true,
    .exits = kPendingExits,
    .output_schema = schema::kPendingEvents,
    .examples = kPendingExamples,
    .notes = "The oldest event first, and no more than the oldest 1000. Nothing is taken from anybody.",
    .execute = pending,
};

constinit const CommandSpec kEventsRecent{
    .name = "events recent",
    .summary = "Show the newest events of a stream, newest first",
    .arguments = kArguments,
    .options = kRecentOptions,
    .lists = true,
    .output_schema = schema::kEvents,
    .examples = kRecentExamples,
    .notes = "At most 1000 rows a page. All of them are not counted: go on while there is a meta.cursor.",
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
