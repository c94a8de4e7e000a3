// Heartbeats of real processes on the local board: killed, stopped, unreaped, taken over and forked.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "aldis/heartbeats.h"
#include "fakes/scratch_directory.h"

extern char** environ;

namespace aldis::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A process of heartbeat_puppet.cc, killed at the end if it still runs.
class Puppet {
 public:
  explicit Puppet(const std::string& directory) {
    std::array<int, 2> commands{};
    std::array<int, 2> answers{};
    if (::pipe2(commands.data(), O_CLOEXEC) != 0 || ::pipe2(answers.data(), O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, commands[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
    std::string program = ALDIS_HEARTBEAT_PUPPET;
    std::string argument = directory;
    std::array<char*, 3> arguments = {program.data(), argument.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(commands[0]);
    ::close(answers[1]);
    commands_ = commands[1];
    answers_ = answers[0];
    EXPECT_EQ(hear(), "ok");
  }
  ~Puppet() {
    ::close(commands_);
    ::close(answers_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      reap();
    }
  }
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;

  pid_t pid() const { return pid_; }
  void tell(const std::string& command) {
    const std::string line = command + "\n";
    ASSERT_EQ(::write(commands_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  // The next line; empty when the process is gone.
  std::string hear() {
    std::string line;
    for (char character = 0; ::read(answers_, &character, 1) == 1 && character != '\n';) line += character;
    return line;
  }
  std::string ask(const std::string& command) {
    tell(command);
    return hear();
  }
  // Returns when the signal has had its effect; a killed process stays a zombie until reap().
  void signal(int number) {
    ::kill(pid_, number);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, (number == SIGSTOP ? WSTOPPED : WEXITED) | WNOWAIT);
  }
  void reap() {
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int commands_ = -1;
  int answers_ = -1;
};

class HeartbeatProcesses : public ::testing::Test {
 protected:
  HeartbeatCoordinator observer() {
    WorkspaceOptions options;
    options.runtime_directory = directory_.path();
    return HeartbeatCoordinator(Workspace::open(options).value());
  }
  std::unique_ptr<Puppet> puppet() { return std::make_unique<Puppet>(directory_.path()); }
  std::unique_ptr<Puppet> agent(const std::string& id) {
    auto made = puppet();
    EXPECT_EQ(made->ask("start " + id + " 30000 replace"), "ok");
    return made;
  }
  const ScratchDirectory directory_;
};

TEST_F(HeartbeatProcesses, a_killed_process_is_dead_at_once_even_unreaped) {
  const auto agent = this->agent("reviewer");
  const HeartbeatCoordinator observer = this->observer();
  EXPECT_EQ(observer.get_agent_status("reviewer")->state, AgentState::alive);
  const std::string evidence = "process " + std::to_string(agent->pid()) + " exited";
  agent->signal(SIGKILL);
  EXPECT_EQ(observer.get_agent_status("reviewer")->state, AgentState::dead) << "it is a zombie";
  EXPECT_EQ(observer.get_agent_status("reviewer")->evidence, evidence);
  agent->reap();
  EXPECT_EQ(observer.get_agent_status("reviewer")->state, AgentState::dead);
  EXPECT_EQ(observer.get_agent_status("reviewer")->evidence, evidence);
  EXPECT_FALSE(*observer.is_agent_alive("reviewer"));
}

TEST_F(HeartbeatProcesses, a_stopped_process_is_not_dead_however_old_its_lease) {
  const auto agent = puppet();
  ASSERT_EQ(agent->ask("start reviewer 10 replace"), "ok");
  agent->signal(SIGSTOP);
  const HeartbeatCoordinator observer = this->observer();
  AgentStatus status;
  do {
    status = observer.get_agent_status("reviewer").value();
    ASSERT_EQ(status.state, AgentState::alive) << status.evidence;
  } while (!status.evidence.starts_with("process " + std::to_string(agent->pid()) + " exists, no lease for "));
}

TEST_F(HeartbeatProcesses, an_agent_id_can_be_used_again_after_its_process_died) {
  const auto first = agent("reviewer");
  const auto second = puppet();
  const std::string refused = second->ask("start reviewer 30000 spare");
  EXPECT_THAT(refused, AllOf(StartsWith("already_exists"), HasSubstr(std::to_string(first->pid()))));
  first->signal(SIGKILL);
  EXPECT_EQ(second->ask("start reviewer 30000 spare"), "ok");
  const AgentStatus status = observer().get_agent_status("reviewer").value();
  EXPECT_EQ(status.pid, second->pid());
  EXPECT_EQ(status.state, AgentState::alive);
}

TEST_F(HeartbeatProcesses, a_takeover_stops_the_loser) {
  const auto loser = agent("reviewer");
  ASSERT_EQ(loser->ask("keep"), "ok");
  const auto winner = agent("reviewer");
  EXPECT_EQ(loser->hear(), "lost conflict");
  EXPECT_THAT(loser->ask("beat"), StartsWith("conflict"));
  EXPECT_THAT(loser->ask("stop"), StartsWith("conflict"));
  EXPECT_EQ(winner->ask("beat"), "ok");
  EXPECT_EQ(observer().get_agent_status("reviewer")->pid, winner->pid());
}

TEST_F(HeartbeatProcesses, a_forked_child_may_not_use_what_it_inherited_but_may_destroy_it) {
  const auto agent = this->agent("reviewer");
  ASSERT_EQ(agent->ask("keep"), "ok");
  EXPECT_EQ(agent->ask("fork"),
            "failed_precondition,failed_precondition,failed_precondition,failed_precondition,failed_precondition");
  EXPECT_EQ(agent->hear(), "exit 7");
  EXPECT_EQ(agent->ask("beat"), "ok");
  EXPECT_EQ(observer().get_agent_status("reviewer")->pid, agent->pid());
}

TEST_F(HeartbeatProcesses, one_of_50_processes_that_see_the_same_death_is_the_first) {
  const auto agent = this->agent("reviewer");
  std::vector<std::unique_ptr<Puppet>> watchers;
  for (int i = 0; i < 50; ++i) watchers.push_back(puppet());
  for (const auto& watcher : watchers) watcher->tell("await_death reviewer");
  for (const auto& watcher : watchers) ASSERT_EQ(watcher->hear(), "watching");
  agent->signal(SIGKILL);
  int firsts = 0;
  int laters = 0;
  for (const auto& watcher : watchers) (watcher->hear() == "first" ? firsts : laters) += 1;
  EXPECT_EQ(firsts, 1);
  EXPECT_EQ(laters, 49);
}

TEST_F(HeartbeatProcesses, a_board_that_was_cleaned_away_is_made_again_by_those_who_live) {
  const auto agent = this->agent("reviewer");
  ASSERT_EQ(agent->ask("keep"), "ok");
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    std::filesystem::remove_all(entry.path());
  }
  const auto watched =
      observer().watch([](const StateChange& change) { return change.agent.agent_id != "reviewer"; }, {});
  EXPECT_TRUE(watched) << watched.error().message;
  EXPECT_EQ(observer().get_agent_status("reviewer")->pid, agent->pid());
}

}  // namespace
}  // namespace aldis::testing
