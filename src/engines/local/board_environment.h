#pragma once
// One open LMDB environment: the only owner of LMDB's handles. Used by board.cc and lmdb_transaction.cc; made once per
// board and process by environment_registry.cc; implemented in board_environment.cc.
//
// Model: flags MDB_NOSYNC (a board does not outlive its boot), MDB_NOSUBDIR, MDB_NOTLS (read transactions are pooled,
// each keeps its reader slot), never MDB_WRITEMAP (a stray pointer of a host program must not reach everybody's board).
// Threads: safe from any thread; a write transaction only under `locks().lock_writer`.
// fork: a child must not touch an inherited one, nor destroy it; environment_registry.h and board.h see to that.
// Errors: resource_exhausted (no room, too many readers), data_loss, internal.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "core/mutex.h"
#include "engines/local/board_files.h"
#include "engines/local/lock_page.h"

struct MDB_env;
struct MDB_txn;

namespace aldis {

// Which file is behind a path.
struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  static std::optional<FileKey> of(const std::string& path);
  auto operator<=>(const FileKey&) const = default;
};

class BoardEnvironment {
 public:
  // How many bytes LMDB wants in its lock file: fewer and it would map a hole.
  static std::size_t reader_lock_bytes();
  // A data file with nothing but its format record. REQUIRES: nobody else knows `path`.
  static Result<void> make_data_file(const std::string& path, std::size_t size_bytes, std::string_view format);

  // REQUIRES: the files are complete, the caller holds the DirectoryLock, and this process has not opened them yet.
  static Result<std::unique_ptr<BoardEnvironment>> open(const BoardFiles& files, std::chrono::nanoseconds timeout);
  ~BoardEnvironment();
  BoardEnvironment(const BoardEnvironment&) = delete;
  BoardEnvironment& operator=(const BoardEnvironment&) = delete;

  // False when the files were removed or replaced.
  bool is_in_place() const;
  const std::string& path() const { return files_.data; }
  LockPage& locks() { return *locks_; }
  const std::string& format() const { return format_; }  // of the lock page; equals the record in a healthy board
  std::uint64_t first_id() const { return first_id_; }
  std::uint64_t last_transaction_id() const;

  struct Usage {
    std::size_t page_bytes = 0;
    std::size_t pages_max = 0;
    std::size_t pages_touched = 0;  // the file never shrinks: the highest page ever used, and all below
    std::size_t readers_max = 0;
  };
  Usage usage() const;
  std::size_t count_readers() const;
  // Pages that the next writes may use again: freed, and not pinned by a reader. Walks the list of free pages.
  Result<std::size_t> count_free_pages(std::chrono::nanoseconds timeout);

  // Read transactions come from a pool. `timeout` bounds the wait for a reader slot, when the pool is empty.
  Result<MDB_txn*> begin_read(std::chrono::nanoseconds timeout);
  void end_read(MDB_txn* transaction);
  Result<MDB_txn*> begin_write();

  // Frees the reader slots of dead processes, and with them the pages that they pinned.
  Result<void> clear_dead_readers(std::chrono::nanoseconds timeout);
  struct Pin {
    int pid = 0;
    std::uint64_t transaction_id = 0;
  };
  // The oldest snapshot that somebody still reads: pages freed since then cannot be used again.
  std::optional<Pin> oldest_pin() const;
  // The process with most reader slots.
  int greediest_reader() const;

  // Translates an LMDB code; `doing` completes "cannot …".
  Error error(int code, std::string_view doing) const;

  // has_room_for_signals counted pages at one transaction and need not count before the other; guarded by the writer
  // lock.
  struct RoomEstimate {
    std::uint64_t counted_at = 0;
    std::uint64_t good_until = 0;
  };
  RoomEstimate& room_estimate() { return room_estimate_; }

 private:
  explicit BoardEnvironment(BoardFiles files) : files_(std::move(files)) {}
  Result<void> open_files();
  Result<MDB_txn*> new_reader(std::chrono::nanoseconds timeout);
  MDB_txn* pooled_reader();

  const BoardFiles files_;
  std::unique_ptr<LockPage> locks_;
  std::string format_;
  std::uint64_t first_id_ = 0;
  FileKey data_key_;
  FileKey reader_lock_key_;
  FileKey lock_page_key_;
  MDB_env* environment_ = nullptr;
  RoomEstimate room_estimate_;

  Mutex pool_mutex_;
  std::vector<MDB_txn*> pool_ ALDIS_GUARDED_BY(pool_mutex_);
};

}  // namespace aldis
