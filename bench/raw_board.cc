#include "raw_board.h"

#include <fmt/core.h>

#include <cstdlib>

#include "aldis/limits.h"

namespace aldis::bench {
namespace {

void must(int code, const char* what) {
  if (code == MDB_SUCCESS) return;
  fmt::print(stderr, "{}: {}\n", what, mdb_strerror(code));
  std::exit(1);
}

MDB_val as_value(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

}  // namespace

RawBoard::RawBoard(const std::string& path) {
  must(mdb_env_create(&env_), "mdb_env_create");
  must(mdb_env_set_mapsize(env_, limits::kBoardBytesMax), "mdb_env_set_mapsize");
  must(mdb_env_open(env_, path.c_str(), MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS, 0600), "mdb_env_open");
  MDB_txn* transaction = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &transaction), "mdb_txn_begin");
  must(mdb_dbi_open(transaction, nullptr, 0, &database_), "mdb_dbi_open");
  must(mdb_txn_commit(transaction), "mdb_txn_commit");
}

RawBoard::~RawBoard() { mdb_env_close(env_); }

void RawBoard::put(std::string_view key, std::string_view value) {
  MDB_txn* transaction = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &transaction), "mdb_txn_begin");
  MDB_val raw_key = as_value(key);
  MDB_val raw_value = as_value(value);
  must(mdb_put(transaction, database_, &raw_key, &raw_value, 0), "mdb_put");
  must(mdb_txn_commit(transaction), "mdb_txn_commit");
}

bool RawBoard::take(std::string_view key) {
  MDB_txn* transaction = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &transaction), "mdb_txn_begin");
  MDB_val raw_key = as_value(key);
  MDB_val value{};
  if (mdb_get(transaction, database_, &raw_key, &value) != MDB_SUCCESS) {
    mdb_txn_abort(transaction);
    return false;
  }
  must(mdb_del(transaction, database_, &raw_key, nullptr), "mdb_del");
  must(mdb_txn_commit(transaction), "mdb_txn_commit");
  return true;
}

void RawBoard::clear() {
  MDB_txn* transaction = nullptr;
  must(mdb_txn_begin(env_, nullptr, 0, &transaction), "mdb_txn_begin");
  must(mdb_drop(transaction, database_, 0), "mdb_drop");
  must(mdb_txn_commit(transaction), "mdb_txn_commit");
}

}  // namespace aldis::bench
