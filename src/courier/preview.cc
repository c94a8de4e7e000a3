#include <optional>

#include "aldis/limits.h"
#include "core/json_writer.h"
#include "core/private_files.h"
#include "courier/batches.h"
#include "courier/delivery.h"
#include "courier/request.h"

namespace aldis::courier {
namespace {

void write_request(JsonWriter& json, const BatchRequest& made) {
  if (!made.says_something) return;
  json.begin_object().text("method", "POST").text("url", made.request.url).key("headers").begin_object();
  for (const auto& [name, value] : made.request.headers) json.text(name, value);
  json.end_object().text("body", made.request.body).text("sha256", made.body_sha256).end_object();
}

}  // namespace

std::string preview(const Errand& errand) {
  JsonWriter json;
  json.begin_array();
  const auto consent = telemetry::read_consent(errand.places.consent_directory);
  const auto state = open_own_directory(errand.places.state_directory, Others::nothing);
  if (!consent || !consent->enabled || consent->endpoint.empty() || !state) return json.end_array().take();

  const auto now = std::chrono::floor<std::chrono::seconds>(errand.clock.wall_now());
  const auto batches = Batches::open_existing(*state);
  std::size_t kept = 0;
  for (const BatchName& name : batches ? batches->list() : std::vector<BatchName>{}) {
    if (is_worn_out(name, now)) continue;
    ++kept;
    if (const auto bytes = batches->peek(name))
      write_request(json, make_request(*bytes, *consent, name.attempt + 1, now));
  }
  const auto spool = read_own_file(*state, std::string(telemetry::kSpoolName), limits::kTelemetryBatchBytesMax);
  if (kept < limits::kTelemetryBatchesMax && spool) write_request(json, make_request(*spool, *consent, 1, now));
  return json.end_array().take();
}

}  // namespace aldis::courier
