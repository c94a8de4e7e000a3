#pragma once
// The rules for names and short texts. Implemented in names.cc. `what` names the argument in the message.

#include <chrono>
#include <string_view>

#include "aldis/result.h"

namespace aldis {

// 1–64 bytes of [A-Za-z0-9_-], first a letter or digit.
Result<void> check_namespace(std::string_view text);

// Agents, signal types…: 1–128 bytes of letters, digits and `. _ : / @ + -`, not beginning with `-` or `@`, not `.` or
// `..`.
Result<void> check_name(std::string_view what, std::string_view text);

// Free text of at most `bytes_max` bytes: valid UTF-8 without control characters (tab excepted). May be empty.
Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max);

bool is_valid_utf8(std::string_view text);

// Bytes of the UTF-8 character that begins `text` (not empty), or 0 if it is not one (RFC 3629: no overlong forms, no
// surrogates).
std::size_t utf8_character_bytes(std::string_view text);

}  // namespace aldis
