#pragma once
// The twin of the event engines: maps under a mutex, a model of ports/event_store.h and ports/event_group_store.h to be
// read beside them.
//
// Model: each call first removes what is beyond the bounds of the stream that it concerns, so what is there is what a
// reader sees. It rings as ports/waker.h says. Threads: safe from any thread.

#include <memory>

#include "core/clock.h"
#include "fakes/memory_waker.h"
#include "ports/event_group_store.h"
#include "ports/event_store.h"

namespace aldis::testing {

// Both of one store.
struct MemoryEvents {
  std::shared_ptr<EventStore> events;
  std::shared_ptr<EventGroupStore> groups;
};

MemoryEvents make_memory_events(std::shared_ptr<const Clock> clock, Ring ring);

}  // namespace aldis::testing
