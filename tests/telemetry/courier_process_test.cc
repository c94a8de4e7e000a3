#include "telemetry/courier_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cstdint>
#include <thread>

#include "aldis/tool_environment.h"
#include "children.h"
#include "core/file_descriptor.h"

namespace aldis::telemetry {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kPuppet = ALDIS_TELEMETRY_STAGE "/aldis-courier";

class CourierProcess : public ::testing::Test {
 protected:
  CourierProcess() { std::filesystem::create_directories(home_.places().state_directory); }

  CourierStart start(std::vector<std::string> arguments = {}) const {
    return {.path = kPuppet, .places = home_.places(), .arguments = std::move(arguments)};
  }
  std::string what_it_was_given(const Environment& environment = Environment()) const {
    const Result<pid_t> pid = start_courier(start(), environment);
    EXPECT_TRUE(pid) << pid.error().message;
    EXPECT_EQ(wait_for_courier(*pid, 30s), 0);
    return read_all(home_.heard());
  }

  ToolHome home_;
};

TEST_F(CourierProcess, is_found_beside_the_executable) { EXPECT_EQ(*find_courier(), kPuppet); }

TEST_F(CourierProcess, must_be_a_program_that_nobody_else_may_write) {
  EXPECT_TRUE(check_courier(kPuppet));
  const std::string path = home_.path() + "/courier";
  EXPECT_EQ(check_courier(path).error().code, ErrorCode::not_found);
  write_all(path, "#!/bin/sh\n");
  for (const mode_t mode : {0644, 0775, 0757}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    const Result<void> checked = check_courier(path);
    ASSERT_FALSE(checked) << std::oct << mode;
    EXPECT_EQ(checked.error().code, ErrorCode::permission_denied);
    EXPECT_THAT(checked.error().message, HasSubstr(path));
  }
  EXPECT_FALSE(check_courier(home_.path())) << "a directory";
}

TEST_F(CourierProcess, that_somebody_else_made_or_linked_is_not_taken) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make one";
  const std::string path = home_.path() + "/courier";
  ASSERT_EQ(symlink(kPuppet.c_str(), path.c_str()), 0);
  EXPECT_TRUE(check_courier(path));
  ASSERT_EQ(lchown(path.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(check_courier(path));
}

TEST_F(CourierProcess, gets_exactly_the_variables_that_are_written_down) {
  const std::string given = what_it_was_given(Environment({{"https_proxy", "http://proxy:1"},
                                                           {"no_proxy", ""},
                                                           {"HTTP_PROXY", "http://evil"},
                                                           {"SSL_CERT_FILE", "/certificates"},
                                                           {"RUNNER_TRACKING_ID", "42"},
                                                           {"HOME", "/home/somebody"},
                                                           {"LD_PRELOAD", "x.so"},
                                                           {"PATH", "/bin"}}));
  EXPECT_THAT(given,
              HasSubstr(R"("environment":["ALDIS_COURIER=1","ALDIS_COURIER_STATE=)" + home_.places().state_directory +
                        R"(","ALDIS_COURIER_CONSENT=)" + home_.places().consent_directory +
                        R"(/telemetry","https_proxy=http://proxy:1","no_proxy=",)"
                        R"("SSL_CERT_FILE=/certificates","RUNNER_TRACKING_ID=42"])"));
}

TEST_F(CourierProcess, has_nothing_open_and_a_session_and_signals_of_its_own) {
  const FileDescriptor secret(open("/proc/self/stat", O_RDONLY));  // not O_CLOEXEC
  ASSERT_TRUE(secret.is_open());
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  const auto handler = signal(SIGUSR1, SIG_IGN);
  const std::string given = what_it_was_given();
  signal(SIGUSR1, handler);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(given,
              AllOf(HasSubstr(R"("descriptors":["0 /dev/null","1 /dev/null","2 /dev/null"])"),
                    HasSubstr(R"("directory":"/")"), HasSubstr(R"("leads_its_session":true)"),
                    HasSubstr(R"("has_own_signals":false)"), HasSubstr(R"("arguments":[")" + kPuppet + R"("])")));
}

TEST_F(CourierProcess, starts_from_a_process_without_standard_streams_and_on_any_descriptor) {
  for (const int low : {0, 1, 2, 50}) {
    Child child([&] {
      int ends[2];
      if (pipe2(ends, O_CLOEXEC) != 0) return 1;
      const int reader = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
      const int writer = fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
      close_range(0, 60, 0);
      if (dup3(writer, low, O_CLOEXEC) != low) return 2;
      close(writer);
      CourierStart with_pipe = start({"--print"});
      with_pipe.stdout_descriptor = low;
      const Result<pid_t> pid = start_courier(with_pipe, Environment());
      if (!pid) return 3;
      close(low);
      std::string said(16384, '\0');
      std::size_t filled = 0;
      for (ssize_t count = 1; count > 0; filled += static_cast<std::size_t>(count)) {
        count = read(reader, said.data() + filled, said.size() - filled);
        if (count < 0) return 4;
      }
      if (wait_for_courier(*pid, 30s) != 7) return 5;
      return said.find(R"("0 /dev/null","1 pipe:)") != std::string::npos ? 0 : 6;
    });
    EXPECT_EQ(child.wait(), 0) << low;
  }
}

