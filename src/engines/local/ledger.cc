#include "engines/local/ledger.h"

#include <utility>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/fork_guard.h"
#include "core/fork_hold.h"
#include "core/mutex.h"
#include "core/names.h"
#include "core/try.h"
#include "engines/local/board_format.h"
#include "engines/local/ledger_desk.h"
#include "engines/local/ledger_file.h"
#include "engines/local/ledger_holder.h"
#include "engines/local/ledger_opening.h"
#include "engines/local/ledger_schema.h"

namespace aldis {
namespace {

class SqliteLedger final : public Ledger {
 public:
  explicit SqliteLedger(LedgerOptions options)
      : options_(std::move(options)),
        path_(ledger_path(options_.state_directory, options_.namespace_name)),
        full_(path_, true),
        normal_(path_, false),
        reading_(path_, false) {}

  ~SqliteLedger() override {
    const bool is_inherited = fork_guard_.in_child();
    const ForkHold hold;
    for (LedgerDesk* desk : {&full_, &normal_, &reading_}) is_inherited ? desk->abandon() : desk->close();
  }

  void tidy() override {
    if (fork_guard_.in_child()) return;
    LedgerPatience none(std::chrono::nanoseconds::zero());
    Result<LedgerSeat> seat = normal_.sit(none);
    if (!seat) return;
    const ForkHold hold;
    const auto connection = seat->connection(options_.clock->steady_now());
    if (connection) (*connection)->checkpoint_if_due();
  }

 protected:
  Result<void> run_write(LedgerSync sync, std::optional<std::chrono::nanoseconds> at_most, RawBody body,
                         void* context) override {
    ALDIS_TRY(check_usable());
    LedgerPatience patience(at_most.value_or(options_.call_timeout));
    ALDIS_TRY_ASSIGN(LedgerSeat seat, (sync == LedgerSync::full ? full_ : normal_).sit(patience));
    const auto attempt = [&](bool& is_begun) -> Result<void> {
      ALDIS_TRY_ASSIGN(LedgerConnection* const connection, seat.connection(options_.clock->steady_now()));
      ALDIS_TRY(connection->begin_write());
      is_begun = true;
      const Result<void> written = write_on(*connection, seat.boot_row(), body, context);
      if (!written) connection->roll_back();
      if (written && !at_most) connection->checkpoint_if_due();
      return written;
    };
    return attempt_while_busy(patience, attempt, [&] { return busy(patience); });
  }

  Result<void> run_read(RawBody body, void* context) override {
    ALDIS_TRY(check_usable());
    LedgerPatience patience(options_.call_timeout);
    ALDIS_TRY_ASSIGN(LedgerSeat seat, reading_.sit(patience));
    const auto attempt = [&](bool& is_begun) -> Result<void> {
      const auto connection = seat.connection(options_.clock->steady_now());
      if (!connection) return read_apart(connection.error(), is_begun, body, context);
      return read_on(**connection, seat.boot_row(), is_begun, body, context);
    };
    return attempt_while_busy(patience, attempt, [&] { return busy(patience); });
  }

 private:
  Error busy(const LedgerPatience& patience) const {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(patience.at_most()).count();
    const std::optional<int> holder = find_ledger_holder(path_);
    if (!holder) {
      return make_error(ErrorCode::deadline_exceeded,
                        "somebody else has been writing the ledger {} for {} ms, another thread of this process or "
                        "one that cannot be seen from here: try again",
                        path_, milliseconds);
    }
    return make_error(ErrorCode::deadline_exceeded,
                      "pid {} has been writing the ledger {} for {} ms: is it stopped (Ctrl-Z, a debugger)? Continue "
                      "or kill it",
                      *holder, path_, milliseconds);
  }

