#include "cli/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/format.h"

namespace aldis::cli {
namespace {

constexpr int kHeeded[] = {SIGTERM, SIGHUP,  SIGINT,  SIGQUIT,   SIGUSR1, SIGUSR2,
                           SIGTSTP, SIGCONT, SIGALRM, SIGVTALRM, SIGPROF, SIGIO};

// REQUIRES: only async-signal-safe calls.
[[noreturn]] void become_program(char* const* arguments, char* const* environment, const SignalGate& gate, pid_t parent,
                                 int report) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Dead already, before the line above could notice: nobody would ever watch this program.
  if (getppid() != parent) _exit(128 + SIGTERM);
  gate.restore();
  execvpe(arguments[0], arguments, environment);
  const int error = errno;
  static_cast<void>(!write(report, &error, sizeof error));
  _exit(127);
}

std::vector<char*> pointers(std::span<const std::string> texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

SignalGate::SignalGate() {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  for (const int signal : kHeeded) {
    // What we were told to ignore (nohup), the child ignores too.
    struct sigaction action{};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&watched, signal);
  }
  // Where SIGCHLD is ignored the kernel reaps by itself, and nobody learns how the child ended.
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &by_default, &child_action_before_);
  pthread_sigmask(SIG_BLOCK, &watched, &mask_before_);
  descriptor_ = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Leaves the signals blocked: a Ctrl-C that ended the child may still be pending for us, and must not end us too before
// the child's exit code is passed on.
SignalGate::~SignalGate() { close(descriptor_); }

void SignalGate::restore() const {
  sigaction(SIGCHLD, &child_action_before_, nullptr);
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

ChildStart start_child(std::span<const std::string> program, const std::vector<std::string>& environment,
                       const SignalGate& gate) {
  const std::vector<char*> arguments = pointers(program);
  const std::vector<char*> variables = pointers(environment);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return {.error = errno};
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become_program(arguments.data(), variables.data(), gate, parent, report[1]);
  ChildStart start{.pid = pid, .error = pid < 0 ? errno : 0};
  close(report[1]);
  ssize_t count = -1;
  int error = 0;
  while (pid > 0 && (count = read(report[0], &error, sizeof error)) < 0 && errno == EINTR) {
  }
  close(report[0]);
  if (count == sizeof error) {
    start.error = error;
    waitpid(pid, nullptr, 0);
  }
  return start;
}

std::string ChildEnd::text() const {
  if (!signalled) return fmt::format("exit {}", number);
  const char* const name = sigabbrev_np(number);
  return fmt::format("signal {} {}", number, name == nullptr ? "" : fmt::format("SIG{}", name));
}

std::optional<ChildEnd> reap_child(pid_t pid) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return std::nullopt;
  return ChildEnd{.signalled = info.si_code != CLD_EXITED, .number = info.si_status};
}

bool child_is_stopped(pid_t pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

}  // namespace aldis::cli
