#pragma once
// A child that a test forks, and how it ended. Header only. Threads: safe from any thread.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace aldis::testing {

// A child that hangs is a failure, not a hanging test. Below the time that CTest gives a test, far above what a starved
// machine needs.
inline constexpr unsigned kChildStuckAfterSeconds = 90;

// What `body` says in a child, or what ended the child: "killed by signal 14 (Alarm clock)".
template <class Body>
std::string in_a_child(Body body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::string("no pipe: ") + ::strerror(errno);
  const pid_t child = ::fork();
  if (child < 0) return std::string("no fork: ") + ::strerror(errno);
  if (child == 0) {
    ::alarm(kChildStuckAfterSeconds);
    const std::string said = body();
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t length = ::read(ends[0], chunk.data(), chunk.size());
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) break;
    said.append(chunk.data(), static_cast<std::size_t>(length));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::string("lost: ") + ::strerror(errno);
  }
  if (WIFSIGNALED(status)) {
    return "killed by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
  }
  return WEXITSTATUS(status) == 0 ? said : "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace aldis::testing
