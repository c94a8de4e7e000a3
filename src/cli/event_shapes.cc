#include "cli/event_shapes.h"

#include <algorithm>

#include "cli/shapes.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "core/format.h"
#include "core/json_writer.h"

namespace aldis::cli {
namespace {

constexpr std::size_t kTypeColumns = 20;
constexpr std::size_t kSourceColumns = 16;
constexpr std::size_t kTimeBegin = 11;  // of a timestamp
constexpr std::size_t kTimeLength = 12;

std::string aligned(std::string_view text, std::size_t columns) {
  const std::string shown = shorten(printable(text), columns);
  return shown + std::string(columns - display_width(shown), ' ');
}

std::int64_t whole(std::uint64_t number) { return static_cast<std::int64_t>(number); }

std::string event_line(const OutputStyle& style, const StreamEvent& event) {
  const std::string time = format_timestamp(event.timestamp).substr(kTimeBegin, kTimeLength);
  const std::size_t before = kTimeLength + kTypeColumns + kSourceColumns + 6;
  const std::size_t columns = std::max<std::size_t>(static_cast<std::size_t>(style.columns), before + kTypeColumns);
  return fmt::format("{}  {}  {}  {}\n", paint(style, Colour::dim, time),
                     paint(style, Colour::cyan, aligned(event.event_type, kTypeColumns)),
                     aligned(event.source, kSourceColumns),
                     shorten(printable(payload_text(event.data)), columns - before));
}

std::string gap_line(const OutputStyle& style, const Gap& gap) {
  return paint(style, Colour::yellow,
               fmt::format("-- lost {} of {}: ordinals {} to {} left the stream before they were read", gap.lost,
                           printable(gap.event_type), gap.from, gap.to)) +
         "\n";
}

}  // namespace

std::string event_json(const StreamEvent& event) {
  JsonWriter json;
  json.begin_object().text("event_id", event.event_id).text("event_type", event.event_type);
  json.time("timestamp", event.timestamp).raw("data", event.data.text()).text_or_null("source", event.source);
  return json.end_object().take();
}

std::string item_json(const StreamItem& item) {
  if (const auto* event = std::get_if<StreamEvent>(&item)) return event_json(*event);
  const Gap& gap = std::get<Gap>(item);
  JsonWriter json;
  json.begin_object().key("gap").begin_object().text("event_type", gap.event_type);
  json.integer("from", whole(gap.from)).integer("to", whole(gap.to)).integer("lost", whole(gap.lost));
  return json.end_object().end_object().take();
}

std::string stream_json(const StreamInfo& stream) {
  JsonWriter json;
  json.begin_object().text("event_type", stream.event_type).integer("length", whole(stream.length));
  json.text_or_null("first_id", stream.first_id).text_or_null("last_id", stream.last_id);
  json.integer("max_length", whole(stream.bounds.max_length));
  if (stream.bounds.max_age) {
    json.seconds("max_age_seconds", *stream.bounds.max_age);
  } else {
    json.key("max_age_seconds").null();
  }
  json.key("groups").begin_array();
  for (const GroupInfo& group : stream.groups) {
    json.begin_object().text("group", group.group).integer("delivered", whole(group.delivered));
    json.integer("waiting", whole(group.waiting)).integer("pending", whole(group.pending)).end_object();
  }
  return json.end_array().end_object().take();
}

std::string pending_json(const PendingEvent& event) {
  JsonWriter json;
  json.begin_object().text("event_id", event.event_id).text("consumer", event.consumer);
  json.seconds("idle_seconds", event.idle).integer("deliveries", event.deliveries);
  return json.end_object().take();
}

std::string item_line(const OutputStyle& style, const StreamItem& item) {
  if (const auto* event = std::get_if<StreamEvent>(&item)) return event_line(style, *event);
  return gap_line(style, std::get<Gap>(item));
}

std::string event_view(const OutputStyle& style, const StreamEvent& event) {
  return render_fields(style, {
                                  {"event", {event.event_id, Colour::bold}},
                                  {"type", {event.event_type}},
                                  {"source (untrusted)", {event.source}},
                                  {"data (untrusted)", {payload_text(event.data)}},
                                  {"published", {format_timestamp(event.timestamp)}},
                              });
}

std::string stream_view(const OutputStyle& style, const StreamInfo& stream) {
  std::string text =
      render_fields(style, {
                               {"stream", {stream.event_type, Colour::bold}},
                               {"events", {std::to_string(stream.length)}},
                               {"oldest", {stream.first_id}},
                               {"newest", {stream.last_id}},
                               {"keeps at most", {fmt::format("{} events", stream.bounds.max_length)}},
                               {"no older than", {stream.bounds.max_age ? format_age(*stream.bounds.max_age) : ""}},
                           });
  if (stream.groups.empty()) return text;
  std::vector<std::vector<Cell>> rows;
  for (const GroupInfo& group : stream.groups) {
    rows.push_back({{group.group}, {std::to_string(group.waiting)}, {std::to_string(group.pending)}});
  }
  return text + render_table(style, {{"GROUP", true}, {"WAITING", false, true}, {"PENDING", false, true}}, rows);
}

std::string pending_view(const OutputStyle& style, const std::vector<PendingEvent>& events) {
  if (events.empty()) return "no pending events\n";
  std::vector<std::vector<Cell>> rows;
  for (const PendingEvent& event : events) {
    rows.push_back({{event.event_id}, {event.consumer}, {format_age(event.idle)}, {std::to_string(event.deliveries)}});
  }
  return render_table(style, {{"EVENT"}, {"HELD BY", true}, {"FOR", false, true}, {"DELIVERIES", false, true}}, rows);
}

}  // namespace aldis::cli
