#include "engines/local/board_environment.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/board_keys.h"

namespace aldis {
namespace {

constexpr unsigned kFlags = MDB_NOSYNC | MDB_NOSUBDIR | MDB_NOTLS;
constexpr mdb_mode_t kFileMode = 0600;
constexpr MDB_dbi kFreePages = 0;  // LMDB's own database of freed pages, by the transaction that freed them
constexpr std::size_t kPooledReadersMax = 64;
constexpr char kFormatKey[] = {board_key::kFormat};

struct EnvironmentCloser {
  void operator()(MDB_env* environment) const { mdb_env_close(environment); }
};
using OwnedEnvironment = std::unique_ptr<MDB_env, EnvironmentCloser>;

MDB_val format_key() { return {sizeof kFormatKey, const_cast<char*>(kFormatKey)}; }

bool is_nearly_full(const std::string& path) {
  constexpr std::size_t kFewBlocks = 1024;
  struct statvfs status{};
  return statvfs(path.c_str(), &status) == 0 && status.f_blocks != 0 && status.f_bavail < kFewBlocks;
}

Error translate(int code, std::string_view doing, const std::string& path) {
  const std::string what = fmt::format("cannot {} {}", doing, path);
  // LMDB reports a write that a full file system cut short as EIO.
  const bool no_room = code == ENOSPC || code == EDQUOT || (code == EIO && is_nearly_full(path));
  if (no_room) {
    return make_error(ErrorCode::resource_exhausted, "{}: its file system is full; make room there", what);
  }
  if (code == MDB_TXN_FULL || code == ENOMEM || code == EMFILE || code == ENFILE || code == EAGAIN) {
    return make_error(ErrorCode::resource_exhausted, "{}: {}", what, mdb_strerror(code));
  }
  const bool damaged = code == MDB_INVALID || code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_PANIC ||
                       code == MDB_VERSION_MISMATCH || code == EIO;
  if (damaged) {
    return make_error(ErrorCode::data_loss, "{}: {}; stop its agents and remove it", what, mdb_strerror(code));
  }
  return make_error(ErrorCode::internal, "{}: {}", what, mdb_strerror(code));
}

int create_format_record(MDB_env* environment, std::string_view format) {
  MDB_txn* transaction = nullptr;
  int code = mdb_txn_begin(environment, nullptr, 0, &transaction);
  if (code != 0) return code;
  MDB_dbi records = 0;
  MDB_val key = format_key();
  MDB_val value{format.size(), const_cast<char*>(format.data())};
  code = mdb_dbi_open(transaction, nullptr, 0, &records);
  if (code == 0) code = mdb_put(transaction, records, &key, &value, 0);
  if (code == 0) return mdb_txn_commit(transaction);
  mdb_txn_abort(transaction);
  return code;
}

// One line of mdb_reader_list: pid, thread, and the transaction or "-".
struct ReaderLine {
  int pid = 0;
  std::optional<std::uint64_t> transaction_id;
};

std::vector<ReaderLine> list_readers(MDB_env* environment) {
  std::vector<ReaderLine> readers;
  mdb_reader_list(
      environment,
      [](const char* line, void* context) {
        ReaderLine reader;
        unsigned long long transaction = 0;
        const int fields = std::sscanf(line, "%d %*x %llu", &reader.pid, &transaction);
        if (fields == 2) reader.transaction_id = transaction;
        if (fields >= 1) static_cast<std::vector<ReaderLine>*>(context)->push_back(reader);
        return 0;
      },
      &readers);
  return readers;
}

}  // namespace

std::optional<FileKey> FileKey::of(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  return FileKey{status.st_dev, status.st_ino};
}

std::size_t BoardEnvironment::reader_lock_bytes() {
  // MDB_txninfo of LMDB 0.9: two cache lines of header, then one for each reader. LMDB takes a longer file for a larger
  // table, and the page that it ends in is allocated whole.
  constexpr std::size_t kCacheLine = 64;
  return (2 + limits::kBoardReadersMax) * kCacheLine;
}

Result<void> BoardEnvironment::make_data_file(const std::string& path, std::size_t size_bytes,
                                              std::string_view format) {
  MDB_env* created = nullptr;
  int code = mdb_env_create(&created);
  if (code != 0) return std::unexpected(translate(code, "make", path));
  const OwnedEnvironment environment(created);
  code = mdb_env_set_mapsize(created, size_bytes);
  if (code == 0) code = mdb_env_open(created, path.c_str(), kFlags | MDB_NOLOCK, kFileMode);
  if (code == 0) code = create_format_record(created, format);
  if (code != 0) return std::unexpected(translate(code, "make", path));
  return {};
}

Result<std::unique_ptr<BoardEnvironment>> BoardEnvironment::open(const BoardFiles& files,
                                                                 std::chrono::nanoseconds timeout) {
  std::unique_ptr<BoardEnvironment> opened(new BoardEnvironment(files));
  ALDIS_TRY_ASSIGN(opened->locks_, LockPage::open(files.lock_page));
  opened->format_ = std::string(opened->locks_->format());
  const std::optional<BoardFormat> format = decode_board_format(opened->format_);
  if (!format) return fail(ErrorCode::data_loss, "{} cannot be read: stop its agents and remove it", files.lock_page);
  opened->first_id_ = format->first_id;
  ALDIS_TRY(opened->open_files());

  ALDIS_TRY_ASSIGN(MDB_txn* const transaction, opened->begin_read(timeout));
  MDB_dbi records = 0;
  MDB_val key = format_key();
  MDB_val value{};
  int code = mdb_dbi_open(transaction, nullptr, 0, &records);  // once per environment: it sets the order of keys
  if (code == 0) code = mdb_get(transaction, records, &key, &value);
  if (code == 0) opened->format_.assign(static_cast<const char*>(value.mv_data), value.mv_size);
  opened->end_read(transaction);
  if (code != 0) return std::unexpected(translate(code, "read the format of", files.data));
  return opened;
}

Result<void> BoardEnvironment::open_files() {
  const auto data_key = FileKey::of(files_.data);
  const auto reader_lock_key = FileKey::of(files_.reader_lock);
  const auto lock_page_key = FileKey::of(files_.lock_page);
  if (!data_key || !reader_lock_key || !lock_page_key) {
    return fail(ErrorCode::unavailable, "{} was removed while it was opened: try again", files_.data);
  }
  data_key_ = *data_key;
  reader_lock_key_ = *reader_lock_key;
  lock_page_key_ = *lock_page_key;
  int code = mdb_env_create(&environment_);
  if (code == 0) code = mdb_env_set_maxreaders(environment_, limits::kBoardReadersMax);
  // No size of map: that of the board's maker is in the file.
  if (code == 0) code = mdb_env_open(environment_, files_.data.c_str(), kFlags, kFileMode);
  if (code != 0) return std::unexpected(translate(code, "open", files_.data));
  int data_file = -1;
  mdb_env_get_fd(environment_, &data_file);
  fcntl(data_file, F_SETFD, FD_CLOEXEC);  // the one descriptor that LMDB would hand to child programs
  return {};
}

BoardEnvironment::~BoardEnvironment() {
  if (environment_ == nullptr) return;
  {
    const MutexLock lock(pool_mutex_);
    for (MDB_txn* const transaction : pool_) mdb_txn_abort(transaction);
  }
  mdb_env_close(environment_);
}

bool BoardEnvironment::is_in_place() const {
  return FileKey::of(files_.data) == data_key_ && FileKey::of(files_.reader_lock) == reader_lock_key_ &&
         FileKey::of(files_.lock_page) == lock_page_key_;
}

std::uint64_t BoardEnvironment::last_transaction_id() const {
  MDB_envinfo info;
  mdb_env_info(environment_, &info);
  return first_id_ + info.me_last_txnid;
}

BoardEnvironment::Usage BoardEnvironment::usage() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(environment_, &info);
  mdb_env_stat(environment_, &stat);
  Usage usage;
  usage.page_bytes = stat.ms_psize;
  usage.pages_max = info.me_mapsize / stat.ms_psize;
  usage.pages_touched = info.me_last_pgno + 1;
  usage.readers_max = info.me_maxreaders;
  return usage;
}

