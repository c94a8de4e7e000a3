#pragma once
// Writes JSON text from front to back. Used by everything that answers in JSON; implemented in json_writer.cc.
//
// Model: commas and quoting are done here; `raw` inserts text that already is JSON, byte for byte, so payloads leave as
// they came. Nothing is checked: the caller opens and closes in order. Numbers that JSON cannot hold become null.
// Threads: one thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/time.h"

namespace aldis {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  JsonWriter& raw(std::string_view json);

  // `key` and value in one; an empty optional is null.
  JsonWriter& text(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& text_or_null(std::string_view name, std::string_view value) {  // empty is null
    return value.empty() ? key(name).null() : text(name, value);
  }
  JsonWriter& integer(std::string_view name, std::int64_t value) { return key(name).integer(value); }
  JsonWriter& number(std::string_view name, std::optional<double> value);
  JsonWriter& boolean(std::string_view name, bool value) { return key(name).boolean(value); }
  JsonWriter& raw(std::string_view name, std::string_view json) { return key(name).raw(json); }
  JsonWriter& time(std::string_view name, std::optional<WallTime> value);
  JsonWriter& seconds(std::string_view name, std::chrono::nanoseconds value);

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool needs_comma_ = false;
};

// The shortest text that reads back as `value`: "60", "0.1".
std::string format_number(double value);

double to_seconds(std::chrono::nanoseconds duration);

}  // namespace aldis
