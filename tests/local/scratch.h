#pragma once
// File systems and child processes for the tests of the local board. Implemented in scratch.cc.

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "engines/local/board.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {

// What a child process says to its parent and hears from it.
class ChildSide {
 public:
  ChildSide(int from_parent, int to_parent) : from_parent_(from_parent), to_parent_(to_parent) {}
  void say(std::string_view line);
  void wait_for_parent();

 private:
  int from_parent_;
  int to_parent_;
};

// A real process: fork, run `body`, exit. Killed with SIGKILL if still there when this goes.
class Child {
 public:
  explicit Child(const std::function<void(ChildSide&)>& body);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // The next line it says; "" when it has ended without.
  std::string hear();
  void go_on();  // ends one wait_for_parent
  void kill(int signal);
  void wait_until_stopped();
  void wait_until_asleep_in_futex();
  // Waits for its end: "" for a clean exit, else "exit 3" or "signal 7".
  std::string join();

 private:
  pid_t pid_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
  bool joined_ = false;
};

// What `body` answers in a child process, or how the child ended without an answer ("signal 7").
std::string in_child(const std::function<std::string()>& body);

// As in_child, with new namespaces (CLONE_NEWPID…) or a tmpfs of that size at `directory`, which ends with the child.
// "cannot unshare" where the machine does not allow it.
std::string in_namespaces(int namespaces, const std::function<std::string()>& body);
std::string on_small_file_system(const std::string& directory, std::string_view size,
                                 const std::function<std::string()>& body);
inline constexpr std::string_view kCannotUnshare = "cannot unshare";

// Writes to a file in `directory` until the file system is full to the last byte.
void fill(const std::string& directory);

// Opens the board of namespace "default" on the system's clock.
Result<std::shared_ptr<Board>> open_board(const std::string& directory,
                                          std::chrono::nanoseconds timeout = std::chrono::seconds{20},
                                          std::size_t bytes_max = 0);
Result<void> put(Board& board, std::string_view key, std::string_view value);
// "nothing" if absent, the error's message if it fails.
std::string get(Board& board, std::string_view key);
// "failed_precondition: message", or "ok".
std::string describe(const Result<void>& result);
template <class T>
std::string describe(const Result<T>& result) {
  return result ? "ok" : describe(Result<void>(std::unexpected(result.error())));
}

}  // namespace aldis::testing
