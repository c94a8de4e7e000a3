#pragma once
// The board: one LMDB environment per namespace in the runtime directory, with every precaution that sharing it between
// processes needs. Used by local_heartbeats and local_signals; implemented in board.cc; the bytes are in
// docs/formats.md.
//
// Model: `write` runs its body in the one write transaction of the board: first our own robust mutex with a deadline,
// then LMDB's; an error from the body aborts, nothing of it happened. `read` runs its body on a snapshot that ends
// before anything can block: copy out what you keep. A transaction remembers its first failure: from then on `get`
// finds nothing and `put` does nothing, and `write`/`read` return that failure whatever the body answers, so bodies
// need not check. A body may run more than once (after a full map was mended): it must not change anything outside but
// its result. Threads: safe from any thread and process. Bodies must not nest. Errors: deadline_exceeded (naming the
// pid that holds the writer lock), resource_exhausted (map, tmpfs or reader table full; names who pins pages),
// failed_precondition (fork, newer format, another PID or time namespace), data_loss.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "aldis/result.h"
#include "core/clock.h"
#include "engines/local/transaction_body.h"
#include "ports/process_table.h"

namespace aldis {

class BoardTransaction {
 public:
  virtual ~BoardTransaction() = default;

  // Of a write transaction: grows by one with each commit that changes the board. Of a read: of the last commit seen.
  virtual std::uint64_t id() const = 0;

  // Valid until the next put or erase, or the end of the transaction.
  virtual std::optional<std::string_view> get(std::string_view key) = 0;
  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual bool erase(std::string_view key) = 0;  // false: was not there

  struct Entry {
    std::string_view key;
    std::string_view value;
  };
  // The first entry whose key is >= `from` and begins with `prefix`. Same validity as get.
  virtual std::optional<Entry> seek(std::string_view prefix, std::string_view from) = 0;
  // The entry after the one that the last seek or next answered, if it begins with the same prefix. Do not write
  // between.
  virtual std::optional<Entry> next() = 0;

  // True while signals may still be stored (limits::kBoardSignalShare). REQUIRES: a write transaction.
  virtual bool has_room_for_signals() = 0;

  // Whether a process that a record names exists for certain. A board belongs to one boot and PID namespace, so whoever
  // uses it can ask.
  virtual bool process_exists(const ProcessIdentity& process) = 0;
};

struct BoardOptions {
  std::string runtime_directory;  // checked and made by runtime_directory.h
  std::string namespace_name;
  std::chrono::nanoseconds call_timeout{};  // of real time, for the writer lock; 0: limits::kCallTimeoutDefault
  const Clock* clock = nullptr;             // outlives the board
  std::size_t bytes_max = 0;  // 0: limits::kBoardBytesMax or half of the file system, if that is less. Fixed for all
                              // when the board is made
  std::shared_ptr<ProcessTable> processes = nullptr;  // none: nobody is known to exist
};

class Board {
 public:
  static Result<std::shared_ptr<Board>> open(const BoardOptions& options);
  virtual ~Board() = default;

  template <class Body>
  auto write(Body&& body) -> std::invoke_result_t<Body&, BoardTransaction&> {
    return run_body<BoardTransaction>(body, [&](RawBody raw, void* context) { return run_write(raw, context); });
  }
  template <class Body>
  auto read(Body&& body) -> std::invoke_result_t<Body&, BoardTransaction&> {
    return run_body<BoardTransaction>(body, [&](RawBody raw, void* context) { return run_read(raw, context); });
  }

  // Of the newest commit; costs two loads. Equal to the id() of a transaction: nothing changed since that looked. (Not
  // to be compared with an earlier answer of itself: a commit shows here a moment before new snapshots see it.) Grows
  // also when the board is made anew.
  virtual std::uint64_t last_transaction_id() const = 0;

  // failed_precondition in a forked child; otherwise, at most once a recheck interval, reopens the board if its files
  // were removed or replaced behind our back. Both transactions call it by themselves.
  virtual Result<void> check_usable() = 0;

 protected:
  using RawBody = TransactionBody<BoardTransaction>;
  virtual Result<void> run_write(RawBody body, void* context) = 0;
  virtual Result<void> run_read(RawBody body, void* context) = 0;
};

}  // namespace aldis
