#include "tracked_files.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace code_review {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::unexpected<aldis::Error> fail(const std::string& message) {
  return std::unexpected(aldis::Error{aldis::ErrorCode::failed_precondition, message});
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

// Becomes `command`, which ends when its parent does, and writes into `output`. Never returns.
[[noreturn]] void become(const std::vector<const char*>& command, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::dup2(output, STDOUT_FILENO);
  ::execvp(command.front(), const_cast<char* const*>(command.data()));
  ::_exit(127);
}

// What a command prints, if it ends well. REQUIRES: `command` ends with a null pointer.
aldis::Result<std::string> output_of(const std::vector<const char*>& command) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(std::string("no pipe: ") + std::strerror(errno));
  const pid_t child = ::fork();
  if (child == 0) become(command, ends[1]);
  ::close(ends[1]);
  const File output(::fdopen(ends[0], "rb"));
  if (child < 0) return fail(std::string("no process: ") + std::strerror(errno));
  std::string text = read_all(output.get(), std::string::npos - 1);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0) return fail(std::string(command.front()) + " failed");
  return text;
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
  const auto names =
      output_of({"git", "-C", repository.c_str(), "-c", "core.fsmonitor=false", "ls-files", "-z", nullptr});
  if (!names) return fail("the files of " + repository + " cannot be listed: " + names.error().message);
  std::vector<std::string> paths = split_at_nul(*names);
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
  const File file(::fdopen(descriptor, "rb"));
  FileContent content{.text = read_all(file.get(), kFileBytesMax)};
  if (std::ferror(file.get()) != 0) return {.skipped = "cannot be read"};
  if (is_binary(content.text)) return {.skipped = "binary"};
  return content;
}

}  // namespace code_review