TEST_F(CourierProcess, that_runs_on_is_not_waited_for_longer_than_patience) {
  const Result<pid_t> pid = start_courier(start({"--hold"}), Environment());
  ASSERT_TRUE(pid);
  const FileDescriptor courier = watch_courier(*pid);
  EXPECT_EQ(wait_for_courier(*pid, 20ms), std::unexpected(NoExitCode::still_running));
  EXPECT_FALSE(reap_courier(courier));
  ASSERT_EQ(kill(*pid, SIGKILL), 0);
  EXPECT_EQ(wait_for_courier(*pid, 30s), -SIGKILL);
  EXPECT_TRUE(reap_courier(courier)) << "reaped already";
}

TEST_F(CourierProcess, that_somebody_else_reaped_is_no_trouble) {
  Child child([&] {
    signal(SIGCHLD, SIG_IGN);
    const Result<pid_t> pid = start_courier(start(), Environment());
    if (!pid) return 1;
    const FileDescriptor courier = watch_courier(*pid);
    const bool unknown = wait_for_courier(*pid, 30s) == std::unexpected(NoExitCode::unknown);
    return unknown && (!courier.is_open() || reap_courier(courier)) ? 0 : 2;
  });
  EXPECT_EQ(child.wait(), 0);
}

// The kernel would give the number to the millionth process from now: so the test asks for it itself.
TEST_F(CourierProcess, whose_number_another_child_has_got_leaves_that_child_alone) {
  const Result<pid_t> pid = start_courier(start(), Environment());
  ASSERT_TRUE(pid);
  const FileDescriptor courier = watch_courier(*pid);
  ASSERT_TRUE(courier.is_open());
  ASSERT_EQ(waitpid(*pid, nullptr, 0), *pid) << "as a host with waitpid(-1) does";
  std::array<pid_t, 1> number = {*pid};
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uintptr_t>(number.data());
  arguments.set_tid_size = number.size();
  const long other = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (other == 0) _exit(5);
  if (other != *pid) GTEST_SKIP() << "no number can be chosen here";
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(*pid), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(reap_courier(courier));
  int status = 0;
  ASSERT_EQ(waitpid(*pid, &status, 0), *pid) << "the host's own child was taken away";
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

TEST_F(CourierProcess, is_watched_clear_of_the_standard_streams) {
  Child child([&] {
    close_range(0, 2, 0);
    return watch_courier(getpid()).get() > 2 && fcntl(0, F_GETFD) < 0 ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(CourierProcess, that_does_not_exist_is_an_error_here_and_now) {
  CourierStart missing = start();
  missing.path = home_.path() + "/none";
  EXPECT_FALSE(start_courier(missing, Environment()));
}

TEST_F(CourierProcess, may_be_started_from_an_ordinary_process_only) {
  EXPECT_THAT(refusal_to_start(Environment()), IsEmpty());
  EXPECT_THAT(refusal_to_start(Environment(EnvironmentSnapshot{{"ALDIS_COURIER", "1"}})), HasSubstr("courier"));
}

bool enter_sandbox() {
  sock_filter allow_all[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  sock_fprog program{1, allow_all};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

TEST_F(CourierProcess, is_not_started_from_a_thread_that_has_a_sandbox_of_its_own) {
  Child child([] {
    int code = 0;
    std::thread boxed([&] {
      if (!enter_sandbox()) {
        code = 77;
      } else {
        code = refusal_to_start(Environment()).find("seccomp") != std::string::npos ? 0 : 1;
      }
    });
    boxed.join();
    return code;
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(code, 0);
}

TEST_F(CourierProcess, is_started_for_a_user_of_many_groups) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can join groups";
  Child child([] {
    std::vector<gid_t> groups;
    for (gid_t group = 2'000'000'000; groups.size() < 65536; ++group) groups.push_back(group);
    if (setgroups(groups.size(), groups.data()) != 0) return 77;
    return refusal_to_start(Environment()).empty() ? 0 : 1;
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "no groups here";
  EXPECT_EQ(code, 0);
}

TEST_F(CourierProcess, is_not_started_from_a_sandbox) {
  Child child([] {
    if (!enter_sandbox()) return 77;
    return refusal_to_start(Environment()).find("seccomp") != std::string::npos ? 0 : 1;
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(code, 0);
}

TEST_F(CourierProcess, is_not_started_from_the_first_process_of_a_container) {
  Child child([] {
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return 77;
    return Child([] { return refusal_to_start(Environment()).find("process 1") != std::string::npos ? 0 : 1; }).wait();
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "no namespaces here";
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace aldis::telemetry
