#include "engines/local/ledger_desk.h"

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/ledger_opening.h"

namespace aldis {

LedgerSeat::~LedgerSeat() {
  if (desk_ == nullptr) return;
  const MutexLock lock(desk_->mutex_);
  desk_->is_taken_ = false;
  if (desk_->waiting_ > 0) desk_->free_.notify_one();
}

Result<LedgerConnection*> LedgerSeat::connection(SteadyTime now) {
  if (desk_->is_to_be_opened(now)) {
    ALDIS_TRY(desk_->open());
    desk_->recheck_at_ = now + limits::kRecheckLocal;
  }
  return desk_->connection_.get();
}

std::int64_t& LedgerSeat::boot_row() { return desk_->boot_row_; }

Result<LedgerSeat> LedgerDesk::sit(LedgerPatience& patience) {
  const MutexLock lock(mutex_);
  ++waiting_;
  while (is_taken_) {
    const std::chrono::nanoseconds left = patience.left();
    if (left == std::chrono::nanoseconds::zero()) break;
    free_.wait_for(mutex_, left);
  }
  --waiting_;
  if (is_taken_) {
    return fail(ErrorCode::deadline_exceeded, "the ledger {} is used by another thread of this process for too long",
                path_);
  }
  is_taken_ = true;
  return LedgerSeat(*this);
}

bool LedgerDesk::is_to_be_opened(SteadyTime now) {
  if (connection_ == nullptr) return true;
  if (now < recheck_at_) return false;
  recheck_at_ = now + limits::kRecheckLocal;
  return connection_->is_read_only() || FileKey::of(path_) != key_;
}

Result<void> LedgerDesk::open() {
  connection_.reset();
  boot_row_ = 0;
  ALDIS_TRY_ASSIGN(auto opened, open_shared_ledger(path_, syncs_commits_));
  const std::optional<FileKey> key = FileKey::of(path_);
  if (!key) return fail(ErrorCode::unavailable, "{} was removed while it was opened: try again", path_);
  connection_ = std::move(opened);
  key_ = *key;
  return {};
}

}  // namespace aldis
