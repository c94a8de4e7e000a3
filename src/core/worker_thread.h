#pragma once
// Starting the library's own threads. Used by whatever serves callbacks or renews leases; implemented in
// worker_thread.cc.
//
// Model: such a thread blocks every Unix signal, so that the host program's handlers run on the host's threads.

#include <functional>
#include <thread>

#include "aldis/result.h"

namespace aldis {

// resource_exhausted when the system gives no thread.
Result<std::thread> start_worker_thread(std::function<void()> body);

// For destructors in a forked child, which has no such thread: makes `thread` empty without joining or detaching.
void forget_worker_thread(std::thread& thread);

}  // namespace aldis
