#pragma once
// The records of signals within one transaction of the board, typed. Used by everything that makes up the local
// SignalStore; implemented in signal_tables.cc.
//
// Model: as BoardTransaction, whose first failure sticks: a record that cannot be decoded, or that another one names
// and that is not there, counts as absent and is remembered. Whoever runs a body ends it with `intact()`, so nothing is
// committed or answered on the strength of it; reclaiming goes no further with what the record belongs to. Kept records
// carry the time until which they count; they are absent afterwards, and have a due entry. Threads: as the transaction.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aldis/result.h"
#include "engines/local/board.h"
#include "engines/local/signal_codec.h"

namespace aldis::local {

class SignalTables {
 public:
  explicit SignalTables(BoardTransaction& board) : board_(board) {}

  BoardTransaction& board() { return board_; }
  Result<void> intact() const;  // data_loss, naming the kind of record
  bool is_damaged() const { return damaged_kind_ != 0; }

  template <class Record>
  std::optional<Record> get(std::string_view key) {
    const std::optional<std::string_view> bytes = board_.get(key);
    return bytes ? read<Record>(key, *bytes) : std::nullopt;
  }

  // For one that must be there, because another record says so: its absence is damage.
  template <class Record>
  std::optional<Record> require(std::string_view key) {
    std::optional<Record> record = get<Record>(key);
    if (!record) note_damage(key);
    return record;
  }

  // For a value that a seek answered.
  template <class Record>
  std::optional<Record> read(std::string_view key, std::string_view bytes) {
    std::optional<Record> record(std::in_place);
    if (decode(bytes, *record)) return record;
    note_damage(key);
    return std::nullopt;
  }

  template <class Record>
  void put(std::string_view key, const Record& record) {
    board_.put(key, encode(record));
  }

  template <class Record>
  std::optional<Record> get_kept(std::string_view key, BootTime now) {
    std::optional<Record> record = get<Record>(key);
    if (record && record->keep_until <= now) record.reset();
    return record;
  }

  template <class Record>
  void put_kept(std::string_view key, const Record& record) {
    ensure_due(key, record.keep_until);
    put(key, record);
  }

  // Visits the entries that begin with `prefix`, from `from` on, until `visit(key, value)` is false. It must not write.
  template <class Visit>
  void each(std::string_view prefix, std::string_view from, Visit&& visit) {
    for (auto entry = board_.seek(prefix, from); entry; entry = board_.next()) {
      if (!visit(entry->key, entry->value)) return;
    }
  }

  // `types`, or if there are none each name that follows `prefix` in some key.
  std::vector<std::string> names_after(std::string_view prefix, const std::vector<std::string>& types);

 private:
  void note_damage(std::string_view key);
  void ensure_due(std::string_view key, BootTime due);

  BoardTransaction& board_;
  char damaged_kind_ = 0;
};

}  // namespace aldis::local
