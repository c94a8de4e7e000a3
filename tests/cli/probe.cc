// A program to be run by `aldis run`, which tells what it finds.
//
//   probe describe [ARG...]   its surroundings and its arguments, one a line
//   probe signals             "ready", then the name of each signal that it gets; SIGUSR2 ends it with 0
//   probe stubborn            "ready", ignores SIGTERM
//   probe narrow CMD [ARG...] runs CMD where stdout is a pipe that takes 4096 bytes at a time and never blocks
//   probe stop                stops itself alone (SIGTSTP), says "continued", and ends with 0

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr int kHeard[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO};

void say(const char* text) {
  std::puts(text);
  std::fflush(stdout);
}

int describe(int argc, char** argv) {
  std::printf("pid %d parent %d\n", getpid(), getppid());
  std::printf("group %s\n", getpgrp() == getpgid(getppid()) ? "shared" : "own");
  int on_parent_death = 0;
  prctl(PR_GET_PDEATHSIG, &on_parent_death);
  std::printf("parent death signal %d\n", on_parent_death);
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < 32; ++signal) {
    struct sigaction action{};
    sigaction(signal, nullptr, &action);
    if (sigismember(&mask, signal) == 1) std::printf("blocked SIG%s\n", sigabbrev_np(signal));
    if (action.sa_handler == SIG_IGN) std::printf("ignored SIG%s\n", sigabbrev_np(signal));
  }
  DIR* directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int descriptor = std::atoi(entry->d_name);
    if (descriptor > STDERR_FILENO && descriptor != dirfd(directory)) std::printf("descriptor %d\n", descriptor);
  }
  closedir(directory);
  for (int i = 2; i < argc; ++i) std::printf("argument %zu:%s\n", std::strlen(argv[i]), argv[i]);
  say("described");
  return 0;
}

int hear_signals() {
  sigset_t heard;
  sigemptyset(&heard);
  for (const int signal : kHeard) sigaddset(&heard, signal);
  sigprocmask(SIG_BLOCK, &heard, nullptr);
  std::printf("ready %d\n", getpid());
  std::fflush(stdout);
  for (;;) {
    siginfo_t info{};
    if (sigwaitinfo(&heard, &info) < 0) continue;
    if (info.si_signo == SIGUSR2) return 0;
    std::printf("got SIG%s\n", sigabbrev_np(info.si_signo));
    std::fflush(stdout);
  }
}

int ignore_term() {
  signal(SIGTERM, SIG_IGN);
  say("ready");
  for (;;) pause();
}

int run_narrow(char** command) {
  fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096);
  fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
  execv(command[0], command);
  return 127;
}

int stop() {
  kill(getpid(), SIGTSTP);
  say("continued");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "describe") return describe(argc, argv);
  if (what == "signals") return hear_signals();
  if (what == "stubborn") return ignore_term();
  if (what == "narrow" && argc > 2) return run_narrow(argv + 2);
  if (what == "stop") return stop();
  return 2;
}
