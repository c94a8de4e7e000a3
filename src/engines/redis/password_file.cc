#include "engines/redis/password_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"

namespace aldis {
namespace {

std::unexpected<Error> cannot_read(const std::string& path, int reason) {
  const ErrorCode code = reason == EACCES || reason == EPERM    ? ErrorCode::permission_denied
                         : reason == EMFILE || reason == ENFILE ? ErrorCode::resource_exhausted
                                                                : ErrorCode::failed_precondition;
  return std::unexpected(system_error(code, fmt::format("cannot read the password file {}", path), reason));
}

Result<FileDescriptor> open_secret(const std::string& path) {
  // Links are followed: that is how secrets are mounted into containers.
  FileDescriptor file = own_descriptor(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status{};
  if (!file.is_open() || fstat(file.get(), &status) != 0) return cannot_read(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_argument, "the password file {} is no regular file", path);
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorCode::failed_precondition, "the password file {} is open to other users (mode {:04o}): chmod 600",
                path, status.st_mode & 07777);
  }
  return file;
}

Result<std::string> read_password(const std::string& path) {
  ALDIS_TRY_ASSIGN(const FileDescriptor file, open_secret(path));
  std::string password(limits::kRedisPasswordBytesMax + 1, '\0');
  std::size_t length = 0;
  while (length < password.size()) {
    const ssize_t count = read(file.get(), password.data() + length, password.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, errno);
    if (count == 0) break;
    length += static_cast<std::size_t>(count);
  }
  password.resize(length);
  if (password.size() > limits::kRedisPasswordBytesMax) {
    return fail(ErrorCode::invalid_argument, "the password file {} is longer than {} bytes", path,
                limits::kRedisPasswordBytesMax);
  }
  if (password.ends_with('\n')) password.pop_back();
  if (password.empty()) return fail(ErrorCode::invalid_argument, "the password file {} holds no password", path);
  return password;
}

}  // namespace

Result<void> load_password_files(RedisOptions& options) {
  if (!options.password_file.empty()) {
    ALDIS_TRY_ASSIGN(options.credentials.password, read_password(options.password_file));
  }
  if (!options.sentinel_password_file.empty()) {
    ALDIS_TRY_ASSIGN(options.sentinel_credentials.password, read_password(options.sentinel_password_file));
  }
  return {};
}

}  // namespace aldis
