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

// Commands that are always the same. Literals: a thread that outlives main may still send them.
inline constexpr std::string_view kAskingCommand = "*1\r\n$6\r\nASKING\r\n";
inline constexpr std::string_view kClusterSlotsCommand = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
inline constexpr std::string_view kExecCommand = "*1\r\n$4\r\nEXEC\r\n";
inline constexpr std::string_view kHelloCommand = "*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n";
inline constexpr std::string_view kMultiCommand = "*1\r\n$5\r\nMULTI\r\n";
inline constexpr std::string_view kRoleCommand = "*1\r\n$4\r\nROLE\r\n";

}  // namespace aldis
