#pragma once
// Lets `new` fail where a test wants it. Used by client_memory_test.cc; implemented in scarce_memory.cc, which replaces
// `new` of the whole test program. Threads: each has memory of its own.

namespace aldis::telemetry {

constexpr int kMemoryAbounds = -1;

// How many allocations of this thread still come off; those after them fail.
int allocations_left();
void set_allocations_left(int count);

}  // namespace aldis::telemetry
