#include "engines/local/ledger_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "core/failure.h"
#include "core/try.h"
#include "engines/local/allocated_file.h"
#include "engines/local/state_directory.h"

namespace aldis {
namespace {

constexpr std::string_view kPrefix = "ledger-";
constexpr std::string_view kSuffix = ".sqlite3";

ErrorCode code_of(int reason) {
  switch (reason) {
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::resource_exhausted;
    default:
      return ErrorCode::failed_precondition;
  }
}

}  // namespace

std::string ledger_path(const std::string& state_directory, const std::string& namespace_name) {
  return fmt::format("{}/{}{}{}", state_directory, kPrefix, namespace_name, kSuffix);
}

std::vector<std::string> list_ledgers(const std::string& state_directory) {
  std::vector<std::string> names;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(state_directory, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (name.size() <= kPrefix.size() + kSuffix.size() || !name.starts_with(kPrefix) || !name.ends_with(kSuffix)) {
      continue;
    }
    names.push_back(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
  }
  std::ranges::sort(names);
  return names;
}

bool is_ledger_writable(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0 &&
         faccessat(AT_FDCWD, directory.c_str(), W_OK, AT_EACCESS) == 0;
}

LedgerFileState examine_ledger_file(const std::string& path) {
  LedgerFileState state;
  struct stat status{};
  if (stat(path.c_str(), &status) == 0) {
    constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
    state.file = {status.st_dev, status.st_ino};
    state.size_bytes = status.st_size;
    state.changed_ns = status.st_ctim.tv_sec * kNanosecondsPerSecond + status.st_ctim.tv_nsec;
  }
  state.has_shared_memory = stat((path + "-shm").c_str(), &status) == 0;
  return state;
}

Result<void> ready_ledger_file(const std::string& path) {
  ALDIS_TRY(prepare_state_directory(std::filesystem::path(path).parent_path().string()));
  ALDIS_TRY_ASSIGN(const bool exists, is_own_file(path));
  if (exists) return {};
  const int made = mknod(path.c_str(), S_IFREG | 0600, 0);
  if (made != 0 && errno != EEXIST) {
    return std::unexpected(system_error(code_of(errno), "cannot make the ledger " + path, errno));
  }
  // The umask may have taken our own permissions away.
  if (made == 0) chmod(path.c_str(), 0600);
  ALDIS_TRY(is_own_file(path));
  return {};
}

}  // namespace aldis
