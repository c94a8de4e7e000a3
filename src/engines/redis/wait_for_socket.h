#pragma once
// Waits for a descriptor until a deadline. Used by transport.cc and resolve.cc; implemented in wait_for_socket.cc.

#include "core/clock.h"

namespace aldis {

// `events` as for poll. Whether one of them came, or the end of the stream, before the deadline.
bool wait_for_socket(int descriptor, short events, const Clock& clock, SteadyTime deadline);

}  // namespace aldis
