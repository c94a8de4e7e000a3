#pragma once
// The due index: everything on the board that somebody has to look at again at some time has one entry, and every write
// works off a few that are due, so a board under steady load does not grow. Implemented in reclaim.cc; bytes in
// docs/formats.md ("Due index").
//
// Model: an entry is (due time, key of the record). Due times may be early: the record's handler looks again and sets a
// later one. So a record that moves its deadline with every change (a lease) needs no write here when it does.

#include <string_view>

#include "core/clock.h"
#include "engines/local/board.h"

namespace aldis {

void set_due(BoardTransaction& transaction, BootTime due, std::string_view record_key);
void clear_due(BoardTransaction& transaction, BootTime due, std::string_view record_key);

// Works off at most limits::kRemovalsPerWrite due entries. Each write operation of the local engine calls it once.
void reclaim_due(BoardTransaction& transaction, BootTime now);

}  // namespace aldis
