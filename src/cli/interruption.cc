#include "cli/interruption.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <ratio>

#include "core/worker_thread.h"

namespace aldis::cli {
namespace {

sigset_t heeded_signals() {
  sigset_t heeded;
  sigemptyset(&heeded);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action{};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&heeded, signal);
  }
  return heeded;
}

}  // namespace

Interruption::Interruption(std::optional<std::chrono::nanoseconds> timeout) : heeded_(heeded_signals()) {
  pthread_sigmask(SIG_BLOCK, &heeded_, nullptr);
  signals_ = signalfd(-1, &heeded_, SFD_CLOEXEC);
  quit_ = eventfd(0, EFD_CLOEXEC);
  Result<std::thread> started = start_worker_thread([this, timeout] { serve(timeout); });
  if (started) {
    thread_ = *std::move(started);
  } else {
    end_at_the_next();
  }
}

Interruption::~Interruption() {
  eventfd_write(quit_, 1);
  if (thread_.joinable()) thread_.join();
  close(signals_);
  close(quit_);
}

void Interruption::interrupt() {
  signal_ = SIGINT;
  stop_.request_stop();
  end_at_the_next();
}

// They are open in this thread alone, which is enough: they end the process.
void Interruption::end_at_the_next() const { pthread_sigmask(SIG_UNBLOCK, &heeded_, nullptr); }

void Interruption::serve(std::optional<std::chrono::nanoseconds> timeout) {
  pollfd watched[] = {{signals_, POLLIN, 0}, {quit_, POLLIN, 0}};
  timespec left{};
  if (timeout) {
    left.tv_sec = static_cast<time_t>(timeout->count() / std::nano::den);
    left.tv_nsec = static_cast<long>(timeout->count() % std::nano::den);
  }
  for (;;) {
    const int ready = ppoll(watched, 2, timeout ? &left : nullptr, nullptr);
    if (watched[1].revents != 0 || ready < 0) return;
    signalfd_siginfo info{};
    if (ready == 0) {
      timed_out_ = true;
    } else if (read(signals_, &info, sizeof info) == sizeof info) {
      signal_ = static_cast<int>(info.ssi_signo);
      end_at_the_next();
    }
    timeout.reset();
    stop_.request_stop();
  }
}

Reply cancelled_by(int signal) {
  const bool terminated = signal == SIGTERM;
  return fail_with(terminated ? ExitCode::terminated : ExitCode::interrupted, kCodeCancelled,
                   terminated ? "ended by SIGTERM" : "ended by SIGINT");
}

Reply out_of_time() { return fail_with(ExitCode::timeout, kCodeTimeout, "the time given with --timeout is over"); }

Reply Interruption::cancelled_reply() const { return cancelled_by(signal_); }

Reply Interruption::end_of_stream(const Result<void>& done) const {
  if (happened()) return cancelled_reply();
  if (!done) return fail_with(done.error());
  return timed_out_ ? out_of_time() : Reply{};
}

}  // namespace aldis::cli
