#include "local/scratch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace aldis::testing {
namespace {

const SystemClock kClock;

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// Without root, new namespaces need a new user namespace, in which we stay who we are.
bool enter_namespaces(int namespaces) {
  const auto user = geteuid();
  const auto group = getegid();
  const bool is_root = user == 0;
  if (unshare(namespaces | (is_root ? 0 : CLONE_NEWUSER)) != 0) return false;
  if (is_root) return true;
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", std::to_string(user) + " " + std::to_string(user) + " 1");
  write_file("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + " 1");
  return geteuid() == user;
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return "exit " + std::to_string(WEXITSTATUS(status));
  return "";
}

}  // namespace

void ChildSide::say(std::string_view line) {
  const std::string text = std::string(line) + '\n';
  if (write(to_parent_, text.data(), text.size()) < 0) _exit(101);
}

void ChildSide::wait_for_parent() {
  char byte = 0;
  if (read(from_parent_, &byte, 1) != 1) _exit(102);
}

Child::Child(const std::function<void(ChildSide&)>& body) {
  std::array<int, 2> down{};
  std::array<int, 2> up{};
  if (pipe2(down.data(), O_CLOEXEC) != 0 || pipe2(up.data(), O_CLOEXEC) != 0) ADD_FAILURE() << "cannot make pipes";
  pid_ = fork();
  if (pid_ == 0) {
    close(down[1]);
    close(up[0]);
    ChildSide side(down[0], up[1]);
    body(side);
    _exit(0);
  }
  close(down[0]);
  close(up[1]);
  to_child_ = down[1];
  from_child_ = up[0];
}

Child::~Child() {
  if (!joined_) {
    kill(SIGKILL);
    join();
  }
  close(to_child_);
  close(from_child_);
}

std::string Child::hear() {
  std::string line;
  for (char byte = 0; read(from_child_, &byte, 1) == 1 && byte != '\n';) line += byte;
  return line;
}

void Child::go_on() {
  if (write(to_child_, "g", 1) != 1) ADD_FAILURE() << "the child does not listen";
}

void Child::kill(int signal) { ::kill(pid_, signal); }

void Child::wait_until_stopped() {
  int status = 0;
  waitpid(pid_, &status, WUNTRACED);
  if (!WIFSTOPPED(status)) ADD_FAILURE() << "the child ended instead of stopping: " << describe_end(status);
}

void Child::wait_until_asleep_in_futex() {
  const std::string path = "/proc/" + std::to_string(pid_) + "/syscall";
  for (long number = -1; number != SYS_futex; std::this_thread::yield()) std::ifstream(path) >> number;
}

std::string Child::join() {
  int status = 0;
  while (waitpid(pid_, &status, 0) == pid_ && !WIFEXITED(status) && !WIFSIGNALED(status)) {
  }
  joined_ = true;
  return describe_end(status);
}

std::string in_child(const std::function<std::string()>& body) {
  Child child([&](ChildSide& side) { side.say(body()); });
  const std::string answer = child.hear();
  const std::string end = child.join();
  return end.empty() ? answer : end;
}

std::string in_namespaces(int namespaces, const std::function<std::string()>& body) {
  return in_child([&] {
    if (!enter_namespaces(namespaces)) return std::string(kCannotUnshare);
    return in_child(body);  // PID and time namespaces take effect with the next child
  });
}

std::string on_small_file_system(const std::string& directory, std::string_view size,
                                 const std::function<std::string()>& body) {
  return in_namespaces(CLONE_NEWNS, [&]() -> std::string {
    const std::string options = "mode=0700,size=" + std::string(size);
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", directory.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      return std::string(kCannotUnshare);
    }
    return body();
  });
}

void fill(const std::string& directory) {
  const int file = open((directory + "/filler").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const std::array<char, 4096> page{};
  while (write(file, page.data(), page.size()) > 0) {
  }
  close(file);
}

Result<std::shared_ptr<Board>> open_board(const std::string& directory, std::chrono::nanoseconds timeout,
                                          std::size_t bytes_max) {
  return Board::open({directory, "default", timeout, &kClock, bytes_max});
}

Result<void> put(Board& board, std::string_view key, std::string_view value) {
  return board.write([&](BoardTransaction& transaction) -> Result<void> {
    transaction.put(key, value);
    return {};
  });
}

std::string get(Board& board, std::string_view key) {
  const Result<std::string> found = board.read([&](BoardTransaction& transaction) -> Result<std::string> {
    return std::string(transaction.get(key).value_or("nothing"));
  });
  return found ? *found : found.error().message;
}

std::string describe(const Result<void>& result) {
  if (result) return "ok";
  return std::string(to_string(result.error().code)) + ": " + result.error().message;
}

}  // namespace aldis::testing
