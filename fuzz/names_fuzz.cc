// Any bytes as a name, a text or an id: an answer, and what is accepted is what the rules say.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aldis/limits.h"
#include "core/ids.h"
#include "core/names.h"
#include "require.h"

using aldis::fuzz::require;

namespace {

bool is_plain(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0 || std::string_view("._:/@+-").contains(character);
}

void look_at_id(std::string_view text) {
  const auto id = aldis::parse_id(aldis::kSignalIdPrefix, text);
  if (!id) return;
  const std::string written = aldis::format_id(aldis::kSignalIdPrefix, *id);
  require(written.size() == text.size());
  require(aldis::parse_id(aldis::kSignalIdPrefix, written) == id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (aldis::check_name("agent", text)) {
    require(!text.empty() && text.size() <= aldis::limits::kNameBytesMax);
    require(std::ranges::all_of(text, is_plain));
    require(text[0] != '-' && text[0] != '@' && text != "." && text != "..");
  }
  if (aldis::check_namespace(text)) require(text.size() <= aldis::limits::kNamespaceBytesMax && text[0] != '-');
  if (aldis::check_text("task", text, aldis::limits::kTaskBytesMax)) {
    require(aldis::is_valid_utf8(text) && text.size() <= aldis::limits::kTaskBytesMax && !text.contains('\n'));
  }
  look_at_id(text);
  return 0;
}
