#pragma once
// What the topologies have in common. Implemented in topology_parts.cc.

#include <cstddef>
#include <optional>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/redis/node.h"
#include "engines/redis/redis_options.h"

namespace aldis {

// Reads the TLS files. REQUIRES: the clock outlives what is made with it.
Result<Node::Access> make_access(const RedisOptions& options, const Clock& clock);

// When to give up on one of `left` servers that are asked one after the other: a silent one leaves time for the rest.
SteadyTime fair_share(const Clock& clock, SteadyTime deadline, std::size_t left);

// Keeps the error that says most: one that a retry does not cure before one that it may.
void keep_worse(std::optional<Error>& kept, Error error);

}  // namespace aldis
