#pragma once
// A process table in which processes live, stop and die as a test says. Threads: safe from any thread.

#include <map>
#include <string>

#include "core/failure.h"
#include "core/mutex.h"
#include "ports/process_table.h"

namespace aldis::testing {

class FakeProcessTable final : public ProcessTable {
 public:
  static constexpr int kSelf = 4242;

  // A new process; a pid that was used before gets another start time.
  ProcessIdentity spawn(int pid) {
    const MutexLock lock(mutex_);
    ProcessIdentity identity{pid, ++starts_, "boot-of-the-fake", 1};
    newest_[pid] = identity;
    evidence_[identity.start_time_ticks] = ProcessEvidence::exists;
    return identity;
  }
  // gone, zombie or unknown; exists for one that may be seen again.
  void set(const ProcessIdentity& process, ProcessEvidence evidence) {
    const MutexLock lock(mutex_);
    evidence_[process.start_time_ticks] = evidence;
  }
  int examinations() const {
    const MutexLock lock(mutex_);
    return examinations_;
  }

  Result<ProcessIdentity> self() override { return self_; }
  Result<ProcessIdentity> identify(int pid) override {
    const MutexLock lock(mutex_);
    const auto found = newest_.find(pid);
    if (found == newest_.end()) return fail(ErrorCode::not_found, "there is no process {}", pid);
    const ProcessEvidence evidence = evidence_[found->second.start_time_ticks];
    if (evidence == ProcessEvidence::unknown) return fail(ErrorCode::failed_precondition, "process {} is hidden", pid);
    if (evidence == ProcessEvidence::gone) return fail(ErrorCode::not_found, "there is no process {}", pid);
    return found->second;
  }
  ProcessEvidence examine(const ProcessIdentity& process) override {
    const MutexLock lock(mutex_);
    ++examinations_;
    const auto found = evidence_.find(process.start_time_ticks);
    return found == evidence_.end() ? ProcessEvidence::unknown : found->second;
  }
  std::string host_name() override { return "fake-host"; }

 private:
  mutable Mutex mutex_;
  std::uint64_t starts_ ALDIS_GUARDED_BY(mutex_) = 0;
  int examinations_ ALDIS_GUARDED_BY(mutex_) = 0;
  std::map<int, ProcessIdentity> newest_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::uint64_t, ProcessEvidence> evidence_ ALDIS_GUARDED_BY(mutex_);  // by start time
  const ProcessIdentity self_ = spawn(kSelf);
};

}  // namespace aldis::testing
