#include "core/json_writer.h"

#include <charconv>
#include <cmath>

#include "aldis/json.h"

namespace aldis {

std::string format_number(double value) {
  char buffer[64];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, written.ptr);
}

double to_seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

void JsonWriter::separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_ += json_quote(name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) { return raw(json_quote(value)); }

JsonWriter& JsonWriter::integer(std::int64_t value) { return raw(std::to_string(value)); }

JsonWriter& JsonWriter::number(double value) { return std::isfinite(value) ? raw(format_number(value)) : null(); }

JsonWriter& JsonWriter::number(std::string_view name, std::optional<double> value) {
  return value ? key(name).number(*value) : key(name).null();
}

JsonWriter& JsonWriter::time(std::string_view name, std::optional<WallTime> value) {
  return value ? text(name, format_timestamp(*value)) : key(name).null();
}

JsonWriter& JsonWriter::seconds(std::string_view name, std::chrono::nanoseconds value) {
  return key(name).number(to_seconds(value));
}

}  // namespace aldis
