#pragma once
// What reclaiming does to records of signals whose due entry was taken out. Used by reclaim.cc; implemented in
// reclaim_signals.cc.
//
// Model: bounded work: a lane with more to settle than limits::kSettledPerWrite gets an entry that is due at once. A
// damaged record is left alone, and its lane unsettled from there on and without an entry: whoever asks is told.

#include <string_view>

#include "core/clock.h"
#include "engines/local/board.h"

namespace aldis::local {

void reclaim_mailbox(BoardTransaction& transaction, std::string_view key, BootTime now);
void reclaim_broadcasts(BoardTransaction& transaction, std::string_view key, BootTime now);
// Removes a record whose time to be kept was over at `due`, that of its entry; the entry of a later one moves, so that
// records go in the order of their times.
void reclaim_kept_record(BoardTransaction& transaction, std::string_view key, BootTime due);

}  // namespace aldis::local
