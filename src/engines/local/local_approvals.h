#pragma once
// Approval requests in the local ledger. The contract is ports/approval_store.h; the tables are in docs/formats.md.
// Rings the request, and all requests, after each commit that opens or changes one.
//
// Model: a call is one transaction that is synced to the disk: what is due is settled in it, what it does is done and
// recorded. A call that finds more due than one write settles commits that first, and goes on. Reading writes nothing
// unless something is due.

#include <memory>

#include "engines/local/doorbell.h"
#include "engines/local/ledger.h"
#include "ports/approval_store.h"

namespace aldis {

std::shared_ptr<ApprovalStore> make_local_approvals(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell);

}  // namespace aldis
