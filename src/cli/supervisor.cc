#include "cli/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace aldis::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kGraceBeforeKill = 5s;
bool in_foreground() {
  const int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) return false;
  const bool foreground = tcgetpgrp(terminal) == getpgrp();
  close(terminal);
  return foreground;
}

class Supervisor {
 public:
  explicit Supervisor(const Supervision& supervision) : supervision_(supervision) {
    if (supervision.timeout) timeout_at_ = supervision.clock.steady_now() + *supervision.timeout;
  }

  SupervisedEnd run() {
    for (;;) {
      if (const std::optional<ChildEnd> end = reap_child(supervision_.child)) {
        end_.child = *end;
        return end_;
      }
      act_on_time();
      sleep_until_something_happens();
    }
  }

 private:
  void act_on_time() {
    const SteadyTime now = supervision_.clock.steady_now();
    if (timeout_at_ && now >= *timeout_at_) ask_to_stop(SupervisedEnd::Reason::timeout);
    if (kill_at_ && now >= *kill_at_ && !end_.killed) {
      kill(supervision_.child, SIGKILL);
      end_.killed = true;
      kill_at_.reset();
    }
  }

  void ask_to_stop(SupervisedEnd::Reason reason) {
    timeout_at_.reset();
    if (end_.reason != SupervisedEnd::Reason::by_itself) return;
    end_.reason = reason;
    kill(supervision_.child, SIGTERM);
    kill(supervision_.child, SIGCONT);  // a stopped child cannot act on SIGTERM
    kill_at_ = supervision_.clock.steady_now() + kGraceBeforeKill;
  }

  void sleep_until_something_happens() {
    std::optional<SteadyTime> wake_at = timeout_at_;
    if (kill_at_) wake_at = wake_at ? std::min(*wake_at, *kill_at_) : kill_at_;
    timespec left{};
    if (wake_at) {
      const auto span = std::max<std::chrono::nanoseconds>(*wake_at - supervision_.clock.steady_now(), 0ns);
      left.tv_sec = static_cast<time_t>(span / 1s);
      left.tv_nsec = static_cast<long>((span % 1s).count());
    }
    pollfd watched[] = {{supervision_.gate.descriptor(), POLLIN, 0}, {supervision_.stop_descriptor, POLLIN, 0}};
    if (stop_seen_) watched[1].fd = -1;
    if (ppoll(watched, 2, wake_at ? &left : nullptr, nullptr) <= 0) return;
    if (watched[1].revents != 0) {
      stop_seen_ = true;
      ask_to_stop(SupervisedEnd::Reason::stop_signal);
    }
    if (watched[0].revents != 0) read_signals();
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (read(supervision_.gate.descriptor(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCONT) {
        if (child_is_stopped(supervision_.child)) kill(supervision_.child, SIGCONT);
      } else if (info.ssi_signo != SIGCHLD && !reached_child(info)) {
        kill(supervision_.child, static_cast<int>(info.ssi_signo));
      }
      stop_wanted_ = (stop_wanted_ || info.ssi_signo == SIGTSTP) && info.ssi_signo != SIGCONT;
    }
    follow_stopped_child();
  }

  // Whether the child got this signal by itself. The terminal signals the whole group; but a hang-up only the leader of
  // the session. What the child sent to us came from a kill of its own group.
  bool reached_child(const signalfd_siginfo& info) const {
    if (static_cast<pid_t>(info.ssi_pid) == supervision_.child) return true;
    const bool leads_session = getsid(0) == getpid();
    return info.ssi_code == SI_KERNEL && !(info.ssi_signo == SIGHUP && leads_session);
  }

  void follow_stopped_child() {
    if (!child_is_stopped(supervision_.child) || !(stop_wanted_ || in_foreground())) return;
    stop_wanted_ = false;
    raise(SIGSTOP);
  }

  const Supervision& supervision_;
  SupervisedEnd end_;
  std::optional<SteadyTime> timeout_at_;
  std::optional<SteadyTime> kill_at_;
  bool stop_seen_ = false;    // --stop-on
  bool stop_wanted_ = false;  // SIGTSTP came
};

}  // namespace

SupervisedEnd supervise(const Supervision& supervision) { return Supervisor(supervision).run(); }

}  // namespace aldis::cli
