#pragma once
// What the answers of Redis servers say about where a command belongs and what to do next. Used by client.cc and
// cluster_topology.cc; implemented in routing.cc.
//
// Model: a key belongs to one of 16,384 slots, by its hash tag (the text between its first "{" and the next "}") if it
// has one: Redis Cluster specification, "Key distribution model". An error reply begins with a word that tells what it
// means; errors that a script met on a server older than 7.0 stand inside another one.
// Threads: pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/error.h"
#include "engines/redis/endpoint.h"

namespace aldis {

using HashSlot = std::uint16_t;
inline constexpr std::size_t kHashSlots = 16'384;

HashSlot slot_of(std::string_view key);

struct Decision {
  enum class Action {
    retry,        // the same server, after a pause
    refresh,      // after a pause, when it was found out anew which server it is
    moved,        // `endpoint` serves `slot` now
    ask,          // `slot` is on its way to `endpoint`: this one command may have to go there, after ASKING
    load_script,  // the server does not know the script: send its text
    fail,         // with `code`; trying again changes nothing
  } action = Action::fail;
  ErrorCode code = ErrorCode::unavailable;  // what the call ends with, at once or at its deadline
  std::string_view advice = {};             // for the message; may be empty
  std::optional<HashSlot> slot = {};
  Endpoint endpoint = {};
};

// `error`: the reply without its leading "-". `asked`: who gave it.
Decision decide(std::string_view error, const Endpoint& asked);

// An error reply, fit for a message: short, printable, and without the arguments that some servers repeat in it.
std::string quote_reply(std::string_view error);

}  // namespace aldis
