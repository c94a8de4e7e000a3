#include "engines/local/runtime_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "core/failure.h"
#include "core/file_descriptor.h"
#include "core/network_file_system.h"
#include "core/try.h"

namespace aldis {
namespace {

constexpr std::string_view kAdvice = "choose another with --runtime-dir or ALDIS_RUNTIME_DIR";

bool is_own_directory(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

Result<void> refuse_network(const std::string& mountinfo, const std::string& path) {
  if (const auto type = network_file_system(mountinfo, path)) {
    return fail(ErrorCode::failed_precondition,
                "the runtime directory {} is on a network file system ({}), where processes cannot share a board: {}",
                path, *type, kAdvice);
  }
  return {};
}

Result<void> make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  const int reason = errno;
  const std::string what = fmt::format("cannot make the runtime directory {} ({})", path, kAdvice);
  if (reason == ENOSPC || reason == EDQUOT)
    return std::unexpected(system_error(ErrorCode::resource_exhausted, what, reason));
  if (reason == EACCES || reason == EPERM || reason == EROFS) {
    return std::unexpected(system_error(ErrorCode::permission_denied, what, reason));
  }
  return std::unexpected(system_error(ErrorCode::failed_precondition, what, reason));
}

Result<FileDescriptor> open_directory(const std::string& path) {
  FileDescriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (directory.is_open()) return directory;
  const int reason = errno;
  struct stat status{};
  if (lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
    return fail(ErrorCode::failed_precondition, "the runtime directory {} is a link, which somebody else may turn: {}",
                path, kAdvice);
  }
  return std::unexpected(system_error(ErrorCode::failed_precondition,
                                      fmt::format("cannot use {} as the runtime directory ({})", path, kAdvice),
                                      reason));
}

Result<void> check_owner_and_mode(const FileDescriptor& directory, const std::string& path) {
  struct stat status{};
  if (fstat(directory.get(), &status) != 0) {
    return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot examine " + path, errno));
  }
  if (status.st_uid != geteuid()) {
    return fail(ErrorCode::failed_precondition, "the runtime directory {} belongs to user {}, not to user {}: {}", path,
                status.st_uid, geteuid(), kAdvice);
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorCode::failed_precondition,
                "the runtime directory {} is open to other users (mode {:04o}): run chmod 700 on it, or {}", path,
                status.st_mode & 07777, kAdvice);
  }
  return {};
}

}  // namespace

std::string choose_runtime_directory(const std::string& given) {
  if (!given.empty()) {
    std::error_code failure;
    const std::filesystem::path absolute = std::filesystem::absolute(given, failure);
    if (failure) return given;
    const std::string normal = absolute.lexically_normal().string();
    return normal.size() > 1 && normal.ends_with('/') ? normal.substr(0, normal.size() - 1) : normal;
  }
  const std::string user = fmt::format("/run/user/{}", geteuid());
  if (is_own_directory(user)) return user + "/aldis";
  return fmt::format("/dev/shm/aldis-{}", geteuid());
}

Result<void> prepare_runtime_directory(const std::string& path) {
  if (!path.starts_with('/')) {
    return fail(ErrorCode::invalid_argument, "the runtime directory \"{}\" is not an absolute path", path);
  }
  const std::string mountinfo = read_mountinfo().value_or("");
  ALDIS_TRY(refuse_network(mountinfo, path));
  ALDIS_TRY(make_directory(path));
  ALDIS_TRY_ASSIGN(const FileDescriptor directory, open_directory(path));
  ALDIS_TRY(check_owner_and_mode(directory, path));

  // Again with the links among its parents resolved.
  std::error_code failure;
  const auto resolved = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", directory.get()), failure);
  if (failure) return {};
  return refuse_network(mountinfo, resolved.string());
}

}  // namespace aldis
