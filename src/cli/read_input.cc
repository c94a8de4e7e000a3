#include "cli/read_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/failure.h"

namespace aldis::cli {
namespace {

Result<std::string> read_all(int descriptor, std::string_view what, std::size_t bytes_max) {
  std::string content;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(system_error(ErrorCode::invalid_argument, what, errno));
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > bytes_max) {
      return fail(ErrorCode::invalid_argument, "{} holds more than {} bytes", what, bytes_max);
    }
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_error(ErrorCode::invalid_argument, path, errno));
  Result<std::string> content = read_all(descriptor, path, bytes_max);
  close(descriptor);
  return content;
}

Result<std::string> read_input(std::string_view given, std::size_t bytes_max) {
  if (given == "-") return read_all(STDIN_FILENO, "standard input", bytes_max);
  if (given.starts_with('@')) return read_file(std::string(given.substr(1)), bytes_max);
  return std::string(given);
}

}  // namespace aldis::cli
