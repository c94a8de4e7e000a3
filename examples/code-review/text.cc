#include "text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace code_review {
namespace {

struct Character {
  char32_t code_point = 0;
  std::size_t bytes = 1;
};

// The first character; none if the text does not begin with valid UTF-8.
std::optional<Character> first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return Character{byte(0), 1};
  const std::size_t bytes = byte(0) < 0xC2 ? 0 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : byte(0) < 0xF5 ? 4 : 0;
  if (bytes == 0 || text.size() < bytes) return std::nullopt;
  char32_t code_point = byte(0) & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (bytes == 3 && code_point < 0x800) || (bytes == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) return std::nullopt;
  return Character{code_point, bytes};
}

bool is_visible(char32_t code_point) {
  const auto within = [&](char32_t low, char32_t high) { return code_point >= low && code_point <= high; };
  const bool control = code_point < 0x20 || within(0x7F, 0x9F);
  const bool breaks_line = within(0x2028, 0x2029);
  const bool reorders = within(0x200E, 0x200F) || within(0x202A, 0x202E) || within(0x2066, 0x2069);
  return !control && !breaks_line && !reorders;
}

std::string hexadecimal(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

// The byte that the text's leading \xNN stands for.
std::optional<char> leading_byte(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() < 4) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, value, 16);
  if (error != std::errc() || end != text.data() + 4) return std::nullopt;
  return static_cast<char>(value);
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const auto character = first_character(bytes);
    const std::size_t length = character ? character->bytes : 1;
    if (character && is_visible(character->code_point)) {
      text += bytes.substr(0, length);
    } else {
      for (const char byte : bytes.substr(0, length)) text += hexadecimal(static_cast<unsigned char>(byte));
    }
    bytes.remove_prefix(length);
  }
  return text;
}

std::string escape(std::string_view bytes) {
  std::string doubled;
  for (const char byte : bytes) doubled.append(byte == '\\' ? 2 : 1, byte);
  return printable(doubled);
}

std::string unescape(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const auto byte = leading_byte(text);
    const std::size_t length = byte ? 4 : text.starts_with("\\\\") ? 2 : 1;
    bytes += byte.value_or(text.front());
    text.remove_prefix(length);
  }
  return bytes;
}

std::size_t columns(std::string_view bytes) {
  std::size_t count = 0;
  for (; !bytes.empty(); ++count) {
    const auto character = first_character(bytes);
    bytes.remove_prefix(character ? character->bytes : 1);
  }
  return count;
}

std::string shorten(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kCut = "…";
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t keep = bytes_max < kCut.size() ? 0 : bytes_max - kCut.size();
  while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0) == 0x80) --keep;
  return std::string(text.substr(0, keep)).append(kCut);
}

}  // namespace code_review
