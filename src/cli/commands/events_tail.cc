// aldis events tail

#include "aldis/events.h"
#include "cli/commands/commands.h"
#include "cli/event_shapes.h"
#include "cli/interruption.h"
#include "cli/invocation.h"
#include "cli/outage.h"
#include "cli/output_schemas.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFollowing = std::chrono::hours{1};  // one blocking read of --follow; then the next

struct TailRequest {
  std::vector<std::string> types;
  ConsumeOptions options;
  bool follow = false;
  bool acknowledges = false;         // after each line that was flushed
  bool positions = false;            // a line behind what was read together
  std::optional<std::size_t> count;  // none: no bound
  bool count_is_default = false;
};

TailRequest read_tail_request(const Invocation& invocation) {
  Arguments& arguments = invocation.arguments;
  TailRequest request;
  request.types = arguments.positionals();
  for (const std::string& type : request.types) arguments.check_name("TYPE", type);
  request.follow = arguments.has("--follow");
  const auto block = arguments.integer("--block-ms", 0, milliseconds(limits::kWaitMax / milliseconds{1}).count());
  if (block && *block > 0) request.options.block_ms = milliseconds(*block);
  if (arguments.has("--since") && arguments.has("--from")) arguments.add_problem("--since and --from are the same");
  const bool only_new = (request.follow || request.options.block_ms) && !arguments.has("--group");
  request.options.start = arguments.text("--since").value_or(arguments.text("--from").value_or(only_new ? "$" : "0"));
  const auto count = arguments.integer("--count", 1, INT64_MAX);
  if (count) request.count = static_cast<std::size_t>(*count);
  request.count_is_default = !count && !request.follow;
  if (request.count_is_default) request.count = limits::kConsumeCountDefault;
  request.options.group = arguments.text("--group").value_or("");
  request.options.consumer = arguments.text("--consumer").value_or("");
  if (request.options.group.empty() != request.options.consumer.empty()) {
    arguments.add_problem("--group and --consumer go together: which group, and which member of it reads");
  }
  request.acknowledges = !request.options.group.empty() && !arguments.has("--manual-ack");
  if (arguments.has("--manual-ack") && request.options.group.empty()) {
    arguments.add_problem("--manual-ack is for readers of a --group");
  }
  request.positions = arguments.has("--positions");
  if (request.positions && !request.options.group.empty()) {
    arguments.add_problem("--positions is for readers without a --group, which keeps its own place");
  }
  if (const auto after = arguments.seconds("--take-over-after", {milliseconds{1}, limits::kTakeOverAfterMax})) {
    request.options.take_over_after = *after;
  }
  return request;
}

class Tail {
 public:
  Tail(const Invocation& invocation, const Workspace& workspace, TailRequest request, Interruption& interruption)
      : invocation_(invocation),
        streamer_(workspace),
        request_(std::move(request)),
        interruption_(interruption),
        outage_(interruption.token()) {}

  // Until everything that was asked for is printed, or it was interrupted. Who follows outlasts a store that is away,
  // once there is a position to go on from: the first read does not wait, so that there is one soon.
  Result<void> run() {
    for (bool is_first = true; is_first || !interruption_.token().stop_requested(); is_first = false) {
      request_.options.count = count_of_read();
      if (request_.follow) request_.options.block_ms = is_first ? std::nullopt : std::optional(kFollowing);
      const Result<EventBatch> batch =
          streamer_.consume_events(request_.types, request_.options, interruption_.token());
      if (!batch && request_.follow && !is_first && outage_.outlast(batch.error())) continue;
      if (!batch) return std::unexpected(batch.error());
      outage_.end();
      for (const StreamItem& item : batch->items) {
        if (const Result<void> shown = show(item); !shown) return shown;
      }
      if (request_.positions && batch->position != request_.options.start) show_position(batch->position);
      if (!batch->position.empty()) request_.options.start = batch->position;
      const bool enough = request_.count && printed_ >= *request_.count;
      const bool nothing_more = !request_.follow && batch->items.empty();
      if (enough || nothing_more) return {};
      if (!request_.follow && printed_ > 0) request_.options.block_ms.reset();
    }
    return {};
  }

  // What to tell who did not say how many, and did not get all; else nothing.
  std::string what_follows() {
    if (!request_.count_is_default || printed_ < *request_.count) return {};
    if (!request_.options.group.empty()) {
      return fmt::format("a tail ends after {} events unless --count says otherwise: the next call goes on", printed_);
    }
    ConsumeOptions next{.start = request_.options.start, .count = 1};
    const Result<EventBatch> more = streamer_.consume_events(request_.types, next, interruption_.token());
    if (!more) return "whether more follow is not known: " + more.error().message;
    if (more->items.empty()) return {};
    std::string text =
        fmt::format("more follow these {}: go on with --since '{}', or say --count N", printed_, next.start);
    if (request_.types.size() == 1) text += fmt::format("; aldis events recent {} lists the newest", request_.types[0]);
    return text;
  }

