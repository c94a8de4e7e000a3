#include "local/ledger_world.h"

#include "core/fork_hold.h"
#include "engines/local/ledger_connection.h"
#include "engines/local/ledger_file.h"
#include "local/scratch.h"

namespace aldis::testing {

std::shared_ptr<Ledger> ledger_in(const std::string& directory, std::chrono::nanoseconds timeout,
                                  std::shared_ptr<const Clock> clock, const std::string& boot_id) {
  if (clock == nullptr) clock = std::make_shared<SystemClock>();
  return Ledger::make({directory, "default", timeout, std::move(clock), boot_id});
}

std::string file_of_ledger(const std::string& directory) { return ledger_path(directory, "default"); }

std::string note(Ledger& ledger, std::string_view key, std::string_view value, LedgerSync sync) {
  return describe(ledger.write(sync, [&](LedgerTransaction& transaction) -> Result<void> {
    transaction.run("INSERT INTO meta (key, value) VALUES (?, ?)", key, value);
    return {};
  }));
}

std::string noted(Ledger& ledger, std::string_view key) {
  const auto found = ledger.read([&](LedgerTransaction& transaction) -> Result<std::string> {
    LedgerQuery query = transaction.query("SELECT value FROM meta WHERE key = ?", key);
    return query.next() ? std::string(query.text(0)) : std::string("nothing");
  });
  return found ? *found : describe(found);
}

std::int64_t count_notes(Ledger& ledger, std::string_view prefix) {
  return ledger
      .read([&](LedgerTransaction& transaction) -> Result<std::int64_t> {
        LedgerQuery query =
            transaction.query("SELECT count(*) FROM meta WHERE substr(key, 1, ?) = ?", prefix.size(), prefix);
        return query.next() ? query.integer(0) : -1;
      })
      .value_or(-1);
}

std::string run_sql(const std::string& path, const std::string& sql) {
  const ForkHold hold;
  auto connection = LedgerConnection::open({path, LedgerAccess::shared, false});
  if (!connection) return describe(connection);
  return describe((*connection)->execute(sql));
}

std::string ask_sql(const std::string& path, const std::string& sql) {
  const ForkHold hold;
  auto connection = LedgerConnection::open({path, LedgerAccess::shared, false});
  if (!connection) return describe(connection);
  LedgerStatements& statements = (*connection)->statements();
  LedgerQuery query(statements, sql);
  if (query.next()) return std::string(query.text(0));
  return statements.failure() ? describe(Result<void>(std::unexpected(*statements.failure()))) : "nothing";
}

}  // namespace aldis::testing
