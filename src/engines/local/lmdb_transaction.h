#pragma once
// A BoardTransaction on LMDB: one snapshot or one write, whose first failure sticks. Used by board.cc; implemented in
// lmdb_transaction.cc.
//
// Threads: one thread, the one that began it.

#include <optional>

#include "engines/local/board.h"
#include "engines/local/board_environment.h"

struct MDB_cursor;

namespace aldis {

class LmdbTransaction final : public BoardTransaction {
 public:
  enum class Kind { read, write };

  // Takes over `transaction`: back to the pool, or aborted unless committed, when this goes.
  LmdbTransaction(BoardEnvironment& environment, MDB_txn* transaction, Kind kind, std::chrono::nanoseconds timeout,
                  ProcessTable* processes = nullptr);
  ~LmdbTransaction() override;
  LmdbTransaction(const LmdbTransaction&) = delete;
  LmdbTransaction& operator=(const LmdbTransaction&) = delete;

  std::uint64_t id() const override;
  std::optional<std::string_view> get(std::string_view key) override;
  void put(std::string_view key, std::string_view value) override;
  bool erase(std::string_view key) override;
  std::optional<Entry> seek(std::string_view prefix, std::string_view from) override;
  std::optional<Entry> next() override;
  bool has_room_for_signals() override;
  bool process_exists(const ProcessIdentity& process) override;

  // The format record is the one that was read when the board was opened.
  bool is_of_the_format_opened();
  void commit();

  bool ran_out_of_map() const { return out_of_map_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  void remember(int code, std::string_view doing);
  std::optional<Entry> answer(int code, std::string_view key, std::string_view value);
  std::size_t count_used_pages(std::size_t pages_for_signals);
  void close_cursor();

  BoardEnvironment& environment_;
  MDB_txn* transaction_;
  const Kind kind_;
  const std::chrono::nanoseconds timeout_;
  ProcessTable* const processes_;
  MDB_cursor* cursor_ = nullptr;
  std::string prefix_;  // of the last seek
  bool out_of_map_ = false;
  std::optional<Error> failure_;
};

}  // namespace aldis