 private:
  // Who acknowledges line by line takes one at a time: where the reader of our output is slow, nothing else is held
  // back for so long that another member would take it over.
  std::size_t count_of_read() const {
    if (request_.acknowledges) return 1;
    if (!request_.count) return limits::kConsumeCountDefault;
    return std::min(*request_.count - printed_, limits::kConsumeCountDefault);
  }

  void show_position(const std::string& position) const {
    JsonWriter json;
    json.begin_object().text("position", position).end_object();
    write_stdout(invocation_.style.table() ? fmt::format("-- position {}\n", position) : json_line(json.take()));
  }

  Result<void> show(const StreamItem& item) {
    write_stdout(invocation_.style.table() ? item_line(invocation_.style, item) : json_line(item_json(item)));
    const auto* event = std::get_if<StreamEvent>(&item);
    if (event == nullptr) return {};
    ++printed_;
    if (!request_.acknowledges) return {};
    return acknowledge(*event);
  }

  Result<void> acknowledge(const StreamEvent& event) {
    do {
      const auto done = streamer_.acknowledge(event.event_type, request_.options.group, {event.event_id});
      if (done) {
        outage_.end();
        return {};
      }
      if (!request_.follow || !outage_.outlast(done.error())) return std::unexpected(done.error());
    } while (!interruption_.token().stop_requested());
    return {};
  }

  const Invocation& invocation_;
  EventStreamer streamer_;
  TailRequest request_;
  Interruption& interruption_;
  Outage outage_;
  std::size_t printed_ = 0;
};

Reply tail(const Invocation& invocation) {
  TailRequest request = read_tail_request(invocation);
  if (auto refusal = refuse_bad_arguments(invocation)) return *std::move(refusal);
  Interruption interruption(invocation.settings.timeout);
  const Result<Workspace> workspace = open_workspace(invocation);
  if (!workspace) return interruption.end_of_stream(std::unexpected(workspace.error()));
  Tail tail(invocation, *workspace, std::move(request), interruption);
  Reply reply = interruption.end_of_stream(tail.run());
  if (reply.failure) return reply;
  if (std::string note = tail.what_follows(); !note.empty()) reply.warnings.push_back(std::move(note));
  return reply;
}

constexpr ArgumentSpec kArguments[] = {
    {.name = "TYPE",
     .help = "The streams; none: all, new ones too",
     .count_min = 0,
     .count_max = limits::kConsumeTypesMax},
};
constexpr OptionSpec kOptions[] = {
    {.name = "--since",
     .value = "$|0|ID|POSITION",
     .help =
         "Begin with what comes now ($), with the oldest kept (0), of one type behind an event, or at a position that "
         "--positions printed for the same types (default: $ where it waits and is in no group, else 0)"},
    {.name = "--from", .value = "$|0|ID|POSITION", .help = "The same as --since"},
    {.name = "--positions",
     .value = {},
     .type = ValueType::flag,
     .help = "Print {\"position\":\"...\"} behind what was read together: --since goes on there"},
    {.name = "--follow", .value = {}, .type = ValueType::flag, .help = "Go on until it is interrupted"},
    {.name = "--block-ms",
     .value = "N",
     .type = ValueType::integer,
     .help = "Wait at most N milliseconds for the first event"},
    {.name = "--count",
     .value = "N",
     .type = ValueType::integer,
     .help = "Print at most N events (default: 100, with --follow no bound)"},
    {.name = "--group", .value = "G", .help = "Read as a member of this consumer group; it begins at --since"},
    {.name = "--consumer", .value = "C", .help = "The name of this member"},
    {.name = "--manual-ack",
     .value = {},
     .type = ValueType::flag,
     .help = "Acknowledge nothing: aldis events acknowledge does, once the work is done"},
    {.name = "--take-over-after",
     .value = "S",
     .type = ValueType::number,
     .help = "Take what other members have not acknowledged for S seconds",
     .fallback = "60"},
};
constexpr ExitCode kExits[] = {ExitCode::interrupted, ExitCode::terminated};
constexpr ExampleSpec kExamples[] = {
    {"What happens, as it happens", "aldis events tail --follow"},
    {"Several types, another day where it ended",
     "aldis events tail build.done deploy --since \"$(cat place)\" --positions"},
    {"One worker of several; each event goes to one of them",
     "aldis events tail build.done --follow --group deployers --consumer worker-1"},
};

}  // namespace

constinit const CommandSpec kEventsTail{
    .name = "events tail",
    .summary = "Print events, one JSON object a line; without --follow or --block-ms those that are there now",
    .arguments = kArguments,
    .options = kOptions,
    .danger = Danger::mutating,
    .streams = true,
    .waits = true,
    .exits = kExits,
    .output_schema = schema::kEventLine,
    .examples = kExamples,
    .notes =
        "Where more follow the 100 events that it prints without --count, a warning on stderr says how to go on.\n"
        "A line is an event, or {\"gap\":{...}} where events left the stream before they were read: `lost` counts "
        "them.\n"
        "Of a group each line is acknowledged after it was flushed, unless --manual-ack is given.\n"
        "With --follow a store that goes away does not end it: it says so on stderr, tries again until it works, and\n"
        "goes on where it was. Only a store that is away at the start ends it.",
    .execute = tail,
};

}  // namespace aldis::cli
