#pragma once
// Writes commands as a server reads them: RESP arrays of texts, which may hold any bytes. Implemented in command.cc by
// hiredis.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace aldis {

// REQUIRES: at least the name of the command.
std::string format_command(std::span<const std::string_view> words);

inline std::string format_command(std::initializer_list<std::string_view> words) {
  return format_command(std::span<const std::string_view>(words.begin(), words.size()));
}

}  // namespace aldis
