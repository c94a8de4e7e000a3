#pragma once
// The audit log in the local ledger. The contract is ports/audit_store.h; the tables are in docs/formats.md.

#include <memory>

#include "engines/local/ledger.h"
#include "ports/audit_store.h"

namespace aldis {

std::shared_ptr<AuditStore> make_local_audit(std::shared_ptr<Ledger> ledger);

}  // namespace aldis
