#include "engines/local/lmdb_transaction.h"

#include <lmdb.h>

#include <algorithm>

#include "aldis/limits.h"
#include "engines/local/board_keys.h"

namespace aldis {
namespace {

constexpr MDB_dbi kRecords = 1;  // the unnamed database, open since BoardEnvironment::open

// A commit of the largest payload touches about this many pages; so many commits are safe between two counts.
constexpr std::size_t kPagesPerCommit = limits::kPayloadBytesMax / 4096 + 16;
constexpr std::size_t kCommitsBetweenCountsMax = 64;

MDB_val to_lmdb(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
std::string_view from_lmdb(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

}  // namespace

LmdbTransaction::LmdbTransaction(BoardEnvironment& environment, MDB_txn* transaction, Kind kind,
                                 std::chrono::nanoseconds timeout, ProcessTable* processes)
    : environment_(environment), transaction_(transaction), kind_(kind), timeout_(timeout), processes_(processes) {}

LmdbTransaction::~LmdbTransaction() {
  if (transaction_ == nullptr) return;
  close_cursor();
  if (kind_ == Kind::read) {
    environment_.end_read(transaction_);
  } else {
    mdb_txn_abort(transaction_);
  }
}

std::uint64_t LmdbTransaction::id() const { return environment_.first_id() + mdb_txn_id(transaction_); }

std::optional<std::string_view> LmdbTransaction::get(std::string_view key) {
  if (failure_) return std::nullopt;
  MDB_val lmdb_key = to_lmdb(key);
  MDB_val value{};
  const int code = mdb_get(transaction_, kRecords, &lmdb_key, &value);
  if (code == 0) return from_lmdb(value);
  if (code != MDB_NOTFOUND) remember(code, "read");
  return std::nullopt;
}

void LmdbTransaction::put(std::string_view key, std::string_view value) {
  if (failure_) return;
  MDB_val lmdb_key = to_lmdb(key);
  MDB_val lmdb_value = to_lmdb(value);
  if (const int code = mdb_put(transaction_, kRecords, &lmdb_key, &lmdb_value, 0)) remember(code, "write to");
}

bool LmdbTransaction::erase(std::string_view key) {
  if (failure_) return false;
  MDB_val lmdb_key = to_lmdb(key);
  const int code = mdb_del(transaction_, kRecords, &lmdb_key, nullptr);
  if (code != 0 && code != MDB_NOTFOUND) remember(code, "write to");
  return code == 0;
}

std::optional<BoardTransaction::Entry> LmdbTransaction::seek(std::string_view prefix, std::string_view from) {
  if (failure_) return std::nullopt;
  prefix_ = prefix;
  if (cursor_ == nullptr) {
    if (const int code = mdb_cursor_open(transaction_, kRecords, &cursor_)) {
      remember(code, "read");
      return std::nullopt;
    }
  }
  MDB_val key = to_lmdb(std::max(prefix, from));
  MDB_val value{};
  const int code = mdb_cursor_get(cursor_, &key, &value, MDB_SET_RANGE);
  return answer(code, from_lmdb(key), from_lmdb(value));
}

std::optional<BoardTransaction::Entry> LmdbTransaction::next() {
  if (failure_ || cursor_ == nullptr) return std::nullopt;
  MDB_val key{};
  MDB_val value{};
  const int code = mdb_cursor_get(cursor_, &key, &value, MDB_NEXT);
  return answer(code, from_lmdb(key), from_lmdb(value));
}

std::optional<BoardTransaction::Entry> LmdbTransaction::answer(int code, std::string_view key, std::string_view value) {
  if (code == 0 && key.starts_with(prefix_)) return Entry{key, value};
  if (code != 0 && code != MDB_NOTFOUND) remember(code, "read");
  return std::nullopt;
}

bool LmdbTransaction::has_room_for_signals() {
  if (failure_) return false;
  const std::uint64_t now = id();
  const BoardEnvironment::RoomEstimate& estimate = environment_.room_estimate();
  if (now >= estimate.counted_at && now < estimate.good_until) return true;
  const std::size_t pages_for_signals = environment_.usage().pages_max * limits::kBoardSignalShare / 100;
  std::size_t pages_used = count_used_pages(pages_for_signals);
  if (pages_used >= pages_for_signals) {
    if (const Result<void> cleared = environment_.clear_dead_readers(timeout_); !cleared) failure_ = cleared.error();
    pages_used = count_used_pages(pages_for_signals);
  }
  if (failure_ || pages_used >= pages_for_signals) return false;
  const std::size_t commits = std::min((pages_for_signals - pages_used) / kPagesPerCommit, kCommitsBetweenCountsMax);
  environment_.room_estimate() = {now, now + commits};
  return true;
}

// The list of free pages is walked only when the file has grown beyond what signals may fill.
std::size_t LmdbTransaction::count_used_pages(std::size_t pages_for_signals) {
  const std::size_t touched = environment_.usage().pages_touched;
  if (failure_ || touched < pages_for_signals) return touched;
  const Result<std::size_t> free_pages = environment_.count_free_pages(timeout_);
  if (!free_pages) failure_ = free_pages.error();
  return free_pages ? touched - std::min(touched, *free_pages) : touched;
}

bool LmdbTransaction::process_exists(const ProcessIdentity& process) {
  return processes_ != nullptr && processes_->examine(process) == ProcessEvidence::exists;
}

bool LmdbTransaction::is_of_the_format_opened() {
  constexpr char kKey[] = {board_key::kFormat};
  const auto record = get({kKey, sizeof kKey});
  return record && *record == environment_.format();
}

void LmdbTransaction::commit() {
  if (failure_) return;
  close_cursor();
  const int code = mdb_txn_commit(transaction_);  // frees it, whatever it answers
  transaction_ = nullptr;
  if (code != 0) remember(code, "commit to");
}

void LmdbTransaction::remember(int code, std::string_view doing) {
  out_of_map_ = code == MDB_MAP_FULL;
  failure_ = environment_.error(code, doing);
}

void LmdbTransaction::close_cursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  cursor_ = nullptr;
}

}  // namespace aldis
