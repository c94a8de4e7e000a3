#pragma once
// What the topologies have in common. Implemented in topology_parts.cc.

#include <cstddef>
#include <functional>
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

// For the first question: asks until it is answered, as long as what it fails by may pass and somebody has been heard
// at all. A store of which nobody answers is refused at once.
Result<void> ask_patiently(const Clock& clock, SteadyTime deadline, const std::function<Result<void>()>& ask,
                           const std::function<bool()>& has_heard);

// Keeps the error that says most: one that a retry does not cure before one that it may.
void keep_worse(std::optional<Error>& kept, Error error);

}  // namespace aldis
