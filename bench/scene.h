#pragma once
// What every row needs: a directory of its own in memory and one on disk, a workspace in them, and a way to stop at the
// first surprise.
// Header only.

#include <fmt/core.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "aldis/workspace.h"

namespace aldis::bench {

template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "aldis_bench: {}\n", result.error().message);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

class Scene {
 public:
  Scene() {
    if (::mkdtemp(directory_.data()) == nullptr || ::mkdtemp(disk_.data()) == nullptr)
      must(Result<void>(std::unexpected(Error{{}, "mkdtemp failed"})));
  }
  ~Scene() {
    std::filesystem::remove_all(directory_);
    std::filesystem::remove_all(disk_);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string disk_path(const std::string& name) const { return disk_ + "/" + name; }
  WorkspaceOptions options() const { return {.runtime_directory = directory_, .state_directory = disk_}; }
  Workspace workspace() const { return must(Workspace::open(options())); }

 private:
  std::string directory_ = "/dev/shm/aldis-bench-XXXXXX";
  std::string disk_ = (std::filesystem::temp_directory_path() / "aldis-bench-XXXXXX").string();
};

}  // namespace aldis::bench
