#pragma once
// Text that is safe to show on a terminal. Used by every view; implemented in terminal_text.cc.
//
// Model: what other agents wrote may hold escape sequences, line breaks, or characters that turn the reading direction
// or are not to be seen: `printable` shows them as \x1b and \u{202e} instead. Nothing that it answers moves the cursor.

#include <cstddef>
#include <string>
#include <string_view>

namespace aldis::cli {

std::string printable(std::string_view text);

// Without the last character, of however many bytes it is.
void remove_last_character(std::string& text);

// Columns that printable text takes on a terminal (East Asian wide characters take two).
std::size_t display_width(std::string_view text);

// Cut to at most `columns`, with … as the last of them if something was cut.
std::string shorten(std::string_view text, std::size_t columns);

}  // namespace aldis::cli
