#pragma once
// The twin of the signal engines: sets and maps under a mutex, a model of ports/signal_store.h to be read beside it.
// Everything that is due is settled at the beginning of each call. It rings as ports/waker.h says.
// Threads: safe from any thread.

#include <memory>

#include "core/clock.h"
#include "fakes/memory_waker.h"
#include "ports/signal_store.h"

namespace aldis::testing {

std::shared_ptr<SignalStore> make_memory_signals(std::shared_ptr<const Clock> clock, Ring ring);

}  // namespace aldis::testing
