#pragma once
// Starts, kills and hears the workers of a process test: fleet_worker.cc, or another program that is made like it
// (worker.h). Implemented in fleet.cc.
//
// Model: all workers write their lines into one pipe, so the order of lines is the order in which they were written,
// over all processes. A "killed" line stands before anything that another worker may say of that death. Threads: one
// thread.

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "aldis/workspace.h"
#include "fakes/scratch_directory.h"

namespace aldis::testing {

using Words = std::vector<std::string>;

class Fleet {
 public:
  explicit Fleet(std::string store = "local:");
  Fleet(std::string store, std::string program);
  ~Fleet();  // kills what still runs
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // ROLE name=value...; the store, its directory and the namespace are added, as is `environment` to our own.
  pid_t start(Words arguments, const std::string& namespace_name = "default", const Words& environment = {});

  // SIGKILL; aborts on a process that is not a running worker. When it returns, the worker is dead, and all that it
  // ever said is among the unheard lines.
  void kill(pid_t worker);
  std::size_t unheard() const { return lines_.size(); }

  // The next line of any worker, or nothing when all are silent for so long.
  std::optional<Words> hear(std::chrono::milliseconds patience = std::chrono::seconds{30});

  // Waits until a worker ends by itself; its exit code, or minus the signal that ended it.
  int wait_for_end(pid_t worker);

  WorkspaceOptions options(const std::string& namespace_name = "default") const;
  Workspace join(const std::string& namespace_name = "default") const;

 private:
  void check_is_ours(pid_t worker) const;
  bool read_more(std::chrono::milliseconds patience);

  ScratchDirectory directory_;
  std::string store_;
  std::string program_;
  int read_end_ = -1;
  int write_end_ = -1;
  std::deque<std::string> lines_;  // read, but not heard yet
  std::string unfinished_;
  std::vector<pid_t> running_;
};

}  // namespace aldis::testing
