#pragma once
// Heartbeat records on a Redis server. The contract is ports/heartbeat_store.h; implemented in redis_heartbeats.cc,
// scripts/heartbeat_*.lua and heartbeat_codec.h; the keys are in docs/formats.md, "Redis keys".
//
// Model: a change is one script on the agent's shard; a listing reads all shards, one round trip a node. The server's
// time is both store time and wall time, in microseconds. A call that is repeated because its answer was lost is
// recognised: by the incarnation (start), the status (finish) or an id of its own (beat, publish_state).

#include <memory>

#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "ports/heartbeat_store.h"

namespace aldis {

std::shared_ptr<HeartbeatStore> make_redis_heartbeats(std::shared_ptr<RedisClient> client, const Groups& groups);

}  // namespace aldis
