#pragma once
// A directory of a test's own in shared memory (where boards live; the system's temporary directory if there is none),
// gone with everything in it at the end. Threads: one thread.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace aldis::testing {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code ignored;
    const bool has_memory = std::filesystem::is_directory(memory, ignored);
    path_ = ((has_memory ? memory : std::filesystem::temp_directory_path()) / "aldis-test-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace aldis::testing
