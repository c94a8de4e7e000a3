#pragma once
// A store with processes that ask for approvals and answer them (approval_worker.cc), for the approval tests.
// Implemented in approval_stage.cc.
//
// Model: "local", or a Redis server or cluster of the stage's own. Roles, their arguments and what they say are in
// approval_worker.cc. A line that nobody asks for is kept; but where another is asked for, "refused" and "error" fail
// the test. Threads: one thread.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/approvals.h"
#include "aldis/audit.h"
#include "fleet.h"
#include "redis/cluster.h"
#include "redis/server.h"

namespace aldis::testing {

class ApprovalStage {
 public:
  explicit ApprovalStage(std::string_view kind);  // "local", "redis" or "cluster"

  Fleet& fleet() { return *fleet_; }
  RedisServer& server() { return *server_; }  // of "redis"
  std::string directory() const { return fleet_->options().runtime_directory; }

  // In this process.
  const Workspace& workspace();
  ApprovalGate gate(const std::string& agent = "");
  AuditLog audit();
  ApprovalRequest read(const std::string& id);

  pid_t start(Words arguments, const Words& environment = {});
  // SIGKILL, and what it said is forgotten.
  void kill(pid_t worker);

  // The next line that begins with `word`: what follows that word.
  Words hear(std::string_view word);
  // Hears `word` of a worker that ends then.
  Words run(Words arguments, std::string_view word, const Words& environment = {});
  // "approved", "rejected", … of "ended PID approved …".
  std::string hear_end();

  // A request whose waiter is a process; its id. The waiter sleeps by then.
  struct Waiter {
    pid_t pid = -1;
    std::string id;
  };
  Waiter open(Words arguments, const Words& environment = {});

  // What is wrong with the audit log; empty if it is sound.
  std::string audit_fault();
  // "requested by worker, vote approved by dana, …" of one request.
  std::string audit_of(const std::string& id);

 private:
  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<RedisCluster> cluster_;
  std::unique_ptr<Fleet> fleet_;
  std::optional<Workspace> workspace_;
  std::list<Words> kept_;
};

// Until the process sleeps on a futex, as a waiter does that has nothing to do.
void wait_until_asleep(pid_t pid);

// The words from the one with that index on, as they were before they were split.
std::string joined(const Words& words, std::size_t from);

}  // namespace aldis::testing
