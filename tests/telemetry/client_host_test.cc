// A client in hosts that make its life hard: dead mounts, sandboxes, other rights, namespaces, threads.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

#include "aldis/telemetry.h"
#include "children.h"
#include "core/file_descriptor.h"
#include "core/format.h"
#include "telemetry/frame.h"

namespace aldis::telemetry {
namespace {

struct Ran {
  bool fine;

  static constexpr auto telemetry = telemetry_event("ran", telemetry_field("fine", &Ran::fine));
};
using Client = TelemetryClient<Ran>;

constexpr int kCannot = 77;

class ClientInAHost : public ::testing::Test {
 protected:
  TelemetryOptions options(const std::string& home) const {
    return {.tool = "tool", .version = "1.2.3", .environment = EnvironmentSnapshot{{"HOME", home}}, .spool_only = true};
  }
  TelemetryOptions options() const { return options(home_.path()); }
  DecodedSpool spool() const { return decode(read_all(home_.spool())); }

  ToolHome home_;
};

// An automounter that never answers: whoever looks below hangs until he is killed.
bool mount_dead(const std::string& directory) {
  std::array<int, 2> ends{};
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (setsid() < 0 || pipe2(ends.data(), O_CLOEXEC | O_DIRECT) != 0) return false;
  const std::string mode = fmt::format("fd={},pgrp={},minproto=5,maxproto=5,indirect", ends[1], getpgrp());
  return mount("automounter", directory.c_str(), "autofs", 0, mode.c_str()) == 0;
}

TEST_F(ClientInAHost, whose_home_leads_to_a_dead_mount_does_not_wait_for_it) {
  const std::string dead = home_.path() + "/dead";
  std::filesystem::create_directory(dead);
  std::filesystem::create_directory_symlink("dead/home", home_.path() + "/link");
  for (const std::string& home :
       {dead + "/home", home_.path() + "/link", home_.path() + "//./dead/home", home_.path() + "/dead/../dead/home"}) {
    Child host([&] {
      if (!mount_dead(dead)) return kCannot;
      Child tool([&] {
        setpgid(0, 0);  // that of the automounter itself does not wait
        alarm(20);
        Client client(options(home));
        client.event(Ran{true});
        return client.active() ? 1 : client.finish(9);
      });
      return tool.wait() == 9 ? 9 : 1;
    });
    const int code = host.wait();
    if (code == kCannot) GTEST_SKIP() << "no automounter here";
    EXPECT_EQ(code, 9) << home;
  }
}

TEST_F(ClientInAHost, with_other_rights_looks_at_no_file_for_updates_either) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can take other rights";
  home_.consent();
  const FileDescriptor watch(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(inotify_add_watch(watch.get(), home_.places().consent_directory.c_str(), IN_OPEN), 0);
  std::array<char, 4096> events{};
  Child tool([&] { return setegid(65534) == 0 && !Client(options()).update_available() ? 0 : 1; });
  EXPECT_EQ(tool.wait(), 0);
  EXPECT_LT(read(watch.get(), events.data(), events.size()), 0) << "something was opened";
  Child other([&] { static_cast<void>(Client(options()).update_available()); });
  EXPECT_EQ(other.wait(), 0);
  EXPECT_GT(read(watch.get(), events.data(), events.size()), 0) << "and this is how it would be seen";
}

bool make_namespace() { return unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0; }

TEST_F(ClientInAHost, that_was_process_1_hands_nothing_over_as_process_1_of_a_namespace_below) {
  home_.consent();
  Child outside([&] {
    if (!make_namespace()) return kCannot;
    return Child([&] {
             Client client(options());
             client.event(Ran{true});
             if (getpid() != 1 || !make_namespace()) return kCannot;
             Child child([&] { return getpid() == 1 ? client.finish(0) : kCannot; });
             return child.wait();
           })
        .wait();
  });
  const int code = outside.wait();
  if (code == kCannot) GTEST_SKIP() << "no namespaces here";
  EXPECT_EQ(code, 0);
  EXPECT_FALSE(std::filesystem::exists(home_.spool()));
}

TEST_F(ClientInAHost, whose_standard_streams_are_closed_keeps_nothing_there_while_a_courier_runs) {
  home_.consent();
  TelemetryOptions with_courier = options();
  with_courier.spool_only = false;
  Child host([&] {
    close_range(0, 2, 0);
    Client client(with_courier);
    client.event(Ran{true});
    client.hand_over();
    return fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 ? 0 : 1;
  });
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(ClientInAHost, that_ends_while_another_thread_hands_over_tells_of_each_record_once) {
  home_.consent();
  constexpr std::uint64_t kEach = 40;
  for (int round = 0; round < 50; ++round) {
    Client client(options());
    for (std::uint64_t i = 0; i < kEach; ++i) client.event(Ran{true});
    std::atomic<bool> go{false};
    std::thread other([&] {
      go.wait(false);
      client.hand_over();
    });
    go = true;
    go.notify_all();
    client.finish(0);
    other.join();
    const DecodedSpool found = spool();
    ASSERT_EQ(found.record_count() + found.dropped_count(), kEach) << round;
    std::filesystem::remove(home_.spool());
  }
}

bool kill_for_opening() {
  sock_filter rules[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                         {BPF_JMP | BPF_JEQ | BPF_K, 2, 0, SYS_openat},
                         {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_flock},
                         {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
                         {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS}};
  sock_fprog program{std::size(rules), rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

TEST_F(ClientInAHost, that_finished_before_it_entered_a_sandbox_lives_on_in_it) {
  home_.consent();
  Child host([&] {
    Client client(options());
    client.finish_on_exit();
    client.event(Ran{true});
    client.finish(0);
    if (!kill_for_opening()) _exit(kCannot);
    client.event(Ran{true});
    client.hand_over();
    std::exit(client.finish(9));
  });
  const int code = host.wait();
  if (code == kCannot) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(code, 9);
  EXPECT_EQ(spool().record_count(), 1U);
}

}  // namespace
}  // namespace aldis::telemetry
