#include "fleet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "worker.h"

namespace aldis::testing {
namespace {

constexpr std::size_t kPipeBytes = 65536;  // what the kernel gives a pipe

Words split(std::string_view line) {
  std::istringstream stream{std::string(line)};
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

Fleet::Fleet(std::string store) : Fleet(std::move(store), ALDIS_FLEET_WORKER) {}

Fleet::Fleet(std::string store, std::string program) : store_(std::move(store)), program_(std::move(program)) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  read_end_ = ends[0];
  write_end_ = ends[1];
}

Fleet::~Fleet() {
  for (const pid_t worker : running_) ::kill(worker, SIGKILL);
  for (const pid_t worker : running_) ::waitpid(worker, nullptr, 0);
  ::close(read_end_);
  ::close(write_end_);
}

pid_t Fleet::start(Words arguments, const std::string& namespace_name, const Words& environment) {
  arguments.insert(arguments.begin(), program_);
  arguments.push_back("store=" + store_);
  arguments.push_back("directory=" + directory_.path());
  arguments.push_back("namespace=" + namespace_name);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  Words added = environment;
  std::vector<char*> variables;
  for (std::string& variable : added) variables.push_back(variable.data());
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  variables.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, write_end_, STDOUT_FILENO);
  pid_t worker = -1;
  EXPECT_EQ(::posix_spawn(&worker, program_.c_str(), &actions, nullptr, words.data(), variables.data()), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  if (worker > 0) running_.push_back(worker);
  return worker;
}

void Fleet::kill(pid_t worker) {
  check_is_ours(worker);
  read_more(std::chrono::milliseconds{0});  // all that is in the pipe: what was said before stands before
  lines_.push_back("killed " + std::to_string(worker));
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  std::erase(running_, worker);
  read_more(std::chrono::milliseconds{0});
}

// kill(-1) would end every process of the machine.
void Fleet::check_is_ours(pid_t worker) const {
  if (worker > 0 && std::ranges::find(running_, worker) != running_.end()) return;
  std::fprintf(stderr, "process %d is no running worker of this fleet\n", static_cast<int>(worker));
  std::abort();
}

std::optional<Words> Fleet::hear(std::chrono::milliseconds patience) {
  while (lines_.empty()) {
    if (!read_more(patience)) return std::nullopt;
  }
  Words words = split(lines_.front());
  lines_.pop_front();
  return words;
}

bool Fleet::read_more(std::chrono::milliseconds patience) {
  pollfd readable{.fd = read_end_, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, static_cast<int>(patience.count())) <= 0) return false;
  std::array<char, kPipeBytes> buffer{};
  const ssize_t count = ::read(read_end_, buffer.data(), buffer.size());
  if (count <= 0) return false;
  unfinished_.append(buffer.data(), static_cast<std::size_t>(count));
  std::size_t begin = 0;
  for (std::size_t end = unfinished_.find('\n'); end != std::string::npos; end = unfinished_.find('\n', begin)) {
    lines_.push_back(unfinished_.substr(begin, end - begin));
    begin = end + 1;
  }
  unfinished_.erase(0, begin);
  return true;
}

int Fleet::wait_for_end(pid_t worker) {
  check_is_ours(worker);
  int status = 0;
  EXPECT_EQ(::waitpid(worker, &status, 0), worker);
  std::erase(running_, worker);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

WorkspaceOptions Fleet::options(const std::string& namespace_name) const {
  return options_in(directory_.path(), store_, namespace_name);
}

Workspace Fleet::join(const std::string& namespace_name) const {
  auto workspace = Workspace::open(options(namespace_name));
  EXPECT_TRUE(workspace) << workspace.error().message;
  return *workspace;
}

}  // namespace aldis::testing
