#pragma once
// The audit log on a Redis server. The contract is ports/audit_store.h; implemented in redis_audit.cc,
// scripts/audit_*.lua and approval_codec.h; the keys are in docs/formats.md, "Redis keys".
//
// Model: entries lie in parts of a thousand, by number, so that reading costs the same anywhere and a rotation removes
// whole parts. A rotation that is repeated because its answer was lost is recognised by an id of its own. Threads: safe
// from any thread. Errors: as the port says, and the client's.

#include <memory>

#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "ports/audit_store.h"

namespace aldis {

std::shared_ptr<AuditStore> make_redis_audit(std::shared_ptr<RedisClient> client, const Groups& groups);

}  // namespace aldis
