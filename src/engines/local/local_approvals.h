#pragma once
// Approval requests in the local ledger. The contract is ports/approval_store.h; the tables are in docs/formats.md.
// Rings the request, and all requests, after each commit that opens or changes one.
//
// Model: a call is one transaction that is synced to the disk: what it does and what is recorded of it. Where something
// is due, that is settled and committed before, limits::kSettledPerWrite at a time. Reading writes nothing else.

#include <memory>

#include "engines/local/doorbell.h"
#include "engines/local/ledger.h"
#include "ports/approval_store.h"

namespace aldis {

std::shared_ptr<ApprovalStore> make_local_approvals(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell);

}  // namespace aldis
