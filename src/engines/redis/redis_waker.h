#pragma once
// The Waker of a Redis store: who waits is rung by what other clients publish. Used by src/workspace.cc; implemented in
// redis_waker.cc over subscription_table.h, subscriber.h and version_recheck.h.
//
// Model: two threads a store, started at the first subscription: one hears the channels, one rereads versions so that
// what went unheard rings too, within recheck_interval. If threads or descriptors run out, sleeping ends after that
// time as if it rang. Threads: safe from any thread. Errors: none. The end waits for a reread that is under way:
// no longer than its patience, and only in trouble. fork: in the child nothing rings, subscriptions are empty
// and sleep returns at once.

#include <chrono>
#include <memory>
#include <string_view>

#include "core/clock.h"
#include "engines/redis/client.h"
#include "engines/redis/waker_timing.h"
#include "ports/waker.h"

namespace aldis {

std::shared_ptr<Waker> make_redis_waker(std::shared_ptr<RedisClient> client, std::string_view namespace_name,
                                        std::shared_ptr<const Clock> clock, const RedisWakerTiming& timing = {});

}  // namespace aldis
