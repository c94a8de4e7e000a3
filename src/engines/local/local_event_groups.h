#pragma once
// Consumer groups in the ledger. The contract is ports/event_group_store.h; implemented in local_event_groups.cc on
// event_rows.h and group_rows.h.
//
// Model: a call is one transaction (LedgerSync::normal). Threads: safe from any thread and process.

#include <memory>

#include "engines/local/doorbell.h"
#include "engines/local/ledger.h"
#include "ports/event_group_store.h"

namespace aldis {

// Rings for streams that a group's first read makes.
std::shared_ptr<EventGroupStore> make_local_event_groups(std::shared_ptr<Ledger> ledger,
                                                         std::shared_ptr<Doorbell> doorbell);

}  // namespace aldis
