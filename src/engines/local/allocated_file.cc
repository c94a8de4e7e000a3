#include "engines/local/allocated_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "core/failure.h"

namespace aldis {
namespace {

ErrorCode code_of(int reason) {
  if (reason == ENOSPC || reason == EDQUOT || reason == ENOMEM || reason == EMFILE || reason == ENFILE) {
    return ErrorCode::resource_exhausted;
  }
  return ErrorCode::failed_precondition;
}

}  // namespace

Result<FileDescriptor> create_allocated_file(const std::string& path, std::size_t size_bytes) {
  unlink(path.c_str());
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  int reason = file.is_open() ? 0 : errno;
  if (reason == 0) reason = posix_fallocate(file.get(), 0, static_cast<off_t>(size_bytes));
  if (reason == 0) return file;
  if (file.is_open()) unlink(path.c_str());
  return std::unexpected(
      system_error(code_of(reason), fmt::format("cannot allocate {} bytes for {}", size_bytes, path), reason));
}

Result<void> rename_file(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  return std::unexpected(system_error(code_of(errno), fmt::format("cannot rename {} to {}", from, to), errno));
}

Result<bool> is_own_file(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    return std::unexpected(system_error(code_of(errno), "cannot examine " + path, errno));
  }
  if (S_ISLNK(status.st_mode)) {
    return fail(ErrorCode::failed_precondition, "{} is a link; Aldis made a file there: remove it", path);
  }
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
    return fail(ErrorCode::failed_precondition, "{} is not a file of one name; Aldis made one there: remove it", path);
  }
  if (status.st_uid != geteuid()) {
    return fail(ErrorCode::failed_precondition, "{} belongs to user {}, not to user {}", path, status.st_uid,
                geteuid());
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorCode::failed_precondition, "{} is open to other users (mode {:04o}): run chmod 600 on it", path,
                status.st_mode & 07777);
  }
  return true;
}

void* map_shared(const FileDescriptor& file, std::size_t size_bytes) {
  void* const memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace aldis
