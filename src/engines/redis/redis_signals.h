#pragma once
// ports/signal_store.h on a Redis server or cluster. Implemented in redis_signals.cc, which composes mailboxes
// (redis_mailbox.h) and broadcasts (redis_broadcasts.h): they live on different slots, so a call of both is one script
// after the other, mailbox first.
//
// Model: each script is atomic; a call of two is not, and what changes between them counts as later or earlier than the
// call. Threads: safe from any thread. Errors: as the port says, and the client's.

#include <memory>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "ports/signal_store.h"

namespace aldis {

// `clock` times what this process remembers of its own agents, and makes ids; no deadline hangs on it.
std::shared_ptr<SignalStore> make_redis_signals(std::shared_ptr<RedisClient> client, Groups groups,
                                                std::shared_ptr<const Clock> clock);

}  // namespace aldis
