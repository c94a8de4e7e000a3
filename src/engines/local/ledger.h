#pragma once
// The ledger: one SQLite database per namespace in the state directory, for what must survive processes and reboots.
// Used by the local approvals, audit and events; implemented in ledger.cc; the tables are in docs/formats.md.
//
// Model: nothing is opened before the first use, which makes the directory and the file and migrates the schema.
// `write` runs its body in one transaction (BEGIN IMMEDIATE … COMMIT) on one of two connections: `full` syncs every
// commit to the disk, `normal` lets a power cut take the last ones, never the order. An error from the body rolls back,
// nothing of it happened. `read` runs its body on a snapshot, also of a ledger that cannot be written. A transaction
// remembers its first failure: from then on queries yield nothing, and `write`/`read` return that failure whatever the
// body answers, so bodies need not check. A busy ledger is asked again every millisecond or sooner, until the deadline;
// a body runs once. A write with a patience of its own never syncs for the log's sake; `tidy` does that later. Threads:
// safe from any thread and process. Bodies must not nest. Errors: deadline_exceeded (somebody else writes; who, if that
// can be found), resource_exhausted (no room), failed_precondition (fork, newer schema, another's file, an unsafe or
// network directory), permission_denied, data_loss (damaged), unavailable (input/output errors).

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/local/ledger_query.h"
#include "engines/local/ledger_time.h"
#include "engines/local/transaction_body.h"

namespace aldis {

enum class LedgerSync { full, normal };

class LedgerTransaction {
 public:
  LedgerTransaction(LedgerStatements& statements, const LedgerNow& now) : statements_(statements), now_(now) {}

  // Prepared once per connection and text, so the text is a literal. Arguments: integers, text (std::string_view),
  // LedgerBlob, std::optional of these, nullptr.
  template <class... Args>
  LedgerQuery query(std::string_view sql, const Args&... args) {
    LedgerQuery query(statements_, sql);
    query.bind_all(true, args...);
    return query;
  }

  // Runs to the end; answers how many rows changed.
  template <class... Args>
  std::uint64_t run(std::string_view sql, const Args&... args) {
    LedgerQuery query(statements_, sql);
    query.bind_all(false, args...);
    while (query.next()) {
    }
    return statements_.failure() ? 0 : statements_.rows_changed();
  }

  // Of the row that was inserted last.
  std::int64_t last_row() const { return statements_.last_row(); }

  // Read once, when the transaction began. Of a write `boot` is never 0.
  const LedgerNow& now() const { return now_; }

 private:
  LedgerStatements& statements_;
  const LedgerNow now_;
};

struct LedgerOptions {
  std::string state_directory;  // chosen by state_directory.h
  std::string namespace_name;
  std::chrono::nanoseconds call_timeout{};  // of real time; 0: limits::kCallTimeoutDefault
  std::shared_ptr<const Clock> clock;
  std::string boot_id = {};  // whose boot clock that is; empty: this host's
};

class Ledger {
 public:
  static std::shared_ptr<Ledger> make(LedgerOptions options);
  virtual ~Ledger() = default;

  // `at_most`: instead of the call timeout.
  template <class Body>
  auto write(LedgerSync sync, Body&& body, std::optional<std::chrono::nanoseconds> at_most = {})
      -> std::invoke_result_t<Body&, LedgerTransaction&> {
    return run_body<LedgerTransaction>(
        body, [&](RawBody raw, void* context) { return run_write(sync, at_most, raw, context); });
  }
  // What writes with a patience of their own left to do. May sync; what it cannot do is for later.
  virtual void tidy() = 0;

  template <class Body>
  auto read(Body&& body) -> std::invoke_result_t<Body&, LedgerTransaction&> {
    return run_body<LedgerTransaction>(body, [&](RawBody raw, void* context) { return run_read(raw, context); });
  }

 protected:
  using RawBody = TransactionBody<LedgerTransaction>;
  virtual Result<void> run_write(LedgerSync sync, std::optional<std::chrono::nanoseconds> at_most, RawBody body,
                                 void* context) = 0;
  virtual Result<void> run_read(RawBody body, void* context) = 0;
};

}  // namespace aldis
