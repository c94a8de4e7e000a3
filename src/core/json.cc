#include "aldis/json.h"

// Boost.JSON as a header: its parser is the only part we use.
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <cmath>
#include <string>
#include <unordered_set>
#include <vector>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/names.h"

namespace aldis {
namespace {

using boost::json::error_code;
using boost::json::string_view;

// Follows the parser's events and stops it with a reason of our own where JSON allows more than we do.
class ObjectRules {
 public:
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_key_size = -1;
  static constexpr std::size_t max_string_size = -1;

  const char* reason() const { return reason_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    keys_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    keys_.pop_back();
    return true;
  }
  bool on_array_begin(error_code& error) { return keys_.empty() ? stop(error, kNotAnObject) : true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(string_view part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(string_view part, std::size_t, error_code& error) {
    key_.append(part.data(), part.size());
    const bool fresh = keys_.back().insert(std::move(key_)).second;
    key_.clear();
    return fresh ? true : stop(error, "the same key stands twice in one object");
  }
  bool on_string_part(string_view, std::size_t, error_code&) { return true; }
  bool on_string(string_view, std::size_t, error_code& error) { return on_scalar(error); }
  bool on_number_part(string_view part, error_code&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, string_view, error_code& error) { return on_integer(error); }
  bool on_uint64(std::uint64_t, string_view, error_code& error) { return on_integer(error); }
  bool on_double(double value, string_view part, error_code& error) {
    number_.append(part.data(), part.size());
    // An integer that does not fit in 64 bits reaches us as a double.
    const bool integer = number_.find_first_of(".eE") == std::string::npos;
    number_.clear();
    if (!std::isfinite(value)) return stop(error, "a number is too large for a double");
    return integer ? stop(error, kLosesDigits) : on_scalar(error);
  }
  bool on_bool(bool, error_code& error) { return on_scalar(error); }
  bool on_null(error_code& error) { return on_scalar(error); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  static constexpr const char* kNotAnObject = "it is not an object; wrap it in { }";
  static constexpr const char* kLosesDigits =
      "an integer needs more than 64 bits and would lose digits; send it as a string";

  bool on_integer(error_code& error) {
    number_.clear();
    return on_scalar(error);
  }
  bool on_scalar(error_code& error) { return keys_.empty() ? stop(error, kNotAnObject) : true; }
  bool stop(error_code& error, const char* reason) {
    reason_ = reason;
    error = boost::json::error::exception;
    return false;
  }

  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
  std::string number_;
  const char* reason_ = nullptr;
};

std::string reason_of(const ObjectRules& rules, const error_code& error) {
  if (rules.reason() != nullptr) return rules.reason();
  if (error == boost::json::error::too_deep)
    return fmt::format("it is nested deeper than {}", limits::kPayloadDepthMax);
  if (error == boost::json::error::exponent_overflow) return "a number is too large for a double";
  return error.message();
}

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  if (text.size() > limits::kPayloadBytesMax) {
    return fail(ErrorCode::invalid_argument, "JSON is {} bytes long; at most {} are allowed (byte offset {})",
                text.size(), limits::kPayloadBytesMax, limits::kPayloadBytesMax);
  }
  boost::json::parse_options options;
  options.max_depth = limits::kPayloadDepthMax;
  boost::json::basic_parser<ObjectRules> parser(options);
  error_code error;
  std::size_t offset = parser.write_some(false, text.data(), text.size(), error);
  if (!error && offset < text.size()) error = boost::json::error::extra_data;
  if (error) {
    return fail(ErrorCode::invalid_argument, "not acceptable as JSON at byte offset {}: {}", offset,
                reason_of(parser.handler(), error));
  }
  Json json;
  json.text_ = text;
  return json;
}

Json Json::trusted(std::string text) {
  Json json;
  json.text_ = std::move(text);
  return json;
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t bytes = utf8_character_bytes(text);
    const auto c = static_cast<unsigned char>(text.front());
    if (bytes == 0)
      out += "\xEF\xBF\xBD";
    else if (c == '"' || c == '\\')
      out += {'\\', static_cast<char>(c)};
    else if (c == '\n')
      out += "\\n";
    else if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", c);
    else
      out.append(text.substr(0, bytes));
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  out += '"';
  return out;
}

}  // namespace aldis
