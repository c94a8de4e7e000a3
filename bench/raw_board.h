#pragma once
// The yardstick: LMDB as bare as it can be used, with the flags that the board uses. Implemented in raw_board.cc.

#include <lmdb.h>

#include <string>
#include <string_view>

namespace aldis::bench {

class RawBoard {
 public:
  explicit RawBoard(const std::string& path);
  ~RawBoard();
  RawBoard(const RawBoard&) = delete;
  RawBoard& operator=(const RawBoard&) = delete;

  void put(std::string_view key, std::string_view value);  // one transaction each
  bool take(std::string_view key);                         // get and delete in one transaction
  void clear();

 private:
  MDB_env* env_ = nullptr;
  MDB_dbi database_ = 0;
};

}  // namespace aldis::bench
