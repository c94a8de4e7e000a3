#pragma once
// The files of a board: their names, and making a complete set of them. Used by environment_registry.cc,
// board_report.cc and doorbell.cc (names); implemented in board_files.cc; docs/formats.md lists them.
//
// Model: everything but the data file is put in place first, so a data file under its real name means a complete board.
// A set with a file missing, or of an earlier boot, is thrown away and made anew. Threads: functions of their
// arguments; `ready_board_files` needs the DirectoryLock. Errors: failed_precondition (a link, a foreign owner, a newer
// format, another namespace of processes), resource_exhausted (no room), data_loss.

#include <cstdint>
#include <string>
#include <vector>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/local/board_format.h"

namespace aldis {

struct BoardFiles {
  std::string data;         // LMDB's
  std::string reader_lock;  // LMDB's, beside it; LMDB chooses the name
  std::string lock_page;    // lock_page.h
};

BoardFiles board_files(const std::string& directory, const std::string& namespace_name);
std::string doorbell_file(const std::string& directory, const std::string& namespace_name);

struct FoundBoard {
  std::string namespace_name;
  std::uint32_t version = 0;
};
// Every board in the directory, of any format, by name.
std::vector<FoundBoard> list_boards(const std::string& directory);

// `bytes_max` (0: the default) only matters when the board is made: its size is fixed then.
Result<void> ready_board_files(const std::string& directory, const std::string& namespace_name, const BoardHome& home,
                               std::size_t bytes_max, BootTime now);

void discard_board_files(const BoardFiles& files);

}  // namespace aldis
