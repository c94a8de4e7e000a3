#pragma once
// The tables of the ledger and how an older schema becomes the newest. Used by ledger.cc; implemented in
// ledger_schema.cc; docs/formats.md describes every column.
//
// Model: the version of a schema is PRAGMA user_version; 0 is an empty database. Step n leads from version n to n + 1;
// steps are never changed once they were released. All that are missing run in one exclusive transaction, so a ledger
// has its old schema or the newest. Threads: as LedgerConnection. Errors: failed_precondition for a newer schema and
// for what is no ledger.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "aldis/result.h"

namespace aldis {

class LedgerConnection;

inline constexpr std::int64_t kLedgerApplicationId = 0x416c6469;  // "Aldi", PRAGMA application_id

std::span<const std::string_view> ledger_steps();

// failed_precondition if `version` is beyond the `known` ones.
Result<void> check_ledger_is_known(std::int64_t version, std::size_t known, const std::string& path);
// Whether it has every step. False: it is empty, or older. REQUIRES: no transaction.
Result<bool> ledger_is_current(LedgerConnection& connection, std::span<const std::string_view> steps);
// REQUIRES: `connection` can write and has no transaction.
Result<void> migrate_ledger(LedgerConnection& connection, std::span<const std::string_view> steps);

}  // namespace aldis
