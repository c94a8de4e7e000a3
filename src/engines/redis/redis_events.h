#pragma once
// Streams of events on a Redis server or cluster. The contract is ports/event_store.h; implemented in redis_events.cc,
// scripts/event_*.lua and event_answers.h; the keys are in docs/formats.md, "Redis keys".
//
// Model: a stream is a Redis Stream whose entries have the ids of the events, and a head beside it, on one slot. A
// change is one script there. Reads of few streams are one script each, of many their heads first and scripts only
// where there is news; a round trip a node each time. A slice or page is cut behind limits::kRedisPageBytesMax bytes of
// data: then a slice has fewer events than were asked for although more are there. The server's time decides. A script
// that finds no stream makes none before the stream is registered (stream_registry.h), so whoever waits for all of them
// hears the first event too; streams that are there need no registry. A stream that nobody used for
// limits::kStreamIdle goes, with its ordinals.
// Threads: safe from any thread. Errors: as the port says, and the client's. A full server refuses publish and a
// configure that makes a stream, and nothing else.

#include <memory>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "ports/event_store.h"

namespace aldis {

// `clock` times what this process told the server lately, and the patience of a publication.
std::shared_ptr<EventStore> make_redis_events(std::shared_ptr<RedisClient> client, const Groups& groups,
                                              std::shared_ptr<const Clock> clock);

}  // namespace aldis
