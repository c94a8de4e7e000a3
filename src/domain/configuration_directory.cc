#include "domain/configuration_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "aldis/limits.h"
#include "core/clock.h"
#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"

namespace aldis {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = "approvers.lock";
constexpr int kPauseMilliseconds = 1;  // flock has no deadline, and this lock is held for well under that

std::unexpected<Error> cannot(std::string_view what, const std::string& path, int reason) {
  const bool denied = reason == EACCES || reason == EPERM;
  return std::unexpected(system_error(denied ? ErrorCode::permission_denied : ErrorCode::failed_precondition,
                                      fmt::format("cannot {} {}", what, path), reason));
}

bool is_missing(int reason) { return reason == ENOENT || reason == ENOTDIR; }

Result<void> check_shut(const struct stat& status, const std::string& path) {
  if ((status.st_mode & 022) == 0) return {};
  return fail(ErrorCode::failed_precondition, "others may write to {} (mode {:04o}): run chmod go-w on it", path,
              status.st_mode & 07777);
}

Result<std::string> read_whole(const FileDescriptor& file, const std::string& path) {
  std::string bytes(limits::kApproverFileBytesMax + 1, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("read", path, errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  if (filled == bytes.size()) {
    return fail(ErrorCode::invalid_argument, "{} is longer than {} bytes", path, limits::kApproverFileBytesMax);
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::string> home_directory() {
  std::array<char, 16 * 1024> text{};
  struct passwd entry{};
  struct passwd* found = nullptr;
  getpwuid_r(geteuid(), &entry, text.data(), text.size(), &found);
  if (found != nullptr && found->pw_dir != nullptr && *found->pw_dir == '/') return std::string(found->pw_dir);
  return fail(ErrorCode::failed_precondition,
              "user {} has no home directory: name a configuration directory (configuration_directory, ALDIS_CONFIG)",
              geteuid());
}

Result<std::string> own_directory(const std::string& own) {
  if (!own.empty()) return own;
  ALDIS_TRY_ASSIGN(const std::string home, home_directory());
  return home + "/.config/aldis";
}

bool is_out_of_reach(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && !S_ISLNK(status.st_mode) && status.st_uid != geteuid() &&
         faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0;
}

}  // namespace

Result<std::string> choose_configuration_directory(const std::string& named, const std::string& own,
                                                   const std::string& system) {
  if (!named.empty()) return named;
  struct stat status{};
  // One that cannot be looked into is chosen as well: its reading fails, and says why.
  if (stat((system + "/" + kPolicyFile).c_str(), &status) == 0 || !is_missing(errno)) return system;
  return own_directory(own);
}

Result<std::string> choose_key_directory(const std::string& configuration, const std::string& own) {
  struct stat status{};
  const bool belongs_to_another = stat(configuration.c_str(), &status) == 0 && status.st_uid != geteuid();
  return belongs_to_another ? own_directory(own) : configuration;
}

Result<void> check_named_directory(const std::string& named) {
  struct stat status{};
  const int reason = stat(named.c_str(), &status) == 0 ? 0 : errno;
  if (is_missing(reason) || (reason == 0 && !S_ISDIR(status.st_mode))) {
    return fail(ErrorCode::failed_precondition, "there is no configuration directory {}: make it, or name another",
                named);
  }
  if (reason != 0) return cannot("look into the configuration directory", named, reason);
  return {};
}

Result<std::optional<std::string>> read_configuration_file(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  const FileDescriptor folder = own_descriptor(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() && is_missing(errno)) return std::optional<std::string>();
  if (!folder.is_open()) return cannot("open", directory, errno);
  const FileDescriptor file =
      own_descriptor(openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open() && is_missing(errno)) return std::optional<std::string>();
  if (!file.is_open() && errno == ELOOP) {
    return fail(ErrorCode::failed_precondition,
                "{} is a symbolic link, and links are not followed here: put the file itself in its place", path);
  }
  if (!file.is_open()) return cannot("open", path, errno);
  struct stat above{};
  struct stat status{};
  if (fstat(folder.get(), &above) != 0 || fstat(file.get(), &status) != 0) return cannot("examine", path, errno);
  ALDIS_TRY(check_shut(above, directory));
  ALDIS_TRY(check_shut(status, path));
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::failed_precondition, "{} is no regular file", path);
  return read_whole(file, path);
}

bool is_guarded(const std::string& directory) {
  if (geteuid() == 0) return false;
  std::error_code failed;
  fs::path path = fs::absolute(directory, failed).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (failed || fs::canonical(path, failed) != path || failed) return false;
  if (!is_out_of_reach(path / kPolicyFile) || !is_out_of_reach(path / kApproverFile)) return false;
  for (; is_out_of_reach(path); path = path.parent_path()) {
    if (path == path.root_path()) return true;
  }
  return false;
}

Result<ConfigurationLock> ConfigurationLock::take(const FileDescriptor& directory) {
  const SystemClock clock;
  const SteadyTime deadline = clock.steady_now() + limits::kCallTimeoutDefault;
  ALDIS_TRY_ASSIGN(FileDescriptor file, open_own_file(directory, kLockFile, O_RDWR | O_CREAT));
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return cannot("lock", kLockFile, errno);
    if (clock.steady_now() >= deadline) {
      return fail(ErrorCode::deadline_exceeded, "another process has held {} for too long: is one stopped?", kLockFile);
    }
    poll(nullptr, 0, kPauseMilliseconds);
  }
  return ConfigurationLock(std::move(file));
}

ConfigurationLock::~ConfigurationLock() {
  if (file_.is_open()) flock(file_.get(), LOCK_UN);
}

}  // namespace aldis
