#pragma once
// Approval requests on a Redis server. The contract is ports/approval_store.h; implemented in redis_approvals.cc,
// scripts/approval_*.lua and approval_codec.h; the keys are in docs/formats.md, "Redis keys".
//
// Model: requests and the audit log of a namespace are one group, so that each call is one script, or a few where much
// is due: a run either settles some of that or does its work. The server's time decides. A call that is repeated
// because its answer was lost is recognised: by the request's id (open), the change's (change) or one of its own
// (remove_timed_out). Threads: safe from any thread. Errors: as the port says, and the client's.

#include <memory>

#include "engines/redis/client.h"
#include "engines/redis/groups.h"
#include "ports/approval_store.h"

namespace aldis {

std::shared_ptr<ApprovalStore> make_redis_approvals(std::shared_ptr<RedisClient> client, const Groups& groups);

}  // namespace aldis
