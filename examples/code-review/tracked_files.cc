#include "tracked_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace code_review {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::unexpected<aldis::Error> fail(const std::string& message) {
  return std::unexpected(aldis::Error{aldis::ErrorCode::failed_precondition, message});
}

std::string shell_quoted(std::string_view argument) {
  std::string quoted = "'";
  for (const char byte : argument) quoted += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
  return quoted + "'";
}

// Up to the end, or to a little more than `bytes_max`.
std::string read_all(std::FILE* file, std::size_t bytes_max) {
  std::array<char, 64 * 1024> buffer{};
  std::string text;
  while (text.size() <= bytes_max) {
    const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file);
    if (count == 0) break;
    text.append(buffer.data(), count);
  }
  return text;
}

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool is_binary(std::string_view text) {
  constexpr std::size_t kLookedAt = 8000;  // as git decides it
  return text.substr(0, kLookedAt).find('\0') != text.npos;
}

// Why a file of this kind is not read; empty: it is.
std::string reason_to_skip(const struct stat& status) {
  if (S_ISLNK(status.st_mode)) return "a symbolic link";
  if (S_ISDIR(status.st_mode)) return "a submodule";
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  return static_cast<std::size_t>(status.st_size) > kFileBytesMax ? "larger than 4 MiB" : "";
}

}  // namespace

aldis::Result<std::vector<std::string>> tracked_files(const std::string& repository) {
  // A repository may name a program for git to run (core.fsmonitor); ours to review, not to obey.
  const std::string command = "git -C " + shell_quoted(repository) + " -c core.fsmonitor=false ls-files -z";
  std::FILE* git = ::popen(command.c_str(), "re");
  if (git == nullptr) return fail(std::string("git cannot be started: ") + std::strerror(errno));
  const std::string names = read_all(git, std::string::npos - 1);
  if (::pclose(git) != 0) return fail("git could not list the files of " + repository + "; is it a repository?");
  std::vector<std::string> paths = split_at_nul(names);
  std::ranges::sort(paths);
  paths.erase(std::ranges::unique(paths).begin(), paths.end());  // a file in an unfinished merge is listed three times
  return paths;
}

FileContent read_file(const std::string& repository, const std::string& path) {
  static_assert(kFileBytesMax == 4 * 1024 * 1024, "reason_to_skip says so");
  const std::string full_path = repository + "/" + path;
  struct stat status{};
  if (::lstat(full_path.c_str(), &status) != 0) return {.skipped = std::strerror(errno)};
  if (std::string reason = reason_to_skip(status); !reason.empty()) return {.skipped = std::move(reason)};
  const int descriptor = ::open(full_path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return {.skipped = std::strerror(errno)};
  const std::unique_ptr<std::FILE, CloseFile> file(::fdopen(descriptor, "rb"));
  FileContent content{.text = read_all(file.get(), kFileBytesMax)};
  if (std::ferror(file.get()) != 0) return {.skipped = "cannot be read"};
  if (is_binary(content.text)) return {.skipped = "binary"};
  return content;
}

}  // namespace code_review
