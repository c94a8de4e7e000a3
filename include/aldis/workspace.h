#pragma once
// A namespace on a store: where agents meet. Everything else is made from a Workspace. Implemented in src/workspace.cc.
//
// Model: `open` joins a store and a namespace in it. `local:` is the board of this machine and user; it needs no server
// and is made on first use. A redis URL (docs/redis.md has the grammar) is a server, a cluster, or what Sentinels name,
// for agents on many machines. Nothing crosses namespaces. A Workspace is a cheap handle: copies share its connections,
// which close when the last copy and the last object made from it are gone.
// Threads: safe from any thread.
// fork: in the child every call on an inherited object is failed_precondition; destructors there release memory only.
// Errors of `open`: invalid_argument (store, namespace or a certificate file wrong; a database that the server lacks),
// failed_precondition (unsafe runtime directory, network file system, a board of another PID namespace, a newer format,
// too old a server, a file of the URL that is not there or open to others), resource_exhausted (no room for a board),
// permission_denied (the server refused user or password), unavailable (the server cannot be reached).

#include <chrono>
#include <memory>
#include <string>

#include "aldis/export.h"
#include "aldis/limits.h"
#include "aldis/result.h"

namespace aldis {

struct WorkspaceOptions {
  std::string store = "local:";
  std::string namespace_name = "default";

  // Directory of the local board; no other store uses it. Empty: /run/user/<uid>/aldis if that exists and is ours, else
  // /dev/shm/aldis-<uid>.
  std::string runtime_directory = {};

  // Directory of the local ledger (approvals, audit, events); no other store uses it. Empty: ~/.local/state/aldis.
  std::string state_directory = {};

  // Where the approval policy is (docs/approvals.md); it must exist. Empty: /etc/aldis if that holds a policy or cannot
  // be looked into, so that no user's own takes the place of the machine's; else own_configuration_directory.
  std::string configuration_directory = {};

  // The user's own, with the private keys where the policy belongs to somebody else. Empty: .config/aldis in the home
  // directory that the system knows for this user.
  std::string own_configuration_directory = {};

  // Whether heartbeats, signals and approvals publish what happens to them as events: agent_heartbeat,
  // coordination_signal, approval_request, approval_decision. It never fails them and delays them by at most
  // limits::kOwnEventPatience; what cannot be published in that time is dropped and counted.
  bool stream_events = false;

  // How long a call may take: one that waits for a busy board is deadline_exceeded then, one that could not reach a
  // server (for limits::kRedisCallTimeoutMax at most) is unavailable. Waiting for a signal has a timeout of its own.
  std::chrono::nanoseconds call_timeout = limits::kCallTimeoutDefault;

  // The options that ALDIS_STORE, ALDIS_NAMESPACE, ALDIS_RUNTIME_DIR, ALDIS_STATE_DIR (else XDG_STATE_HOME),
  // ALDIS_CONFIG (its directory), XDG_CONFIG_HOME (the user's own) and ALDIS_STREAM_EVENTS describe: what `aldis run`
  // gives its child. Reads the environment; call it before other threads change it.
  ALDIS_API static WorkspaceOptions from_environment();
};

class ALDIS_API Workspace {
 public:
  static Result<Workspace> open(WorkspaceOptions options = {});

  const WorkspaceOptions& options() const;  // as given; of a local store with the directories filled in

  // For the library's own classes.
  class Impl;
  explicit Workspace(std::shared_ptr<Impl> impl);
  const std::shared_ptr<Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace aldis
