#include "engines/local/ledger_opening.h"

#include "core/failure.h"
#include "core/try.h"
#include "engines/local/ledger_schema.h"

namespace aldis {

Result<std::unique_ptr<LedgerConnection>> open_existing_ledger(const std::string& path, bool syncs_commits) {
  // SQLite would open it all the same, and leave files beside it that cannot be written either when it may be again.
  if (!is_ledger_writable(path) && !examine_ledger_file(path).has_shared_memory) {
    return fail(ErrorCode::permission_denied,
                "this process may not write the ledger {} or its directory: change their owner or mode, or choose "
                "another with ALDIS_STATE_DIR",
                path);
  }
  return LedgerConnection::open({path, LedgerAccess::shared, syncs_commits});
}

Result<std::unique_ptr<LedgerConnection>> open_shared_ledger(const std::string& path, bool syncs_commits) {
  ALDIS_TRY(ready_ledger_file(path));
  ALDIS_TRY_ASSIGN(auto connection, open_existing_ledger(path, syncs_commits));
  ALDIS_TRY_ASSIGN(const bool is_current, ledger_is_current(*connection, ledger_steps()));
  if (!is_current) ALDIS_TRY(migrate_ledger(*connection, ledger_steps()));
  return connection;
}

Result<LedgerApart> open_ledger_apart(const std::string& path, const Error& reason) {
  const bool has_no_room = reason.code == ErrorCode::resource_exhausted;
  // For any other reason not even a look at the file: it may be where whoever looks waits for ever.
  if (!has_no_room && reason.code != ErrorCode::permission_denied) return std::unexpected(reason);
  const LedgerFileState state = examine_ledger_file(path);
  const bool is_frozen = !is_ledger_writable(path) && !state.has_shared_memory;
  if (state.size_bytes == 0 || (!is_frozen && !has_no_room)) return std::unexpected(reason);
  const LedgerAccess access = is_frozen ? LedgerAccess::frozen : LedgerAccess::alone;
  ALDIS_TRY_ASSIGN(auto connection, LedgerConnection::open({path, access, false}));
  ALDIS_TRY_ASSIGN(const bool is_current, ledger_is_current(*connection, ledger_steps()));
  if (!is_current) return std::unexpected(reason);
  return LedgerApart{std::move(connection), state};
}

Result<void> LedgerApart::check_undisturbed() const {
  if (connection->access() != LedgerAccess::frozen || examine_ledger_file(connection->path()) == state) return {};
  return fail(ErrorCode::unavailable, "the ledger {} was written from elsewhere while it was read: try again",
              connection->path());
}

}  // namespace aldis
