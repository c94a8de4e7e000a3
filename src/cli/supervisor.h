#pragma once
// Watches the program that `aldis run` runs until it ends. Used by commands/run.cc; implemented in supervisor.cc.
//
// Model: a signal that somebody sent to us alone is forwarded; one that the terminal generated reached the child by
// itself. When a stop is asked for (--stop-on, or --timeout is over) the child gets SIGTERM, and SIGKILL five seconds
// later. Nothing but the child is ever signalled. A child that stops itself in the foreground of a terminal takes us
// along, so that the shell gets its prompt back. Threads: one thread.

#include <chrono>
#include <optional>

#include "cli/child_process.h"
#include "core/clock.h"

namespace aldis::cli {

struct Supervision {
  pid_t child = -1;
  const SignalGate& gate;
  int stop_descriptor = -1;  // readable: --stop-on says stop; -1: never
  std::optional<std::chrono::nanoseconds> timeout;
  const Clock& clock;
};

struct SupervisedEnd {
  enum class Reason { by_itself, stop_signal, timeout } reason = Reason::by_itself;
  ChildEnd child;
  bool killed = false;  // SIGTERM was not enough
};

SupervisedEnd supervise(const Supervision& supervision);

}  // namespace aldis::cli
