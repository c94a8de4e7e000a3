#include "redis/server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "core/environment.h"
#include "core/file_descriptor.h"

namespace aldis::testing {
namespace {

std::vector<char*> pointers_to(Words& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

void ServerProcess::start() {
  Words words = command_.words;
  Words environment = environment_for_program(command_.environment);
  const std::vector<char*> arguments = pointers_to(words);
  const std::vector<char*> variables = pointers_to(environment);
  const FileDescriptor log(::open(command_.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {  // from here to exec only what may follow the fork of a program with threads
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(log.get(), STDOUT_FILENO);
    ::dup2(log.get(), STDERR_FILENO);
    ::execvpe(arguments[0], arguments.data(), variables.data());
    ::_exit(errno == ENOENT ? 127 : 126);
  }
  EXPECT_GT(pid_, 0);
}

void ServerProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ServerProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool ServerProcess::is_running() {
  int status = 0;
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    ADD_FAILURE() << command_.words.front() << " is not installed: apt-get install " << command_.package;
  }
  return false;
}

std::string ServerProcess::log() const {
  std::ifstream file(command_.log_file, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace aldis::testing
