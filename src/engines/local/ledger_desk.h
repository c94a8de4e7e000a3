#pragma once
// A connection to the ledger that is opened at the first use and used by one thread at a time. ledger.cc has one for
// each kind of transaction. Implemented in ledger_desk.cc.
//
// Model: `sit` waits for the other threads of this process, with a deadline; while a LedgerSeat exists, the desk is its
// owner's. Opening makes what is missing, migrates, and checks that the schema is known. Once a recheck interval the
// file is compared with the one that was opened, and opened again if it was removed or replaced. A connection that can
// only read is opened anew once a recheck interval, too: perhaps it can write now. Threads: safe from any thread.
// Errors: as ledger.h.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "aldis/result.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "engines/local/board_environment.h"
#include "engines/local/ledger_connection.h"
#include "engines/local/ledger_patience.h"

namespace aldis {

class LedgerDesk;

class LedgerSeat {
 public:
  explicit LedgerSeat(LedgerDesk& desk) : desk_(&desk) {}
  LedgerSeat(LedgerSeat&& other) noexcept : desk_(std::exchange(other.desk_, nullptr)) {}
  LedgerSeat& operator=(LedgerSeat&&) = delete;
  ~LedgerSeat();

  // Opened if need be. Valid as long as the seat. REQUIRES: a ForkHold.
  Result<LedgerConnection*> connection(SteadyTime now);

  // The row of this boot, as it was last committed; 0: not known. Forgotten when the file is opened again.
  std::int64_t& boot_row();

 private:
  LedgerDesk* desk_;
};

class LedgerDesk {
 public:
  LedgerDesk(std::string path, bool syncs_commits) : path_(std::move(path)), syncs_commits_(syncs_commits) {}
  LedgerDesk(const LedgerDesk&) = delete;
  LedgerDesk& operator=(const LedgerDesk&) = delete;

  Result<LedgerSeat> sit(LedgerPatience& patience);

  // REQUIRES: a ForkHold, and nobody sits here.
  void close() { connection_.reset(); }

  // In a forked child: leaves the inherited connection as it is.
  void abandon() { [[maybe_unused]] const LedgerConnection* const leaked = connection_.release(); }

 private:
  friend class LedgerSeat;
  Result<void> open();
  bool is_to_be_opened(SteadyTime now);

  const std::string path_;
  const bool syncs_commits_;

  Mutex mutex_;
  ConditionVariable free_;
  bool is_taken_ ALDIS_GUARDED_BY(mutex_) = false;
  std::size_t waiting_ ALDIS_GUARDED_BY(mutex_) = 0;

  // Of whoever has the seat.
  std::unique_ptr<LedgerConnection> connection_;
  FileKey key_;
  SteadyTime recheck_at_;
  std::int64_t boot_row_ = 0;
};

}  // namespace aldis
