#include <algorithm>
#include <cstdint>

#include "core/json_writer.h"
#include "courier/request.h"

namespace aldis::courier {
namespace {

using telemetry::Attribute;
using telemetry::EventRecord;
using telemetry::Frame;
using telemetry::Severity;

// The last second whose nanoseconds fit into the 64 bits of timeUnixNano.
constexpr std::int64_t kSecondsMax = 18'446'744'073;

std::string nanoseconds_of(std::chrono::sys_seconds time) {
  const auto seconds = std::clamp<std::int64_t>(time.time_since_epoch().count(), 0, kSecondsMax);
  return std::to_string(static_cast<std::uint64_t>(seconds) * 1'000'000'000U);
}

void write_value(JsonWriter& json, const Attribute& attribute) {
  json.begin_object();
  if (const auto* boolean = std::get_if<bool>(&attribute.value)) json.boolean("boolValue", *boolean);
  if (const auto* integer = std::get_if<std::int64_t>(&attribute.value))
    json.text("intValue", std::to_string(*integer));
  if (const auto* text = std::get_if<std::string>(&attribute.value)) json.text("stringValue", *text);
  json.end_object();
}

// An absent list and an empty one mean the same; the shorter is written.
void write_attributes(JsonWriter& json, const std::vector<Attribute>& attributes) {
  if (attributes.empty()) return;
  json.key("attributes").begin_array();
  for (const Attribute& attribute : attributes) {
    json.begin_object().text("key", attribute.name).key("value");
    write_value(json, attribute);
    json.end_object();
  }
  json.end_array();
}

void write_record(JsonWriter& json, const EventRecord& record) {
  json.begin_object()
      .text("timeUnixNano", nanoseconds_of(record.time))
      .integer("severityNumber", static_cast<std::int64_t>(record.severity))
      .text("severityText", record.severity == Severity::error ? "ERROR" : "INFO");
  json.key("body").begin_object().text("stringValue", record.name).end_object();
  write_attributes(json, record.attributes);
  json.text("eventName", record.name).end_object();
}

void write_frame(JsonWriter& json, const Frame& frame) {
  if (const auto dropped = dropped_record(frame)) write_record(json, *dropped);
  for (const EventRecord& record : frame.records) write_record(json, record);
}

void write_resource(JsonWriter& json, const telemetry::FrameOrigin& origin) {
  json.key("resource").begin_object();
  write_attributes(json, {{"service.name", origin.tool},
                          {"service.version", origin.version},
                          {"service.instance.id", telemetry::to_hex(origin.install_id)},
                          {"os.type", "linux"}});
  json.end_object();
}

}  // namespace

std::string otlp_body(const telemetry::DecodedSpool& spool) {
  JsonWriter json;
  json.begin_object().key("resourceLogs").begin_array();
  for (auto frame = spool.frames.begin(); frame != spool.frames.end();) {
    const telemetry::FrameOrigin& origin = frame->origin;
    json.begin_object();
    write_resource(json, origin);
    json.key("scopeLogs").begin_array().begin_object();
    json.key("scope").begin_object().text("name", "aldis.telemetry").text("version", "1").end_object();
    json.key("logRecords").begin_array();
    for (; frame != spool.frames.end() && frame->origin == origin; ++frame) write_frame(json, *frame);
    json.end_array().end_object().end_array().end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace aldis::courier
