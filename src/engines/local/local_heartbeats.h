#pragma once
// Heartbeat records on the local board. The contract is ports/heartbeat_store.h; implemented in local_heartbeats.cc;
// the bytes are in docs/formats.md. Rings as ports/waker.h says.

#include <memory>

#include "core/clock.h"
#include "engines/local/board.h"
#include "engines/local/doorbell.h"
#include "ports/heartbeat_store.h"

namespace aldis {

std::shared_ptr<HeartbeatStore> make_local_heartbeats(std::shared_ptr<Board> board, std::shared_ptr<Doorbell> doorbell,
                                                      std::shared_ptr<const Clock> clock);

// For reclaim.cc: `key` is that of a heartbeat record whose due time came.
void reclaim_heartbeat(BoardTransaction& transaction, std::string_view key, BootTime now);

}  // namespace aldis
