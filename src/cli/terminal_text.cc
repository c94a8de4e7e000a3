#include "cli/terminal_text.h"

#include <cstdint>
#include <span>

#include "core/format.h"

namespace aldis::cli {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 1;  // as encoded
  bool valid = false;
};

CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || length > text.size()) return {first, 1, false};
  std::uint32_t value = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {first, 1, false};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return {first, 1, false};
  return {value, length, true};
}

struct Range {
  std::uint32_t first, last;
};

bool is_in(std::span<const Range> ranges, std::uint32_t value) {
  for (const Range& range : ranges) {
    if (value >= range.first && value <= range.last) return true;
  }
  return false;
}

// C0, DEL, C1, line and paragraph separators, everything that changes the direction of text, and what nobody can see.
// Not the variation selectors: they only choose how the character before them looks.
bool is_dangerous(std::uint32_t value) {
  constexpr Range kDangerous[] = {
      {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x34F, 0x34F},     {0x61C, 0x61C},    {0x115F, 0x1160},
      {0x17B4, 0x17B5}, {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},  {0x3164, 0x3164},
      {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x1D173, 0x1D17A}, {0xE0000, 0xE00FF}};
  return is_in(kDangerous, value);
}

bool is_wide(std::uint32_t value) {
  constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0xA4CF},  {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
                             {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
                             {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
  return is_in(kWide, value);
}

bool is_combining(std::uint32_t value) {
  return (value >= 0x300 && value <= 0x36F) || (value >= 0xFE00 && value <= 0xFE0F);
}

std::size_t width_of(std::uint32_t value) { return is_combining(value) ? 0 : is_wide(value) ? 2 : 1; }

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (!point.valid || (point.bytes == 1 && is_dangerous(point.value))) {
      safe += point.value == '\n' ? "\\n" : point.value == '\t' ? "\\t" : fmt::format("\\x{:02x}", point.value);
    } else if (is_dangerous(point.value)) {
      safe += fmt::format("\\u{{{:x}}}", point.value);
    } else {
      safe += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return safe;
}

void remove_last_character(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    columns += width_of(point.value);
    text.remove_prefix(point.bytes);
  }
  return columns;
}

std::string shorten(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const CodePoint point = decode(text.substr(end));
    if (used + width_of(point.value) > columns - 1) break;
    used += width_of(point.value);
    end += point.bytes;
  }
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace aldis::cli
