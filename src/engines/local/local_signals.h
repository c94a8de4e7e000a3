#pragma once
// Mailboxes and broadcasts on the local board. The contract is ports/signal_store.h; the bytes are in docs/formats.md.
// Rings the mailbox of the target (every mailbox for a broadcast) after each commit that concerns it.

#include <memory>

#include "core/clock.h"
#include "engines/local/board.h"
#include "engines/local/doorbell.h"
#include "ports/signal_store.h"

namespace aldis {

std::shared_ptr<SignalStore> make_local_signals(std::shared_ptr<Board> board, std::shared_ptr<Doorbell> doorbell,
                                                std::shared_ptr<const Clock> clock);

}  // namespace aldis
