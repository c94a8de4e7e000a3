// `aldis agents list` as a fresh process, beside an empty C++ program.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aldis/heartbeats.h"
#include "rows.h"
#include "scene.h"

namespace aldis::bench {
namespace {

// Runs a program to its end with its output thrown away.
void run_program(std::vector<std::string> words, std::vector<std::string> variables) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int status = 1;
  if (::posix_spawn(&child, words.front().c_str(), &actions, nullptr, arguments.data(), environment.data()) != 0 ||
      ::waitpid(child, &status, 0) != child || status != 0) {
    fmt::print(stderr, "aldis_bench: {} failed\n", words.front());
    std::exit(1);
  }
  ::posix_spawn_file_actions_destroy(&actions);
}

}  // namespace

Row cold_start_row(const std::string& binaries) {
  const Scene scene;
  HeartbeatCoordinator agent(scene.workspace());
  must(agent.start_heartbeat("agent"));
  const std::string directory = scene.workspace().options().runtime_directory;
  const auto list = [&] { run_program({binaries + "/aldis", "agents", "list"}, {"ALDIS_RUNTIME_DIR=" + directory}); };
  const Pair pair = alternate({list}, {[&] { run_program({binaries + "/aldis_bench_empty"}, {}); }}, 100, 20);
  return {.work = "`aldis agents list`, cold process",
          .yardstick = "empty C++ program",
          .ours = pair.ours,
          .raw = pair.raw,
          .ratio_max = 4.0};
}

}  // namespace aldis::bench
