#include "courier/verdict.h"

#include <algorithm>
#include <boost/json.hpp>

#include "aldis/limits.h"
#include "telemetry/update_cache.h"

namespace aldis::courier {
namespace {

using telemetry::LastResult;

// Whatever is not one JSON document of moderate depth is null.
boost::json::value parse(std::string_view text) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
  return error ? boost::json::value{} : value;
}

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

// "application/json", in any case and with any parameters.
bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
  return std::ranges::equal(type, std::string_view("application/json"), {}, lower);
}

bool is_busy(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

const boost::json::value* member(const boost::json::value& value, std::string_view name) {
  const boost::json::object* const object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

// partialSuccess.rejectedLogRecords: a decimal string, as OTLP writes 64 bits, or a number.
std::uint64_t rejected_in(std::string_view body) {
  const boost::json::value answer = parse(body);
  const boost::json::value* const partial = member(answer, "partialSuccess");
  const boost::json::value* const rejected = partial == nullptr ? nullptr : member(*partial, "rejectedLogRecords");
  if (rejected == nullptr) return 0;
  if (const auto* number = rejected->if_int64()) return *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
  const boost::json::string* const text = rejected->if_string();
  if (text == nullptr || text->empty() || text->size() > 18) return 0;
  std::uint64_t count = 0;
  for (const char digit : *text) {
    if (digit < '0' || digit > '9') return 0;
    count = count * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return count;
}

Verdict retry(LastResult result, const HttpAnswer& answer) {
  Verdict verdict{.fate = Fate::retry, .result = result};
  if (answer.retry_after) {
    verdict.retry_after = std::clamp(*answer.retry_after, std::chrono::seconds{0}, limits::kTelemetryPauseMax);
  }
  return verdict;
}

}  // namespace

Verdict judge(const HttpAnswer& answer) {
  if (!answer.arrived) return {.result = answer.too_slow ? LastResult::slow_network : LastResult::unreachable};
  if (answer.status >= 200 && answer.status < 300) {
    if (!answer.body.empty() && !is_json(answer.content_type)) return retry(LastResult::not_telemetry, answer);
    return {.fate = Fate::accepted, .result = LastResult::sent, .rejected_records = rejected_in(answer.body)};
  }
  if (is_busy(answer.status)) return retry(LastResult::busy, answer);
  return {.fate = Fate::dropped, .result = LastResult::refused};
}

std::optional<std::string> parse_update_answer(const HttpAnswer& answer) {
  if (!answer.arrived || answer.status != 200 || answer.body.size() > limits::kUpdateAnswerBytesMax) {
    return std::nullopt;
  }
  const boost::json::value document = parse(answer.body);
  const boost::json::value* const version = member(document, "version");
  if (version == nullptr || document.get_object().size() != 1 || !version->is_string()) return std::nullopt;
  std::string text(version->get_string().begin(), version->get_string().end());
  if (!telemetry::is_version(text)) return std::nullopt;
  return text;
}

}  // namespace aldis::courier
