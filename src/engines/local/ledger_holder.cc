#include "engines/local/ledger_holder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <vector>

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

// The numbers of our descriptors of that file.
std::vector<int> descriptors_of(const std::string& path) {
  std::vector<int> found;
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return found;
  const std::filesystem::path name = std::filesystem::path(path).filename();
  std::error_code failure;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    // The name first: to examine a file on a dead network file system would take for ever.
    std::error_code gone;
    if (std::filesystem::read_symlink(entry->path(), gone).filename() != name) continue;
    struct stat opened{};
    if (stat(entry->path().c_str(), &opened) != 0 || opened.st_dev != file.st_dev || opened.st_ino != file.st_ino)
      continue;
    const std::string number = entry->path().filename().string();
    int descriptor = -1;
    std::from_chars(number.data(), number.data() + number.size(), descriptor);
    found.push_back(descriptor);
  }
  return found;
}

}  // namespace

std::optional<int> find_ledger_holder(const std::string& path) {
  for (const int descriptor : descriptors_of(path + "-shm")) {
    for (const off_t lock : {kWriteLock, kRecoveryLock}) {
      if (const auto pid = holder_of(descriptor, {lock, 1, F_WRLCK})) return pid;
    }
  }
  for (const int descriptor : descriptors_of(path)) {
    if (const auto pid = holder_of(descriptor, {kPendingByte, 2 + kSharedBytes, F_RDLCK})) return pid;
  }
  return std::nullopt;
}

}  // namespace aldis
