#pragma once
// A JSON object as validated text: payloads, metadata, contexts. Implemented in src/core/json.cc.
//
// Model: a Json holds the exact bytes that were submitted, proven to be one JSON object. It is stored, delivered and
// hashed as those bytes, never re-serialised; parse the text with whatever library you like.
// Threads: a value type; const calls are safe.
// Errors: `parse` answers invalid_argument with the byte offset for anything but one object of valid UTF-8, at most
// limits::kPayloadBytesMax long and limits::kPayloadDepthMax deep, without duplicate keys (compared after unescaping)
// and without a number that overflows a double or an integer that needs more than 64 bits.

#include <string>
#include <string_view>

#include "aldis/export.h"
#include "aldis/result.h"

namespace aldis {

class ALDIS_API Json {
 public:
  // The empty object, "{}".
  Json() = default;

  static Result<Json> parse(std::string_view text);

  // For text that this library validated before and stored itself.
  static Json trusted(std::string text);

  const std::string& text() const { return text_; }

  bool operator==(const Json&) const = default;

 private:
  std::string text_ = "{}";
};

// `text` as a JSON string literal, quotes included; bytes that are not UTF-8 become U+FFFD.
ALDIS_API std::string json_quote(std::string_view text);

}  // namespace aldis
