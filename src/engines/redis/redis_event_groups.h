#pragma once
// Consumer groups on a Redis server or cluster. The contract is ports/event_group_store.h; implemented in
// redis_event_groups.cc, scripts/event_group_*.lua and event_answers.h; the keys are in docs/formats.md, "Redis keys".
//
// Model: a read or an acknowledgement is one script on the stream's slot. The groups are ours, not those of Redis
// Streams: these cannot tell what a group has lost, nor when the next event may be taken over without going through all
// that is pending. A read whose answer was lost is recognised and answered again while its call lasts; if the whole
// call fails, what it gave is pending for that member until it is taken over: at least once, and a Gap told then is
// gone. What a read gives, tells or makes is durable; one that finds nothing waits for no replica. Threads: safe from
// any thread. Errors: as the port says, and the client's; unavailable when more is lost than a call may remove. A full
// server refuses only a read that makes a stream.

#include <memory>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "ports/event_group_store.h"

namespace aldis {

// `clock` times what this process told the server lately.
std::shared_ptr<EventGroupStore> make_redis_event_groups(std::shared_ptr<RedisClient> client, const Groups& groups,
                                                         std::shared_ptr<const Clock> clock);

}  // namespace aldis
