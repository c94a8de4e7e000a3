#include "aldis/telemetry.h"
#include "core/json_writer.h"

namespace aldis {

std::string to_json(const TelemetryAnswer& answer, std::string_view meta) {
  JsonWriter json;
  json.begin_object().boolean("ok", !answer.error).raw("data", answer.data).key("error");
  if (answer.error) {
    json.begin_object().text("code", answer.error->code).text("message", answer.error->message);
    if (!answer.error->suggestion.empty()) json.text("suggestion", answer.error->suggestion);
    json.boolean("retryable", answer.error->retryable).end_object();
  } else {
    json.null();
  }
  json.key("warnings").begin_array();
  for (const std::string& warning : answer.warnings) json.text(warning);
  json.end_array();
  if (!meta.empty()) json.raw("meta", meta);
  return json.end_object().take();
}

}  // namespace aldis
