#include "core/json_writer.h"
#include "courier/request.h"

namespace aldis::courier {
namespace {

using telemetry::EventRecord;
using telemetry::FrameOrigin;

std::string line_of(const FrameOrigin& origin, const EventRecord& record) {
  JsonWriter json;
  json.begin_object()
      .text("time", format_seconds(record.time))
      .text("tool", origin.tool)
      .text("version", origin.version)
      .text("install_id", telemetry::to_hex(origin.install_id))
      .text("event", record.name)
      .text("severity", record.severity == telemetry::Severity::error ? "error" : "info");
  json.key("attributes").begin_object();
  for (const telemetry::Attribute& attribute : record.attributes) {
    json.key(attribute.name);
    if (const auto* boolean = std::get_if<bool>(&attribute.value)) json.boolean(*boolean);
    if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) json.integer(*integer);
    if (const auto* text = std::get_if<std::string>(&attribute.value)) json.text(*text);
  }
  json.end_object().end_object();
  return json.take() + '\n';
}

}  // namespace

std::string jsonl_body(const telemetry::DecodedSpool& spool) {
  std::string body;
  for (const telemetry::Frame& frame : spool.frames) {
    if (const auto dropped = dropped_record(frame)) body += line_of(frame.origin, *dropped);
    for (const EventRecord& record : frame.records) body += line_of(frame.origin, record);
  }
  return body;
}

}  // namespace aldis::courier