std::size_t BoardEnvironment::count_readers() const { return list_readers(environment_).size(); }

Result<std::size_t> BoardEnvironment::count_free_pages(std::chrono::nanoseconds timeout) {
  ALDIS_TRY_ASSIGN(MDB_txn* const transaction, begin_read(timeout));
  // The oldest snapshot read, ours included: LMDB reuses what was freed before it.
  const std::size_t oldest = oldest_pin().value_or(Pin{0, mdb_txn_id(transaction)}).transaction_id;
  std::size_t pages = 0;
  MDB_cursor* cursor = nullptr;
  int code = mdb_cursor_open(transaction, kFreePages, &cursor);
  if (code == 0) {
    MDB_val key{};
    MDB_val value{};
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
      if (*static_cast<const std::size_t*>(key.mv_data) >= oldest) break;
      pages += *static_cast<const std::size_t*>(value.mv_data);  // the list's length stands first
    }
    if (code == MDB_NOTFOUND) code = 0;
    mdb_cursor_close(cursor);
  }
  end_read(transaction);
  if (code != 0) return std::unexpected(translate(code, "count the free pages of", files_.data));
  return pages;
}

MDB_txn* BoardEnvironment::pooled_reader() {
  const MutexLock lock(pool_mutex_);
  if (pool_.empty()) return nullptr;
  MDB_txn* const transaction = pool_.back();
  pool_.pop_back();
  return transaction;
}

