#include "program.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace aldis::bench {
namespace {

std::vector<char*> pointers(Words& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

[[noreturn]] void give_up(const std::string& program) {
  fmt::print(stderr, "aldis_bench: {} failed\n", program);
  std::exit(1);
}

pid_t start(Words& words, Words& variables, posix_spawn_file_actions_t& actions) {
  const std::vector<char*> arguments = pointers(words);
  const std::vector<char*> environment = pointers(variables);
  pid_t child = 0;
  if (::posix_spawn(&child, words.front().c_str(), &actions, nullptr, arguments.data(), environment.data()) != 0) {
    give_up(words.front());
  }
  ::posix_spawn_file_actions_destroy(&actions);
  return child;
}

void wait_for(pid_t child, const std::string& program) {
  int status = 1;
  if (::waitpid(child, &status, 0) != child || status != 0) give_up(program);
}

}  // namespace

void run_program(Words words, Words variables) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  wait_for(start(words, variables, actions), words.front());
}

void read_program(Words words, Words variables) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  const pid_t child = start(words, variables, actions);
  ::close(ends[1]);
  char buffer[4096];
  while (::read(ends[0], buffer, sizeof buffer) > 0) {
  }
  ::close(ends[0]);
  wait_for(child, words.front());
}

}  // namespace aldis::bench
