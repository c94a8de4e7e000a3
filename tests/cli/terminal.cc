#include "terminal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace aldis::testing {

Terminal::Terminal(const Words& arguments, const Variables& environment, unsigned short columns) {
  winsize size{};
  size.ws_col = columns;
  size.ws_row = 24;
  Words entries;
  for (const auto& [name, value] : environment) entries.push_back(name + "=" + value);
  std::vector<char*> argument_pointers;
  for (const std::string& argument : arguments) argument_pointers.push_back(const_cast<char*>(argument.c_str()));
  argument_pointers.push_back(nullptr);
  std::vector<char*> entry_pointers;
  for (const std::string& entry : entries) entry_pointers.push_back(const_cast<char*>(entry.c_str()));
  entry_pointers.push_back(nullptr);
  pid_ = forkpty(&master_, nullptr, nullptr, &size);
  if (pid_ == 0) {
    execve(argument_pointers[0], argument_pointers.data(), entry_pointers.data());
    _exit(99);
  }
}

Terminal::Terminal(const std::function<int()>& body) {
  pid_ = forkpty(&master_, nullptr, nullptr, nullptr);
  if (pid_ == 0) _exit(body());
}

Terminal::~Terminal() {
  if (!reaped_) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(master_);
}

void Terminal::type(std::string_view keys) const {
  EXPECT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

bool Terminal::echoes() const {
  termios mode{};
  EXPECT_EQ(tcgetattr(master_, &mode), 0);
  return (mode.c_lflag & ECHO) != 0;
}

bool Terminal::read_some() {
  pollfd watched{master_, POLLIN, 0};
  if (poll(&watched, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) <= 0) {
    ADD_FAILURE() << "nothing new on the terminal for too long; so far: " << screen_;
    ::kill(pid_, SIGKILL);
    return false;
  }
  std::array<char, 65536> buffer;
  const ssize_t count = read(master_, buffer.data(), buffer.size());
  if (count <= 0) return false;  // EIO: nobody has the terminal open any more
  screen_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool Terminal::shows(std::string_view text) {
  for (;;) {
    const std::size_t found = screen_.find(text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text.size();
      return true;
    }
    if (!read_some()) {
      ADD_FAILURE() << "the terminal never showed " << text << ", only: " << screen_;
      return false;
    }
  }
}

int Terminal::wait() {
  while (read_some()) {
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  reaped_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Ended on_terminal(const Words& arguments, const Variables& environment, unsigned short columns) {
  Terminal terminal(arguments, environment, columns);
  Ended ended;
  ended.exit_code = terminal.wait();
  ended.out = terminal.screen();
  return ended;
}

}  // namespace aldis::testing
