#pragma once
// Processes that tests fork, and a home of their own for tools that are tested. Used by the tests of telemetry's files.
// Header only.
//
// Model: a Child runs a function and ends with its result; it is killed when it goes. A ToolHome is a directory with a
// consent and the variables that lead to it. Threads: one thread.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "fakes/scratch_directory.h"
#include "telemetry/consent_file.h"
#include "telemetry/places.h"

namespace aldis::telemetry {

class Child {
 public:
  template <class Function>
  explicit Child(Function function) : pid_(fork()) {
    if (pid_ != 0) return;
    if constexpr (std::is_void_v<decltype(function())>) {
      function();
      _exit(0);
    } else {
      _exit(static_cast<int>(function()));
    }
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill_now();
    wait();
  }

  void kill_now() const { ::kill(pid_, SIGKILL); }
  // The exit code, minus the signal if one ended it.
  int wait() {
    int status = 0;
    if (waitpid(std::exchange(pid_, -1), &status, 0) < 0) return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

inline std::string read_all(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return std::move(text).str();
}

inline void write_all(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

// Everything below a directory, by its path from there.
inline std::set<std::string> files_below(const std::string& directory) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    found.insert(std::filesystem::relative(entry.path(), directory).string());
  }
  return found;
}

class ToolHome {
 public:
  std::string path() const { return directory_.path(); }
  Places places() const { return {path() + "/.config/tool", path() + "/.local/state/tool/telemetry"}; }
  std::string spool() const { return places().state_directory + "/spool"; }
  std::string gate() const { return places().state_directory + "/gate"; }
  // What the courier of these tests writes about itself, a line a start.
  std::string heard() const { return places().state_directory + "/heard"; }
  std::map<std::string, std::string, std::less<>> variables() const { return {{"HOME", path()}}; }

  void consent(const ConsentFile& consent = {.enabled = true, .endpoint = "https://telemetry.example/"}) const {
    std::filesystem::create_directories(places().consent_directory);
    const Result<void> written = write_consent(places().consent_directory, consent);
    EXPECT_TRUE(written) << written.error().message;
  }

 private:
  testing::ScratchDirectory directory_;
};

}  // namespace aldis::telemetry
