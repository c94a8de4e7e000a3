#include "core/names.h"

#include "aldis/limits.h"
#include "core/failure.h"

namespace aldis {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Printable, so that a message never carries control characters to a terminal.
std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string out;
  for (const char c : text.substr(0, kShown)) {
    if (c >= ' ' && c < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (text.size() > kShown) out += "…";
  return out;
}

Result<void> check_size(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (text.empty()) return fail(ErrorCode::invalid_argument, "{} is empty", what);
  if (text.size() > bytes_max) {
    return fail(ErrorCode::invalid_argument, "{} is {} bytes long; at most {} are allowed", what, text.size(),
                bytes_max);
  }
  return {};
}

}  // namespace

Result<void> check_namespace(std::string_view text) {
  if (auto sized = check_size("namespace", text, limits::kNamespaceBytesMax); !sized) return sized;
  if (!is_alphanumeric(text.front())) {
    return fail(ErrorCode::invalid_argument, "namespace '{}' must begin with a letter or a digit", shown(text));
  }
  for (const char c : text) {
    if (!is_alphanumeric(c) && c != '_' && c != '-') {
      return fail(ErrorCode::invalid_argument, "namespace '{}' may hold only letters, digits, '_' and '-'",
                  shown(text));
    }
  }
  return {};
}

Result<void> check_name(std::string_view what, std::string_view text) {
  if (auto sized = check_size(what, text, limits::kNameBytesMax); !sized) return sized;
  if (text == "." || text == ".." || text.front() == '-' || text.front() == '@') {
    return fail(ErrorCode::invalid_argument, "{} '{}' must not begin with '-' or '@', nor be '.' or '..'", what,
                shown(text));
  }
  for (const char c : text) {
    if (!is_alphanumeric(c) && std::string_view("._:/@+-").find(c) == std::string_view::npos) {
      return fail(ErrorCode::invalid_argument, "{} '{}' may hold only letters, digits and . _ : / @ + -", what,
                  shown(text));
    }
  }
  return {};
}

Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(ErrorCode::invalid_argument, "{} is {} bytes long; at most {} are allowed", what, text.size(),
                bytes_max);
  }
  if (!is_valid_utf8(text)) return fail(ErrorCode::invalid_argument, "{} is not valid UTF-8", what);
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
      return fail(ErrorCode::invalid_argument, "{} '{}' holds a control character", what, shown(text));
    }
  }
  return {};
}

std::size_t utf8_character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned char low = 0x80, unsigned char high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned char low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned char low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace aldis
