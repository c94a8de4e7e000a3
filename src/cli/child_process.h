#pragma once
// The program that `aldis run` runs: starting it and seeing how it ends. Used by supervisor.cc and commands/run.cc;
// implemented in child_process.cc.
//
// Model: SignalGate first blocks the signals that are to be forwarded, so that none is lost before the child exists,
// and remembers what the child must get back: our mask and SIGCHLD's disposition as we inherited them. The child stays
// in our process group, so the terminal reaches both; it gets SIGTERM when we die. Threads: one thread, and none other
// may run yet when start_child forks.

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace aldis::cli {

class SignalGate {
 public:
  SignalGate();
  ~SignalGate();
  SignalGate(const SignalGate&) = delete;
  SignalGate& operator=(const SignalGate&) = delete;

  int descriptor() const { return descriptor_; }  // a signalfd: signals to forward, of job control, SIGCHLD

  // As they were when the program began. For the child, between fork and exec.
  void restore() const;

 private:
  sigset_t mask_before_{};
  struct sigaction child_action_before_{};
  int descriptor_ = -1;
};

struct ChildStart {
  pid_t pid = -1;
  int error = 0;  // errno of fork or exec; 0: it runs
};

// Searches PATH as a shell does. Returns when the program runs or could not be executed.
ChildStart start_child(std::span<const std::string> program, const std::vector<std::string>& environment,
                       const SignalGate& gate);

struct ChildEnd {
  bool signalled = false;
  int number = 0;  // the exit code, or the signal

  int exit_code() const { return signalled ? 128 + number : number; }
  std::string text() const;  // "exit 3", "signal 9 SIGKILL"
};

// Nothing while it runs. Reaps it.
std::optional<ChildEnd> reap_child(pid_t pid);

// Whether it is stopped (Ctrl-Z, SIGSTOP) at this moment.
bool child_is_stopped(pid_t pid);

}  // namespace aldis::cli
