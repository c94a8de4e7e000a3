// Any bytes: Json::parse takes them exactly as they are or refuses them, and what it takes is one object within the
// limits. Any bytes quoted are a JSON string.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aldis/json.h"
#include "aldis/limits.h"
#include "require.h"

using aldis::Json;
using aldis::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto parsed = Json::parse(text);
  if (parsed) {
    require(parsed->text() == text);
    require(text.size() <= aldis::limits::kPayloadBytesMax);
    require(text[text.find_first_not_of(" \t\r\n")] == '{');
    require(text[text.find_last_not_of(" \t\r\n")] == '}');
    require(Json::parse("{\"twice\":1,\"twice\":" + parsed->text() + "}").has_value() == false);
  } else {
    require(parsed.error().code == aldis::ErrorCode::invalid_argument);
    require(!parsed.error().message.empty());
  }

  const std::string quoted = "{\"text\":" + aldis::json_quote(text) + "}";
  require(quoted.size() > aldis::limits::kPayloadBytesMax || Json::parse(quoted).has_value());
  return 0;
}
