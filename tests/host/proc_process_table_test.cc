// The real process table, on real processes.

#include "engines/host/proc_process_table.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

namespace aldis {
namespace {

// A forked child that has run `prepare` and waits; killed and reaped at the end.
class Child {
 public:
  explicit Child(const std::function<void()>& prepare = [] {}) {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      prepare();
      if (::write(ready[1], "r", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Child() {
    if (pid_ > 0) die_and_be_reaped();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  void become_stopped() { change(SIGSTOP, WSTOPPED); }
  void become_zombie() { change(SIGKILL, WEXITED); }
  void die_and_be_reaped() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  void change(int signal, int waited) {
    ::kill(pid_, signal);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, waited | WNOWAIT);
  }
  pid_t pid_ = -1;
};

// What `ask` says in a forked child, as its exit code.
int answer_of_child(const std::function<int()>& ask) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(ask());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class ProcProcessTable : public ::testing::Test {
 protected:
  ProcessIdentity identity(int pid) { return table_->identify(pid).value(); }
  ProcessEvidence examine(const ProcessIdentity& process) { return table_->examine(process); }
  const std::shared_ptr<ProcessTable> table_ = make_proc_process_table();
};

TEST_F(ProcProcessTable, knows_this_process) {
  const ProcessIdentity self = table_->self().value();
  EXPECT_EQ(self.pid, ::getpid());
  EXPECT_GT(self.start_time_ticks, 0U);
  EXPECT_EQ(self.boot_id.size(), 36U);
  EXPECT_NE(self.pid_namespace, 0U);
  EXPECT_EQ(identity(::getpid()), self);
  EXPECT_EQ(examine(self), ProcessEvidence::exists);
}

TEST_F(ProcProcessTable, sees_a_process_live_stop_die_and_go) {
  Child child;
  const ProcessIdentity process = identity(child.pid());
  EXPECT_EQ(examine(process), ProcessEvidence::exists);
  child.become_stopped();
  EXPECT_EQ(examine(process), ProcessEvidence::exists);
  child.become_zombie();
  EXPECT_EQ(examine(process), ProcessEvidence::zombie);
  EXPECT_EQ(table_->identify(child.pid()), process) << "an unreaped process still has its identity";
  child.die_and_be_reaped();
  EXPECT_EQ(examine(process), ProcessEvidence::gone);
}

TEST_F(ProcProcessTable, takes_a_later_process_with_the_same_pid_for_another) {
  const Child child;
  ProcessIdentity earlier = identity(child.pid());
  --earlier.start_time_ticks;
  EXPECT_EQ(examine(earlier), ProcessEvidence::gone);
}

TEST_F(ProcProcessTable, knows_nothing_of_another_boot_or_pid_namespace) {
  ProcessIdentity other = table_->self().value();
  other.boot_id.back() = other.boot_id.back() == '0' ? '1' : '0';
  EXPECT_EQ(examine(other), ProcessEvidence::unknown);
  other = table_->self().value();
  ++other.pid_namespace;
  EXPECT_EQ(examine(other), ProcessEvidence::unknown);
  EXPECT_EQ(examine(ProcessIdentity{}), ProcessEvidence::unknown);
}

TEST_F(ProcProcessTable, finds_no_process_that_is_not_there) {
  Child child;
  const int pid = child.pid();
  child.die_and_be_reaped();
  for (const int absent : {pid, 0, -1, 1 << 30}) {
    const auto found = table_->identify(absent);
    ASSERT_FALSE(found) << absent;
    EXPECT_EQ(found.error().code, ErrorCode::not_found) << absent;
  }
}

TEST_F(ProcProcessTable, is_not_misled_by_the_name_of_a_process) {
  const Child child([] { ::prctl(PR_SET_NAME, ") Z 1 (x) X"); });
  EXPECT_EQ(examine(identity(child.pid())), ProcessEvidence::exists);
}

TEST_F(ProcProcessTable, a_process_outlives_its_main_thread) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::thread([&ready, main = ::pthread_self()] {
      ::pthread_join(main, nullptr);  // returns when the main thread has ended
      if (::write(ready[1], "r", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }).detach();
    ::syscall(SYS_exit, 0);  // ends this thread alone; pthread_exit would unwind through the test framework
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(examine(identity(child)), ProcessEvidence::exists);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// As root only: in a mount namespace of its own, a child that is nobody sees a /proc that hides the processes of
// others.
TEST_F(ProcProcessTable, a_process_that_proc_hides_is_unknown) {
  if (::geteuid() != 0) GTEST_SKIP() << "hiding processes in /proc needs root";
  const ProcessIdentity hidden = table_->self().value();
  constexpr unsigned kNobody = 65534;
  constexpr int kCannotPrepare = 99;
  const int answer = answer_of_child([&] {
    const bool prepared = ::unshare(CLONE_NEWNS) == 0 &&
                          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          ::mount("proc", "/proc", "proc", 0, "hidepid=2") == 0 && ::setgroups(0, nullptr) == 0 &&
                          ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0;
    if (!prepared) return kCannotPrepare;
    const auto table = make_proc_process_table();
    if (table->examine(table->self().value()) != ProcessEvidence::exists) return 1;
    if (table->examine(hidden) != ProcessEvidence::unknown) return 2;
    const auto identified = table->identify(hidden.pid);
    return !identified && identified.error().code == ErrorCode::failed_precondition ? 0 : 3;
  });
  if (answer == kCannotPrepare) GTEST_SKIP() << "this container may not mount /proc";
  EXPECT_EQ(answer, 0);
}

TEST_F(ProcProcessTable, names_the_host) { EXPECT_FALSE(table_->host_name().empty()); }

}  // namespace
}  // namespace aldis
