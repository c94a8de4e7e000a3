#pragma once
// Text from anywhere (file names, file contents, other agents), made safe to show and to send. Used by every part of
// the example; implemented in text.cc.
//
// Model: file names and contents are bytes. What is visible in UTF-8 stays as it is; control characters, characters
// that reorder a line and bytes that are no UTF-8 become \xNN. Threads: pure functions. Errors: none, any bytes will
// do.

#include <cstddef>
#include <string>
#include <string_view>

namespace code_review {

// One line of visible characters.
std::string printable(std::string_view bytes);

// Like printable, but a backslash is doubled, so that no two names look the same and `unescape` gives the bytes back.
std::string escape(std::string_view bytes);
std::string unescape(std::string_view text);

// How many characters; each byte that is no UTF-8 counts as one.
std::size_t columns(std::string_view bytes);

// At most `bytes_max` bytes: cut between two characters, and the cut marked with "…".
std::string shorten(std::string_view text, std::size_t bytes_max);

}  // namespace code_review
