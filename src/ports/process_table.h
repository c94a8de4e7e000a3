#pragma once
// What this host's process table says about a process that a record names. Used by the domain for liveness and for
// reservations of dead takers; the real one is src/engines/host/proc_process_table.cc, the twin tests/fakes/.
//
// Model: a process is named by pid, start time, boot id and PID namespace together, so a reused pid is another process.
// Threads: safe from any thread. Never blocks on anything but /proc.

#include <cstdint>
#include <optional>
#include <string>

#include "aldis/result.h"

namespace aldis {

struct ProcessIdentity {
  std::int32_t pid = 0;
  std::uint64_t start_time_ticks = 0;  // field 22 of /proc/<pid>/stat
  std::string boot_id;                 // /proc/sys/kernel/random/boot_id
  std::uint64_t pid_namespace = 0;     // inode of /proc/self/ns/pid

  bool operator==(const ProcessIdentity&) const = default;
};

enum class ProcessEvidence {
  exists,   // running, sleeping or stopped
  gone,     // no such process, or the pid belongs to a later one
  zombie,   // exited, not yet reaped by its parent
  unknown,  // another boot, host or PID namespace, hidden, or no process named
};

class ProcessTable {
 public:
  virtual ~ProcessTable() = default;

  virtual Result<ProcessIdentity> self() = 0;
  // not_found if there is no such process; failed_precondition if it cannot be seen from here.
  virtual Result<ProcessIdentity> identify(int pid) = 0;
  virtual ProcessEvidence examine(const ProcessIdentity& process) = 0;
  virtual std::string host_name() = 0;
};

}  // namespace aldis