Result<MDB_txn*> BoardEnvironment::begin_read(std::chrono::nanoseconds timeout) {
  MDB_txn* const transaction = pooled_reader();
  if (transaction == nullptr) return new_reader(timeout);
  const int code = mdb_txn_renew(transaction);
  if (code == 0) return transaction;
  // MDB_BAD_RSLOT: the slot is somebody else's by now and not ours to free.
  if (code != MDB_BAD_RSLOT) mdb_txn_abort(transaction);
  return std::unexpected(translate(code, "read", files_.data));
}

Result<MDB_txn*> BoardEnvironment::new_reader(std::chrono::nanoseconds timeout) {
  for (bool mended = false;; mended = true) {
    MDB_txn* transaction = nullptr;
    int code = 0;
    {
      ALDIS_TRY_ASSIGN(const LockHold hold, locks_->lock_reader_table(timeout));
      code = mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &transaction);
    }
    if (code == 0) return transaction;
    if (code != MDB_READERS_FULL) return std::unexpected(translate(code, "read", files_.data));
    if (mended) break;
    ALDIS_TRY(clear_dead_readers(timeout));
  }
  return fail(ErrorCode::resource_exhausted,
              "all {} reader slots of {} are taken, most of them by pid {}: stop some of its agents",
              usage().readers_max, files_.data, greediest_reader());
}

void BoardEnvironment::end_read(MDB_txn* transaction) {
  mdb_txn_reset(transaction);
  {
    const MutexLock lock(pool_mutex_);
    if (pool_.size() < kPooledReadersMax) {
      pool_.push_back(transaction);
      return;
    }
  }
  mdb_txn_abort(transaction);
}

Result<MDB_txn*> BoardEnvironment::begin_write() {
  MDB_txn* transaction = nullptr;
  const int code = mdb_txn_begin(environment_, nullptr, 0, &transaction);
  if (code == 0) return transaction;
  return std::unexpected(translate(code, "write to", files_.data));
}

Result<void> BoardEnvironment::clear_dead_readers(std::chrono::nanoseconds timeout) {
  ALDIS_TRY_ASSIGN(const LockHold hold, locks_->lock_reader_table(timeout));
  const int code = mdb_reader_check(environment_, nullptr);
  if (code == 0) return {};
  return std::unexpected(translate(code, "clear dead readers of", files_.data));
}

std::optional<BoardEnvironment::Pin> BoardEnvironment::oldest_pin() const {
  std::optional<Pin> oldest;
  for (const ReaderLine& reader : list_readers(environment_)) {
    if (!reader.transaction_id) continue;
    if (!oldest || *reader.transaction_id < oldest->transaction_id) oldest = Pin{reader.pid, *reader.transaction_id};
  }
  return oldest;
}

int BoardEnvironment::greediest_reader() const {
  std::map<int, int> slots;
  for (const ReaderLine& reader : list_readers(environment_)) ++slots[reader.pid];
  const auto most = std::ranges::max_element(slots, {}, [](const auto& entry) { return entry.second; });
  return most == slots.end() ? 0 : most->first;
}

Error BoardEnvironment::error(int code, std::string_view doing) const { return translate(code, doing, files_.data); }

}  // namespace aldis
