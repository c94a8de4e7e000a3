#include "core/private_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

constexpr int kFirstOwnDescriptor = STDERR_FILENO + 1;
constexpr int kTries = 3;

ErrorCode code_of(int reason) {
  switch (reason) {
    case ENOENT:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::resource_exhausted;
    default:  // ELOOP, ENOTDIR, ENXIO (a FIFO that nobody reads), EISDIR…
      return ErrorCode::failed_precondition;
  }
}

std::unexpected<Error> failed_to(std::string_view what, const std::string& path, int reason) {
  if (reason == ELOOP) {
    return fail(code_of(reason), "cannot {} {}: it is a symbolic link, and links are not followed", what, path);
  }
  return std::unexpected(system_error(code_of(reason), fmt::format("cannot {} {}", what, path), reason));
}

bool is_link(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

// A slash at the end would follow a link in spite of O_NOFOLLOW.
std::string without_slashes_at_end(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<FileDescriptor> check_own_directory(FileDescriptor directory, const std::string& path, Others others) {
  struct stat status{};
  if (fstat(directory.get(), &status) != 0) return failed_to("examine", path, errno);
  if (status.st_uid != geteuid()) {
    return fail(ErrorCode::failed_precondition, "{} belongs to user {}, not to user {}: choose another directory", path,
                status.st_uid, geteuid());
  }
  const bool closed = others == Others::nothing;
  if ((status.st_mode & (closed ? 0077 : 0022)) != 0) {
    return fail(ErrorCode::failed_precondition, "{} is open to other users (mode {:04o}): run chmod {} on it", path,
                status.st_mode & 07777, closed ? "700" : "go-w");
  }
  return directory;
}

// The nearest existing ancestor, and what is missing below it.
struct Ancestor {
  FileDescriptor directory;
  std::string missing;
};

Result<Ancestor> open_ancestor(const std::string& path) {
  if (!path.starts_with('/')) return fail(ErrorCode::failed_precondition, "\"{}\" is not an absolute path", path);
  std::size_t length = path.size();
  std::string parent;
  FileDescriptor directory;
  do {
    length = path.rfind('/', length - 1);
    parent = path.substr(0, std::max<std::size_t>(length, 1));
    directory = own_descriptor(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  } while (!directory.is_open() && errno == ENOENT && length > 0);

  struct stat status{};
  if (!directory.is_open() || fstat(directory.get(), &status) != 0) return failed_to("open", parent, errno);
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return fail(ErrorCode::failed_precondition,
                "{} belongs to user {}, who could take what is made in it: choose another directory", parent,
                status.st_uid);
  }
  return Ancestor{std::move(directory), path.substr(length + 1)};
}

Result<FileDescriptor> make_below(FileDescriptor directory, const std::string& name, const std::string& path) {
  const bool is_new = mkdirat(directory.get(), name.c_str(), 0700) == 0;
  if (!is_new && errno != EEXIST) return failed_to("make", path, errno);
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  FileDescriptor made = own_descriptor(openat(directory.get(), name.c_str(), kFlags));
  if (!made.is_open()) return failed_to("open", path, errno);
  // A umask of 0777 would leave a directory that its owner cannot enter. By this name, since O_PATH allows no fchmod.
  if (is_new && chmod(fmt::format("/proc/self/fd/{}", made.get()).c_str(), 0700) != 0) {
    return failed_to("open to ourselves", path, errno);
  }
  return check_own_directory(std::move(made), path, Others::may_list);
}

Result<FileDescriptor> open_locked(const FileDescriptor& directory, const std::string& name) {
  for (int tries = 0; tries < kTries; ++tries) {
    ALDIS_TRY_ASSIGN(FileDescriptor file, open_own_file(directory, name, O_WRONLY | O_CREAT));
    if (flock(file.get(), LOCK_EX | LOCK_NB) == 0 && still_names(directory, name, file)) return file;
  }
  return fail(ErrorCode::failed_precondition, "somebody else is writing {} at this moment: try again", name);
}

}  // namespace

FileDescriptor own_descriptor(int opened) {
  if (opened < 0 || opened >= kFirstOwnDescriptor) return FileDescriptor(opened);
  const int moved = fcntl(opened, F_DUPFD_CLOEXEC, kFirstOwnDescriptor);
  const int reason = errno;
  close(opened);
  errno = reason;
  return FileDescriptor(moved);
}

Result<FileDescriptor> open_own_directory(const std::string& path, Others others) {
  const std::string plain = without_slashes_at_end(path);
  FileDescriptor directory =
      own_descriptor(open(plain.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!directory.is_open()) {
    const int reason = errno;
    // Of a link the kernel says that it is no directory.
    return failed_to("open the directory", path, reason == ENOTDIR && is_link(plain) ? ELOOP : reason);
  }
  return check_own_directory(std::move(directory), path, others);
}

Result<FileDescriptor> make_own_directory(const std::string& path, Others others) {
  Result<FileDescriptor> found = open_own_directory(path, others);
  if (found || found.error().code != ErrorCode::not_found) return found;
  ALDIS_TRY_ASSIGN(Ancestor ancestor, open_ancestor(without_slashes_at_end(path)));
  FileDescriptor directory = std::move(ancestor.directory);
  std::string_view missing = ancestor.missing;
  while (!missing.empty()) {
    const std::size_t end = std::min(missing.find('/'), missing.size());
    const std::string name(missing.substr(0, end));
    missing.remove_prefix(std::min(end + 1, missing.size()));
    if (name.empty()) continue;
    ALDIS_TRY_ASSIGN(FileDescriptor made, make_below(std::move(directory), name, path));
    directory = std::move(made);
  }
  return open_own_directory(path, others);
}

Result<FileDescriptor> open_own_file(const FileDescriptor& directory, const std::string& name, int flags) {
  FileDescriptor file = own_descriptor(
      openat(directory.get(), name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (!file.is_open()) return failed_to("open", name, errno);
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return failed_to("examine", name, errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1) {
    return fail(ErrorCode::failed_precondition, "{} is not a file of one name: remove it", name);
  }
  if (status.st_nlink == 0) return fail(ErrorCode::not_found, "{} was removed at this moment", name);
  if (status.st_uid != geteuid()) {
    return fail(ErrorCode::failed_precondition, "{} belongs to user {}, not to user {}: remove it", name, status.st_uid,
                geteuid());
  }
  // One that was made under a umask of 0777 could not be opened again.
  const bool is_shut = (flags & O_CREAT) != 0 && (status.st_mode & 0600) != 0600;
  if (is_shut && fchmod(file.get(), 0600) != 0) return failed_to("open to ourselves", name, errno);
  return file;
}

bool still_names(const FileDescriptor& directory, const std::string& name, const FileDescriptor& file) {
  struct stat named{};
  struct stat opened{};
  return fstatat(directory.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(file.get(), &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

Result<std::string> read_own_file(const FileDescriptor& directory, const std::string& name, std::size_t bytes_max) {
  ALDIS_TRY_ASSIGN(const FileDescriptor file, open_own_file(directory, name, O_RDONLY));
  std::string bytes(bytes_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed_to("read", name, errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  if (filled > bytes_max) {
    return fail(ErrorCode::resource_exhausted, "{} is longer than {} bytes: remove it", name, bytes_max);
  }
  bytes.resize(filled);
  return bytes;
}

Result<void> replace_own_file(const FileDescriptor& directory, const std::string& name, std::string_view bytes,
                              mode_t mode) {
  const std::string temporary = name + ".new";
  // The lock keeps two writers from renaming each other's halves.
  ALDIS_TRY_ASSIGN(const FileDescriptor file, open_locked(directory, temporary));
  if (ftruncate(file.get(), 0) != 0 || !write_once(file, bytes) || fchmod(file.get(), mode) != 0 ||
      fsync(file.get()) != 0 || renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) {
    const int reason = errno;
    unlinkat(directory.get(), temporary.c_str(), 0);
    return failed_to("write", name, reason);
  }
  // The new name, too, is to outlive a crash. EINVAL: this file system syncs no directories.
  if (fsync(directory.get()) != 0 && errno != EINVAL) return failed_to("sync the directory of", name, errno);
  return {};
}

bool write_once(const FileDescriptor& file, std::string_view bytes) {
  sigset_t too_large;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&too_large);
  sigaddset(&too_large, SIGXFSZ);
  sigemptyset(&pending);
  pthread_sigmask(SIG_BLOCK, &too_large, &before);
  if (sigismember(&before, SIGXFSZ) == 1) sigpending(&pending);

  const ssize_t written = write(file.get(), bytes.data(), bytes.size());
  int reason = written < 0 ? errno : ENOSPC;
  if (written == static_cast<ssize_t>(bytes.size())) reason = 0;

  if (reason == EFBIG && sigismember(&pending, SIGXFSZ) != 1) {
    constexpr timespec kNow{};
    while (sigtimedwait(&too_large, nullptr, &kNow) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  return reason == 0;
}

}  // namespace aldis
