#pragma once
// Streams of events in the ledger. The contract is ports/event_store.h; implemented in local_events.cc and
// event_rows.cc.
//
// Model: a call is one transaction (LedgerSync::normal), and no time is between a commit and its answer: who got an
// error published nothing. A trim removes what it has hidden in further, small transactions, so that nobody waits long
// for it; where it cannot, later publications do. A publication with a patience of its own moves no log (ledger.h).
// Threads: safe from any thread and process.

#include <memory>

#include "engines/local/doorbell.h"
#include "engines/local/drop_counter.h"
#include "engines/local/ledger.h"
#include "ports/event_store.h"

namespace aldis {

std::shared_ptr<EventStore> make_local_events(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell,
                                              std::shared_ptr<DropCounter> drops);

}  // namespace aldis
