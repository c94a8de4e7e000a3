#include "aldis/heartbeats.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw_board.h"
#include "rows.h"
#include "scene.h"

namespace aldis::bench {
namespace {

constexpr std::size_t kAgents = 10'000;
constexpr std::size_t kProcesses = 500;
constexpr std::size_t kBeatRecordBytes = 160;  // what one beat rewrites

// Processes that only exist, so that the list has something to check.
class Sleepers {
 public:
  explicit Sleepers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::pause();
        ::_exit(0);
      }
      pids_.push_back(pid);
    }
  }
  ~Sleepers() {
    for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
  }
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;

  const std::vector<pid_t>& pids() const { return pids_; }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace

Row beat_row() {
  const Scene scene;
  HeartbeatCoordinator coordinator(scene.workspace());
  must(coordinator.start_heartbeat("agent"));
  RawBoard raw(scene.path("raw.mdb"));
  const std::string record(kBeatRecordBytes, 'r');
  const Pair pair = alternate({[&] { must(coordinator.beat("running", 0.5, "task")); }},
                              {[&] { raw.put("agent", record); }}, 100, 200);
  return {.work = "beat()", .yardstick = "LMDB put", .ours = pair.ours, .raw = pair.raw, .ratio_max = 2.5};
}

Row list_row() {
  const Scene scene;
  const Sleepers sleepers(kProcesses);
  const Workspace workspace = scene.workspace();
  for (std::size_t i = 0; i < kAgents; ++i) {
    HeartbeatCoordinator agent(workspace);
    const int pid = sleepers.pids()[i % kProcesses];
    must(agent.start_heartbeat(fmt::format("agent-{:05}", i),
                               {.process = {.kind = ProcessBinding::Kind::other, .pid = pid}}));
    must(agent.beat("running", 0.5, "task"));
  }
  const HeartbeatCoordinator reader(workspace);
  Row row{.work = "list 10,000 agents of 500 processes", .median_max = 10e6};
  for (int i = 0; i < 200; ++i) row.ours.push_back(time_once([&] { must(reader.list()); }));
  return row;
}

double idle_memory_bytes() {
  const Scene scene;
  HeartbeatCoordinator coordinator(scene.workspace());
  must(coordinator.start_heartbeat("agent"));
  must(coordinator.keep_alive());
  must(coordinator.beat());
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r"); file != nullptr) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace aldis::bench
