#include "engines/local/board.h"

#include <atomic>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/fork_guard.h"
#include "core/mutex.h"
#include "core/names.h"
#include "core/try.h"
#include "engines/local/environment_registry.h"
#include "engines/local/lmdb_transaction.h"

namespace aldis {
namespace {

class LocalBoard final : public Board {
 public:
  LocalBoard(const BoardOptions& options, std::shared_ptr<BoardEnvironment> environment)
      : options_(options), environment_(std::move(environment)) {
    plan_recheck(options_.clock->steady_now());
  }

  std::uint64_t last_transaction_id() const override {
    return fork_guard_.in_child() ? 0 : environment()->last_transaction_id();
  }

  Result<void> check_usable() override {
    ALDIS_TRY(fork_guard_.check());
    const SteadyTime now = options_.clock->steady_now();
    if (now.time_since_epoch().count() < recheck_at_.load(std::memory_order_relaxed)) return {};
    return recheck(now);
  }

 protected:
  Result<void> run_write(RawBody body, void* context) override {
    ALDIS_TRY(check_usable());
    const std::shared_ptr<BoardEnvironment> environment = this->environment();
    ALDIS_TRY_ASSIGN(const LockHold hold, environment->locks().lock_writer(options_.call_timeout));
    bool out_of_map = false;
    Result<void> written = write_once(*environment, body, context, out_of_map);
    if (!out_of_map) return written;
    // Pages that dead readers pinned may be enough for a second try.
    ALDIS_TRY(environment->clear_dead_readers(options_.call_timeout));
    out_of_map = false;
    written = write_once(*environment, body, context, out_of_map);
    if (!out_of_map) return written;
    return std::unexpected(full(*environment));
  }

  Result<void> run_read(RawBody body, void* context) override {
    ALDIS_TRY(check_usable());
    const std::shared_ptr<BoardEnvironment> environment = this->environment();
    ALDIS_TRY_ASSIGN(MDB_txn* const begun, environment->begin_read(options_.call_timeout));
    LmdbTransaction transaction(*environment, begun, LmdbTransaction::Kind::read, options_.call_timeout,
                                options_.processes.get());
    Result<void> answer = body(context, transaction);
    if (transaction.failure()) return std::unexpected(*transaction.failure());
    return answer;
  }

 private:
  std::shared_ptr<BoardEnvironment> environment() const {
    const MutexLock lock(mutex_);
    return environment_;
  }

  Result<void> write_once(BoardEnvironment& environment, RawBody body, void* context, bool& out_of_map) {
    ALDIS_TRY_ASSIGN(MDB_txn* const begun, environment.begin_write());
    LmdbTransaction transaction(environment, begun, LmdbTransaction::Kind::write, options_.call_timeout,
                                options_.processes.get());
    if (!transaction.is_of_the_format_opened() && !transaction.failure()) {
      return fail(ErrorCode::failed_precondition, "{} has changed its format under us: start this program again",
                  environment.path());
    }
    Result<void> answer = body(context, transaction);
    if (answer) transaction.commit();
    out_of_map = transaction.ran_out_of_map();
    if (transaction.failure()) return std::unexpected(*transaction.failure());
    return answer;
  }

  Error full(const BoardEnvironment& environment) const {
    const BoardEnvironment::Usage usage = environment.usage();
    const std::string what =
        fmt::format("the board {} is full ({} bytes)", environment.path(), usage.pages_max * usage.page_bytes);
    const auto pin = environment.oldest_pin();
    if (pin && environment.first_id() + pin->transaction_id < environment.last_transaction_id()) {
      return make_error(
          ErrorCode::resource_exhausted,
          "{}: pid {} has been reading an old state of it (is it stopped?) and keeps what was removed since "
          "from being used again: continue or kill it",
          what, pin->pid);
    }
    return make_error(ErrorCode::resource_exhausted, "{}: let agents take or clear their signals", what);
  }

  void plan_recheck(SteadyTime now) {
    recheck_at_.store((now + limits::kRecheckLocal).time_since_epoch().count(), std::memory_order_relaxed);
  }

  Result<void> recheck(SteadyTime now) {
    const MutexLock one_at_a_time(recheck_mutex_);
    if (now.time_since_epoch().count() < recheck_at_.load(std::memory_order_relaxed)) return {};
    if (!environment()->is_in_place()) {
      ALDIS_TRY_ASSIGN(auto reopened,
                       acquire_environment({options_.runtime_directory, options_.namespace_name}, options_.bytes_max,
                                           options_.call_timeout, options_.clock->boot_now()));
      // The old one closes when the last transaction on it ends; not under our lock.
      const MutexLock lock(mutex_);
      environment_.swap(reopened);
    }
    plan_recheck(now);
    return {};
  }

  const BoardOptions options_;
  ForkGuard fork_guard_;
  std::atomic<std::int64_t> recheck_at_{0};
  Mutex recheck_mutex_;
  mutable Mutex mutex_;
  std::shared_ptr<BoardEnvironment> environment_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::shared_ptr<Board>> Board::open(const BoardOptions& options) {
  ALDIS_TRY(check_namespace(options.namespace_name));
  if (options.clock == nullptr) return fail(ErrorCode::invalid_argument, "a board needs a clock");
  BoardOptions final = options;
  if (final.call_timeout == std::chrono::nanoseconds::zero()) final.call_timeout = limits::kCallTimeoutDefault;
  ALDIS_TRY_ASSIGN(auto environment, acquire_environment({final.runtime_directory, final.namespace_name},
                                                         final.bytes_max, final.call_timeout, final.clock->boot_now()));
  return std::make_shared<LocalBoard>(final, std::move(environment));
}

}  // namespace aldis
