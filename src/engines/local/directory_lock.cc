#include "engines/local/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

#include "core/clock.h"
#include "core/failure.h"

namespace aldis {
namespace {

constexpr std::chrono::milliseconds kPause{1};  // flock has no deadline, and this lock is held for well under that

bool is_still_at(const std::string& path, const FileDescriptor& descriptor) {
  struct stat there{};
  struct stat here{};
  return stat(path.c_str(), &there) == 0 && fstat(descriptor.get(), &here) == 0 && there.st_dev == here.st_dev &&
         there.st_ino == here.st_ino;
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory, std::chrono::nanoseconds timeout) {
  const SystemClock clock;
  const SteadyTime deadline = clock.steady_now() + timeout;
  while (true) {
    FileDescriptor descriptor(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.is_open()) {
      return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot open " + directory, errno));
    }
    while (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot lock " + directory, errno));
      }
      if (clock.steady_now() >= deadline) {
        return fail(ErrorCode::deadline_exceeded,
                    "another process has been opening a board in {} for too long: is one stopped? (try fuser -v {})",
                    directory, directory);
      }
      std::this_thread::sleep_for(kPause);
    }
    // Somebody may have removed the directory and made another while we waited.
    if (is_still_at(directory, descriptor)) return DirectoryLock(std::move(descriptor));
  }
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_.is_open()) flock(descriptor_.get(), LOCK_UN);
}

}  // namespace aldis
