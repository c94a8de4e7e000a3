#include "cli/terminal_mode.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace aldis::cli {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// Those that are not ignored: one that is ignored would wait as well, and end nothing.
sigset_t ending_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : kEnding) {
    struct sigaction action{};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&ending, signal);
  }
  return ending;
}

}  // namespace

TerminalMode::TerminalMode(int terminal) : terminal_(terminal), ending_(ending_signals()) {
  pthread_sigmask(SIG_BLOCK, &ending_, &blocked_before_);
  changed_ = tcgetattr(terminal_, &before_) == 0;
  if (!changed_) return;
  termios mode = before_;
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG | ICANON);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  tcsetattr(terminal_, TCSAFLUSH, &mode);
}

TerminalMode::~TerminalMode() {
  if (changed_) tcsetattr(terminal_, TCSAFLUSH, &before_);
  pthread_sigmask(SIG_SETMASK, &blocked_before_, nullptr);
}

std::optional<char> TerminalMode::read_key(std::chrono::milliseconds at_most) const {
  pollfd input{terminal_, POLLIN, 0};
  char key = 0;
  if (poll(&input, 1, static_cast<int>(at_most.count())) <= 0) return std::nullopt;
  const ssize_t count = read(terminal_, &key, 1);
  if (count < 0 && errno == EINTR) return std::nullopt;
  return count == 1 ? key : kControlD;
}

void TerminalMode::forget_keys() const { tcflush(terminal_, TCIFLUSH); }

std::optional<int> TerminalMode::take_signal() const {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : {SIGINT, SIGTERM}) {
    if (sigismember(&ending_, signal) == 1) sigaddset(&taken, signal);
  }
  constexpr timespec kNow{};
  const int signal = sigtimedwait(&taken, nullptr, &kNow);
  return signal > 0 ? std::optional(signal) : std::nullopt;
}

bool TerminalMode::is_ending() const {
  sigset_t waiting;
  if (sigpending(&waiting) != 0) return false;
  for (const int signal : kEnding) {
    if (sigismember(&ending_, signal) == 1 && sigismember(&waiting, signal) == 1) return true;
  }
  return false;
}

}  // namespace aldis::cli
