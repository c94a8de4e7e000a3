#pragma once
// The environments that this process has open, so that none is opened twice: closing the second would drop the locks of
// the first (POSIX locks belong to the process, not to the descriptor), and other processes would take the board for
// unused. One of the three globals of Aldis; the others are core/fork_hold.h and the connections
// of ledger_connection.cc. Used by board.cc and board_report.cc; implemented in environment_registry.cc.
//
// Model: entries are counted by (device, inode) of the data file, and opened and closed under one lock. A forked child
// begins with an empty registry and leaves what it inherited untouched, also a lock that another thread held.
// Threads: safe from any thread.
// Errors: those of opening a board.

#include <chrono>
#include <memory>
#include <string>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/local/board_environment.h"

namespace aldis {

struct BoardLocation {
  std::string runtime_directory;
  std::string namespace_name;
};

// Makes the directory and the files where they are missing, and opens them unless this process has them open.
Result<std::shared_ptr<BoardEnvironment>> acquire_environment(const BoardLocation& location, std::size_t bytes_max,
                                                              std::chrono::nanoseconds timeout, BootTime now);

}  // namespace aldis