  Result<void> write_on(LedgerConnection& connection, std::int64_t& boot_row, RawBody body, void* context) {
    LedgerStatements& statements = connection.statements();
    statements.forget_failure();
    ALDIS_TRY(check_version(statements));
    const std::int64_t boot = find_or_add_boot(statements, boot_row);
    LedgerTransaction transaction(statements, {boot, options_.clock->boot_now(), options_.clock->wall_now()});
    const Result<void> answer = body(context, transaction);
    if (statements.failure()) return std::unexpected(*statements.failure());
    ALDIS_TRY(answer);
    ALDIS_TRY(connection.commit());
    boot_row = boot;
    return {};
  }

  Result<void> read_on(LedgerConnection& connection, std::int64_t& boot_row, bool& is_begun, RawBody body,
                       void* context) {
    LedgerStatements& statements = connection.statements();
    statements.forget_failure();
    ALDIS_TRY(connection.begin_read());
    const Result<void> answer = [&]() -> Result<void> {
      ALDIS_TRY(check_version(statements));  // with this the snapshot is taken
      is_begun = true;
      if (boot_row == 0) boot_row = find_boot(statements);
      LedgerTransaction transaction(statements, {boot_row, options_.clock->boot_now(), options_.clock->wall_now()});
      Result<void> read = body(context, transaction);
      if (statements.failure()) return std::unexpected(*statements.failure());
      return read;
    }();
    connection.roll_back();
    return answer;
  }

  Result<void> read_apart(const Error& reason, bool& is_begun, RawBody body, void* context) {
    ALDIS_TRY_ASSIGN(const LedgerApart apart, open_ledger_apart(path_, reason));
    std::int64_t boot_row = 0;
    Result<void> read = read_on(*apart.connection, boot_row, is_begun, body, context);
    ALDIS_TRY(apart.check_undisturbed());
    return read;
  }

  Result<void> check_usable() {
    ALDIS_TRY(fork_guard_.check());
    const MutexLock lock(mutex_);
    if (is_checked_) return {};
    ALDIS_TRY(check_namespace(options_.namespace_name));
    if (options_.clock == nullptr) return fail(ErrorCode::invalid_argument, "a ledger needs a clock");
    if (options_.boot_id.empty()) {
      ALDIS_TRY_ASSIGN(const BoardHome home, BoardHome::of_this_process());
      options_.boot_id = fmt::format("{}/{}", home.boot_id, home.time_namespace);
    }
    is_checked_ = true;
    return {};
  }

  // Another process may have migrated it since it was opened.
  Result<void> check_version(LedgerStatements& statements) {
    LedgerQuery version(statements, "PRAGMA user_version");
    if (version.next()) return check_ledger_is_known(version.integer(0), ledger_steps().size(), path_);
    if (statements.failure()) return std::unexpected(*statements.failure());
    return fail(ErrorCode::internal, "the ledger {} has no version", path_);
  }

  std::int64_t find_boot(LedgerStatements& statements) {
    LedgerQuery query(statements, "SELECT id FROM boots WHERE boot_id = ?");
    query.bind_all(false, std::string_view(options_.boot_id));
    return query.next() ? query.integer(0) : 0;
  }

  std::int64_t find_or_add_boot(LedgerStatements& statements, std::int64_t known) {
    if (known != 0) return known;
    const std::int64_t found = find_boot(statements);
    if (found != 0) return found;
    LedgerQuery insert(statements, "INSERT INTO boots (boot_id) VALUES (?)");
    insert.bind_all(false, std::string_view(options_.boot_id));
    insert.next();
    return statements.last_row();
  }

  LedgerOptions options_;
  const std::string path_;
  ForkGuard fork_guard_;
  Mutex mutex_;
  bool is_checked_ ALDIS_GUARDED_BY(mutex_) = false;
  LedgerDesk full_;
  LedgerDesk normal_;
  LedgerDesk reading_;
};

}  // namespace

std::shared_ptr<Ledger> Ledger::make(LedgerOptions options) {
  if (options.call_timeout == std::chrono::nanoseconds::zero()) options.call_timeout = limits::kCallTimeoutDefault;
  return std::make_shared<SqliteLedger>(std::move(options));
}

}  // namespace aldis
