#pragma once
// What a call does about a server that failed it or refused. Used by client.cc and reading.cc; implemented in
// trouble.cc.
//
// Model: tells the topology what was learnt, and the call whether and how soon to try again. Threads: one thread.

#include <optional>
#include <string_view>

#include "aldis/result.h"
#include "engines/redis/call_attempts.h"
#include "engines/redis/node.h"
#include "engines/redis/routing.h"
#include "engines/redis/topology.h"

namespace aldis {

// An error that time may cure: nobody answers, or not what a call needs.
bool may_pass(const Error& error);

class Trouble {
 public:
  Trouble(Topology& topology, const Node& node, CallAttempts& attempts)
      : topology_(topology), node_(node), attempts_(attempts) {}

  // No connection, or one that broke; `was_idle`: maybe it was dead before this call.
  // The error that ends the call; nothing: try again.
  std::optional<Error> lose(const Error& error, bool was_idle = false);

  // An error reply. The error that ends the call, or what to do before the next attempt: load_script, ask, or nothing
  // in particular. `follows`: the command goes where ASK points, at once.
  Result<Decision> refuse(std::string_view error, bool follows);

 private:
  Topology& topology_;
  const Node& node_;
  CallAttempts& attempts_;
};

}  // namespace aldis
