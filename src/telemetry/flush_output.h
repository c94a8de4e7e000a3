#pragma once
// Flushes what the program printed, as `exit` would. Used by client.cc; implemented in flush_output.cc, the one file of
// the library that may name the standard streams. Threads: safe from any thread. Errors: none are told, nothing is
// thrown, and the streams' states stay as they are.

namespace aldis::telemetry {

void flush_output();

}  // namespace aldis::telemetry
