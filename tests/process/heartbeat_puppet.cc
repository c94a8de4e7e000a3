// An agent that does what it is told, one command a line, and answers each with one line: "ok", or the code of the
// error. Run by heartbeat_process_test.cc.

#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "aldis/heartbeats.h"

namespace {

using aldis::HeartbeatCoordinator;
using aldis::Result;

// One write a line, so that lines of several threads do not mix.
void say(const std::string& text) {
  const std::string line = text + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(3);
}

template <class T>
std::string outcome(const Result<T>& result) {
  return result ? "ok" : std::string(to_string(result.error().code)) + " " + result.error().message;
}

class Puppet {
 public:
  explicit Puppet(aldis::Workspace workspace)
      : workspace_(std::move(workspace)), agent_(std::make_unique<HeartbeatCoordinator>(workspace_)) {}

  void obey(const std::string& command, std::istringstream& rest) {
    if (command == "start") return start(rest);
    if (command == "beat") return say(outcome(agent_->beat()));
    if (command == "keep") return keep();
    if (command == "stop") return say(outcome(agent_->stop_heartbeat()));
    if (command == "await_death") return await_death(rest);
    if (command == "fork") return use_in_child();
    say("unknown command " + command);
  }

 private:
  // start AGENT LEASE_MS replace|spare
  void start(std::istringstream& rest) {
    std::string id;
    std::string mode;
    long lease = 0;
    rest >> id >> lease >> mode;
    aldis::StartOptions options;
    options.ttl = std::chrono::milliseconds{lease};
    options.replace = mode == "replace";
    say(outcome(agent_->start_heartbeat(id, options)));
  }

  void keep() {
    say(outcome(agent_->keep_alive(std::chrono::milliseconds{5}, [](const aldis::Error& error) {
      say("lost " + std::string(to_string(error.code)));
    })));
  }

  // await_death AGENT: says "watching", later "first" or "later".
  void await_death(std::istringstream& rest) {
    std::string id;
    rest >> id;
    const auto on_change = [&](const aldis::StateChange& change) {
      if (change.agent.agent_id != id) return true;
      if (change.agent.state == aldis::AgentState::dead) {
        say(change.first ? "first" : "later");
        return false;
      }
      say("watching");
      return true;
    };
    const auto watched = agent_->watch(on_change, {});
    if (!watched) say(outcome(watched));
  }

  // Uses and destroys in a forked child what was made here; says what the calls answered and how the child ended.
  void use_in_child() {
    const pid_t child = ::fork();
    if (child == 0) {
      std::string codes = outcome(agent_->beat()).substr(0, 19);
      codes += "," + outcome(agent_->list()).substr(0, 19);
      codes += "," + outcome(agent_->start_heartbeat("child")).substr(0, 19);
      codes += "," + outcome(agent_->keep_alive()).substr(0, 19);
      codes += "," + outcome(agent_->stop_heartbeat()).substr(0, 19);
      agent_.reset();
      say(codes);
      ::_exit(7);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    say(WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status)) : "killed");
  }

  aldis::Workspace workspace_;
  std::unique_ptr<HeartbeatCoordinator> agent_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  aldis::WorkspaceOptions options;
  options.runtime_directory = argv[1];
  auto workspace = aldis::Workspace::open(options);
  say(outcome(workspace));
  if (!workspace) return 1;
  Puppet puppet(*workspace);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    puppet.obey(command, words);
  }
}
