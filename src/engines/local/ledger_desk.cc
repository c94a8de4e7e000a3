#include "engines/local/ledger_desk.h"

#include <algorithm>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/ledger_file.h"
#include "engines/local/ledger_schema.h"

namespace aldis {

LedgerSeat::~LedgerSeat() {
  if (desk_ == nullptr) return;
  const MutexLock lock(desk_->mutex_);
  desk_->is_taken_ = false;
  if (desk_->waiting_ > 0) desk_->free_.notify_one();
}

Result<LedgerConnection*> LedgerSeat::connection(SteadyTime now) {
  if (desk_->is_to_be_opened(now)) {
    ALDIS_TRY(desk_->open(left_));
    desk_->recheck_at_ = now + limits::kRecheckLocal;
  }
  desk_->connection_->allow(left_);
  return desk_->connection_.get();
}

std::int64_t& LedgerSeat::boot_row() { return desk_->boot_row_; }

Result<LedgerSeat> LedgerDesk::sit(std::chrono::nanoseconds at_most) {
  const MutexLock lock(mutex_);
  std::chrono::nanoseconds left = at_most;
  if (is_taken_) {
    const SystemClock clock;
    const SteadyTime deadline = clock.steady_now() + at_most;
    ++waiting_;
    while (is_taken_ && left > std::chrono::nanoseconds::zero()) {
      free_.wait_for(mutex_, left);
      left = deadline - clock.steady_now();
    }
    --waiting_;
    if (is_taken_) {
      return fail(ErrorCode::deadline_exceeded, "cannot use the ledger {} in time: another thread of this process does",
                  path_);
    }
  }
  is_taken_ = true;
  return LedgerSeat(*this, std::max(left, std::chrono::nanoseconds::zero()));
}

bool LedgerDesk::is_to_be_opened(SteadyTime now) {
  if (connection_ == nullptr) return true;
  if (now < recheck_at_) return false;
  recheck_at_ = now + limits::kRecheckLocal;
  return connection_->is_read_only() || FileKey::of(path_) != key_;
}

Result<void> LedgerDesk::open(std::chrono::nanoseconds at_most) {
  connection_.reset();
  boot_row_ = 0;
  ALDIS_TRY(ready_ledger_file(path_));
  const std::optional<FileKey> key = FileKey::of(path_);
  if (!key) return fail(ErrorCode::unavailable, "{} was removed while it was opened: try again", path_);
  ALDIS_TRY_ASSIGN(auto opened, LedgerConnection::open({.path = path_,
                                                        .access = LedgerAccess::shared,
                                                        .syncs_commits = syncs_commits_,
                                                        .at_most = at_most}));
  ALDIS_TRY_ASSIGN(const bool is_current, ledger_is_current(*opened, ledger_steps()));
  if (!is_current) ALDIS_TRY(migrate_ledger(*opened, ledger_steps()));
  connection_ = std::move(opened);
  key_ = *key;
  return {};
}

}  // namespace aldis
