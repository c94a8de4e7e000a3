#pragma once
// The twin of the heartbeat engines: a map under a mutex, written for plainness. It rings as ports/waker.h says.
// Threads: safe from any thread.

#include <memory>

#include "core/clock.h"
#include "fakes/memory_waker.h"
#include "ports/heartbeat_store.h"

namespace aldis::testing {

std::shared_ptr<HeartbeatStore> make_memory_heartbeats(std::shared_ptr<const Clock> clock, Ring ring,
                                                       std::shared_ptr<ProcessTable> processes);

}  // namespace aldis::testing
