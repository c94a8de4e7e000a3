#pragma once
// Small verbs for the tests of the ledger: notes are rows of the table meta. Implemented in ledger_world.cc.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "engines/local/ledger.h"

namespace aldis::testing {

inline constexpr std::chrono::nanoseconds kPatient = std::chrono::seconds{20};

// Of namespace "default", on the system's clock unless another is given.
std::shared_ptr<Ledger> ledger_in(const std::string& directory, std::chrono::nanoseconds timeout = kPatient,
                                  std::shared_ptr<const Clock> clock = nullptr, const std::string& boot_id = "");
std::string file_of_ledger(const std::string& directory);

// "ok", or "failed_precondition: message".
std::string note(Ledger& ledger, std::string_view key, std::string_view value, LedgerSync sync = LedgerSync::normal);
// The value; "nothing" if there is none; "failed_precondition: message" if it fails.
std::string noted(Ledger& ledger, std::string_view key);
// How many rows of meta have a key with that beginning; -1 if that cannot be read.
std::int64_t count_notes(Ledger& ledger, std::string_view prefix);

// Behind the ledger's back: runs SQL on the file. "ok", or "internal: message".
std::string run_sql(const std::string& path, const std::string& sql);
// The first column of the first row, as text; "nothing" without a row.
std::string ask_sql(const std::string& path, const std::string& sql);

}  // namespace aldis::testing
