#pragma once
// How a script is called on a node. Used by client.cc and reading.cc; implemented in script_command.cc.
//
// Model: EVALSHA, or EVAL with the text for a server that does not know the script, with KEYS[1] = group and ARGV[1] =
// the node's ring command; a node that knows no flags gets the script without them. Threads: pure.

#include <span>
#include <string>
#include <string_view>

#include "engines/redis/node.h"
#include "engines/redis/script.h"

namespace aldis {

std::string script_command(const Script& script, bool by_text, std::string_view group,
                           std::span<const std::string_view> arguments, const Node& node);

}  // namespace aldis
