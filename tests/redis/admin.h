#pragma once
// What a test itself says to a server, by a Unix socket of the server's. Implemented in admin.cc.
//
// Model: one connection a call. An answer is text: an integer in decimal, nothing as "", an array one element a line,
// an error as its message ("ERR unknown command …"). Threads: safe from any thread.

#include <optional>
#include <span>
#include <string>

#include "redis/server_process.h"

namespace aldis::testing {

// The answer to the last of these commands; nothing when the server does not give it within some seconds.
std::optional<std::string> ask(const std::string& socket_path, std::span<const Words> commands);

}  // namespace aldis::testing
