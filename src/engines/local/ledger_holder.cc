#include "engines/local/ledger_holder.h"

#include <fcntl.h>

#include <charconv>
#include <filesystem>
#include <string_view>

namespace aldis {
namespace {

// https://www.sqlite.org/walformat.html: bytes of "-shm"; https://www.sqlite.org/fileformat.html: of the database.
constexpr off_t kWriteLock = 120;
constexpr off_t kRecoveryLock = 122;
constexpr off_t kPendingByte = 0x40000000;
constexpr off_t kSharedBytes = 510;

struct Range {
  off_t first;
  off_t count;
  short type;  // whom it would disturb
};

std::optional<int> holder_of(int descriptor, Range range) {
  struct flock lock{};
  lock.l_type = range.type;
  lock.l_whence = SEEK_SET;
  lock.l_start = range.first;
  lock.l_len = range.count;
  if (fcntl(descriptor, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK || lock.l_pid <= 0) return std::nullopt;
  return lock.l_pid;
}

}  // namespace

std::optional<int> find_ledger_holder(const std::string& path) {
  const std::string shared = path + "-shm";
  std::error_code failure;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry->path(), gone).string();
    if (gone || (target != path && target != shared)) continue;
    const std::string number = entry->path().filename().string();
    int descriptor = -1;
    std::from_chars(number.data(), number.data() + number.size(), descriptor);
    const bool is_shared = target == shared;
    const Range write = is_shared ? Range{kWriteLock, 1, F_WRLCK} : Range{kPendingByte, 1, F_RDLCK};
    const Range other = is_shared ? Range{kRecoveryLock, 1, F_WRLCK} : Range{kPendingByte + 2, kSharedBytes, F_RDLCK};
    for (const Range range : {write, other}) {
      if (const auto pid = holder_of(descriptor, range)) return pid;
    }
  }
  return std::nullopt;
}

}  // namespace aldis
