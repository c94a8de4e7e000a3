#pragma once
// What a board looks like from outside, for `aldis doctor`. Implemented in board_report.cc.
//
// Model: a board that does not exist is reported as such and not made (one of an earlier boot is, as by any opening). A
// board that cannot be opened from here (another PID namespace, a newer format…) is reported with its `problem`.
// Threads: safe from any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aldis/error.h"
#include "engines/local/board.h"
#include "engines/local/board_files.h"

namespace aldis {

struct BoardReport {
  std::string path;  // of the data file
  bool exists = false;
  std::optional<Error> problem;

  std::size_t bytes_max = 0;   // size of the map
  std::size_t bytes_used = 0;  // pages in use, or pinned by a reader
  std::size_t readers = 0;     // slots taken, also by processes that are gone
  std::size_t readers_max = 0;
  std::uint64_t last_transaction_id = 0;
  struct Pin {
    int pid = 0;
    std::uint64_t transactions_behind = 0;
  };
  std::optional<Pin> oldest_pin;  // the reader of the oldest snapshot, if that is not the newest

  std::vector<FoundBoard> other_boards;  // in the same directory: other namespaces, other formats
};

BoardReport inspect_board(const BoardOptions& options);

}  // namespace aldis
