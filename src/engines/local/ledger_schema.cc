#include "engines/local/ledger_schema.h"

#include <array>
#include <string>

#include "core/failure.h"
#include "core/try.h"
#include "engines/local/ledger_connection.h"

namespace aldis {
namespace {

constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('store_id', lower(hex(randomblob(16))));

CREATE TABLE boots (
  id INTEGER PRIMARY KEY,
  boot_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE approvals (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  version INTEGER NOT NULL,
  type TEXT NOT NULL,
  agent TEXT NOT NULL,
  key TEXT,
  context TEXT NOT NULL,
  context_hash TEXT NOT NULL,
  timeout_ns INTEGER,
  policy_hash TEXT NOT NULL,
  quorum INTEGER NOT NULL,
  opened_us INTEGER NOT NULL,
  expires_us INTEGER,
  deadline_boot INTEGER REFERENCES boots,
  deadline_boot_ns INTEGER,
  state TEXT NOT NULL,
  responder TEXT NOT NULL,
  reason TEXT NOT NULL,
  decided_us INTEGER,
  decided_boot INTEGER REFERENCES boots,
  decided_boot_ns INTEGER,
  decision BLOB
) STRICT;
CREATE UNIQUE INDEX approvals_by_key ON approvals (agent, type, key) WHERE key IS NOT NULL;
CREATE INDEX approvals_pending ON approvals (deadline_boot, deadline_boot_ns, id) WHERE state = 'pending';
CREATE INDEX approvals_expiring ON approvals (expires_us, id) WHERE state = 'pending';
CREATE INDEX approvals_decided ON approvals (decided_boot, decided_boot_ns) WHERE state <> 'pending';
CREATE INDEX approvals_decided_at ON approvals (decided_us) WHERE state <> 'pending';

CREATE TABLE approval_votes (
  approval BLOB NOT NULL REFERENCES approvals ON DELETE CASCADE,
  position INTEGER NOT NULL,
  responder TEXT NOT NULL,
  approved INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  signature BLOB NOT NULL,
  change BLOB NOT NULL,
  PRIMARY KEY (approval, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  approval_type TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  outcome TEXT NOT NULL,
  key_id TEXT NOT NULL,
  context_hash TEXT NOT NULL,
  detail_hash TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE TABLE audit_anchor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL UNIQUE,
  hidden_below INTEGER NOT NULL,
  removed_below INTEGER NOT NULL,
  max_length INTEGER NOT NULL,
  max_age_ms INTEGER,
  configured_boot INTEGER NOT NULL,
  configured_boot_ns INTEGER NOT NULL,
  configured_us INTEGER NOT NULL
) STRICT;

-- Of the ids see docs/formats.md: stream or group << 42 | ordinal.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  ms INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  boot_ns INTEGER NOT NULL,
  publication BLOB NOT NULL,
  source TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;

CREATE TABLE event_groups (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams,
  name TEXT NOT NULL,
  delivered INTEGER NOT NULL,
  used_boot INTEGER NOT NULL,
  used_boot_ns INTEGER NOT NULL,
  used_us INTEGER NOT NULL,
  UNIQUE (stream, name)
) STRICT;

CREATE TABLE event_pending (
  id INTEGER PRIMARY KEY,
  consumer TEXT NOT NULL,
  given_boot INTEGER NOT NULL,
  given_boot_ns INTEGER NOT NULL,
  given_us INTEGER NOT NULL,
  deliveries INTEGER NOT NULL
) STRICT;
CREATE INDEX event_pending_by_time ON event_pending (id >> 42, given_boot, given_boot_ns);
)sql";

constexpr std::array<std::string_view, 1> kSteps = {kVersion1};

struct Identity {
  std::int64_t application_id = 0;
  std::int64_t version = 0;
  bool is_empty = false;
};

// In a transaction: else it could be made between two questions.
Result<Identity> read_identity(LedgerConnection& connection) {
  Identity identity;
  ALDIS_TRY_ASSIGN(identity.application_id, connection.number("PRAGMA application_id"));
  ALDIS_TRY_ASSIGN(identity.version, connection.number("PRAGMA user_version"));
  ALDIS_TRY_ASSIGN(const std::int64_t objects, connection.number("SELECT count(*) FROM sqlite_schema"));
  identity.is_empty = identity.application_id == 0 && identity.version == 0 && objects == 0;
  return identity;
}

Result<void> judge(const Identity& identity, std::span<const std::string_view> steps, const std::string& path) {
  if (identity.is_empty) return {};
  if (identity.application_id != kLedgerApplicationId) {
    return fail(ErrorCode::failed_precondition,
                "{} is a database of another program (application_id {}), not a ledger of Aldis: move it away, or "
                "choose another directory with ALDIS_STATE_DIR",
                path, identity.application_id);
  }
  return check_ledger_is_known(identity.version, steps.size(), path);
}

}  // namespace

std::span<const std::string_view> ledger_steps() { return kSteps; }

Result<void> check_ledger_is_known(std::int64_t version, std::size_t known, const std::string& path) {
  if (version <= static_cast<std::int64_t>(known)) return {};
  return fail(ErrorCode::failed_precondition,
              "the ledger {} has schema version {}, made by a newer Aldis; this one knows version {}: update this "
              "program",
              path, version, known);
}

Result<bool> ledger_is_current(LedgerConnection& connection, std::span<const std::string_view> steps) {
  ALDIS_TRY(connection.begin_read());
  const Result<Identity> read = read_identity(connection);
  connection.roll_back();
  ALDIS_TRY_ASSIGN(const Identity identity, read);
  ALDIS_TRY(judge(identity, steps, connection.path()));
  return identity.version == static_cast<std::int64_t>(steps.size());
}

Result<void> migrate_ledger(LedgerConnection& connection, std::span<const std::string_view> steps) {
  ALDIS_TRY(connection.execute("BEGIN EXCLUSIVE"));
  const Result<void> migrated = [&]() -> Result<void> {
    // Somebody else may have been faster.
    ALDIS_TRY_ASSIGN(const Identity identity, read_identity(connection));
    ALDIS_TRY(judge(identity, steps, connection.path()));
    for (const std::string_view step : steps.subspan(static_cast<std::size_t>(identity.version))) {
      ALDIS_TRY(connection.execute(std::string(step)));
    }
    ALDIS_TRY(connection.execute(fmt::format("PRAGMA application_id = {}", kLedgerApplicationId)));
    ALDIS_TRY(connection.execute(fmt::format("PRAGMA user_version = {}", steps.size())));
    return connection.execute("COMMIT");
  }();
  if (!migrated) connection.roll_back();
  return migrated;
}

}  // namespace aldis
