#include "core/kernel_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/private_files.h"

namespace aldis {

std::optional<std::string> read_kernel_file(const char* path, std::size_t bytes_max) {
  const FileDescriptor file = own_descriptor(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  std::string text;
  std::array<char, 16384> buffer;
  while (text.size() <= bytes_max) {
    const ssize_t count = read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return std::nullopt;
}

}  // namespace aldis
