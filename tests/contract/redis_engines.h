#pragma once
// The Redis engine for the contract tests: a server on a port, one on a Unix socket, one that wants TLS and a user with
// the rights that docs/redis.md gives it, and a cluster. Implemented in redis_engines.cc on tests/redis.
//
// Model: servers start with the first engine of their kind and last as long as the process. An engine has a namespace
// of its own in them, and sets their clock to the beginning. Threads: one engine of a kind at a time.

#include <vector>

#include "contract/engines.h"

namespace aldis::testing {

std::vector<EngineKind> redis_engines();

}  // namespace aldis::testing
