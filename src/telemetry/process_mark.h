#pragma once
// Tells a forked child that what it inherited is its parent's. Used by client.cc; implemented in process_mark.cc.
//
// Model: the number of the process and a page that the kernel zeroes in every child, since a child in a new PID
// namespace may have its parent's number. core/fork_guard.h does the same and ends the process when there is no page;
// here the number has to do then. Threads: safe from any thread.

#include <sys/types.h>

namespace aldis::telemetry {

class ProcessMark {
 public:
  ProcessMark();
  ~ProcessMark();
  ProcessMark(const ProcessMark&) = delete;
  ProcessMark& operator=(const ProcessMark&) = delete;

  bool in_child() const;

 private:
  pid_t pid_;
  void* page_;  // MAP_FAILED: there is none
};

}  // namespace aldis::telemetry
