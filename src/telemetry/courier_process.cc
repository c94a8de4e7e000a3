#include "telemetry/courier_process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

#include "core/clock.h"
#include "core/failure.h"
#include "core/kernel_file.h"
#include "core/private_files.h"

namespace aldis::telemetry {
namespace {

constexpr std::string_view kName = "aldis-courier";
constexpr const char* kNowhere = "/dev/null";
constexpr std::size_t kStatusBytesMax = 1024 * 1024;  // 65536 groups, of which a line is made, and more

// What a courier gets of its caller's environment. HTTP_PROXY is missing as in curl: a web server sets it from a
// header.
constexpr std::array kPassedOn = {"http_proxy",   "https_proxy",    "all_proxy",         "no_proxy",
                                  "HTTPS_PROXY",  "ALL_PROXY",      "NO_PROXY",          "SSL_CERT_FILE",
                                  "SSL_CERT_DIR", "CURL_CA_BUNDLE", "RUNNER_TRACKING_ID"};

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string beside_executable() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0 || static_cast<std::size_t>(length) == path.size() || path[0] != '/') return {};
  return fmt::format("{}/{}", directory_of({path.data(), static_cast<std::size_t>(length)}), kName);
}

std::string beside_library() {
  static const char here = 0;
  Dl_info info{};
  if (dladdr(&here, &info) == 0 || info.dli_fname == nullptr || info.dli_fname[0] != '/') return {};
  return fmt::format("{}/../bin/{}", directory_of(info.dli_fname), kName);
}

bool is_trusted(const struct stat& status) { return status.st_uid == 0 || status.st_uid == geteuid(); }

// "Seccomp:\t2\n": the digit.
char status_digit(std::string_view status, std::string_view name) {
  const std::string label = fmt::format("\n{}:\t", name);
  const std::size_t at = status.find(label);
  if (at == std::string_view::npos || at + label.size() >= status.size()) return '?';
  return status[at + label.size()];
}

std::vector<std::string> courier_environment(const Places& places, const Environment& environment) {
  std::vector<std::string> entries = {
      "ALDIS_COURIER=1", "ALDIS_COURIER_STATE=" + places.state_directory,
      fmt::format("ALDIS_COURIER_CONSENT={}/{}", places.consent_directory, kConsentName)};
  for (const char* const name : kPassedOn) {
    if (environment.has(name)) entries.push_back(fmt::format("{}={}", name, environment.get(name).value_or("")));
  }
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// How the new process is to look: a session of its own, no handlers, no blocked signals, no descriptor of ours.
class SpawnPlan {
 public:
  explicit SpawnPlan(int stdout_descriptor) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    note(posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    note(posix_spawnattr_setsigdefault(&attributes_, &all));
    note(posix_spawnattr_setsigmask(&attributes_, &none));
    // First, for the descriptor may be one of 0–2 itself.
    if (stdout_descriptor >= 0) {
      note(posix_spawn_file_actions_adddup2(&actions_, stdout_descriptor, STDOUT_FILENO));
    } else {
      note(posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, kNowhere, O_WRONLY, 0));
    }
    note(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, kNowhere, O_RDONLY, 0));
    note(posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, kNowhere, O_WRONLY, 0));
    note(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    note(posix_spawn_file_actions_addchdir_np(&actions_, "/"));
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  Result<pid_t> run(const std::string& path, std::vector<std::string> words, std::vector<std::string> variables) {
    pid_t pid = -1;
    if (failure_ == 0) {
      failure_ =
          posix_spawn(&pid, path.c_str(), &actions_, &attributes_, pointers(words).data(), pointers(variables).data());
    }
    if (failure_ == 0) return pid;
    const bool lack = failure_ == EAGAIN || failure_ == ENOMEM;
    return std::unexpected(system_error(lack ? ErrorCode::resource_exhausted : ErrorCode::failed_precondition,
                                        "cannot start " + path, failure_));
  }

 private:
  void note(int failure) {
    if (failure_ == 0) failure_ = failure;
  }

  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
  int failure_ = 0;
};

// Until it has ended, or `patience` is over.
void wait_for_end(const FileDescriptor& courier, std::chrono::milliseconds patience) {
  const SystemClock clock;
  const SteadyTime deadline = clock.steady_now() + patience;
  for (auto left = patience; left >= std::chrono::milliseconds::zero();
       left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.steady_now())) {
    pollfd watched{courier.get(), POLLIN, 0};
    if (poll(&watched, 1, static_cast<int>(left.count())) >= 0 || errno != EINTR) return;
  }
}

std::expected<int, NoExitCode> take_exit_code(const FileDescriptor& courier) {
  siginfo_t ended{};
  if (waitid(P_PIDFD, static_cast<id_t>(courier.get()), &ended, WEXITED | WNOHANG) != 0) {
    return std::unexpected(NoExitCode::unknown);
  }
  if (ended.si_pid == 0) return std::unexpected(NoExitCode::still_running);
  return ended.si_code == CLD_EXITED ? ended.si_status : -ended.si_status;
}

}  // namespace

Result<void> check_courier(const std::string& path) {
  struct stat named{};
  struct stat program{};
  if (lstat(path.c_str(), &named) != 0 || stat(path.c_str(), &program) != 0) {
    return fail(ErrorCode::not_found, "there is no {}", path);
  }
  if (!S_ISREG(program.st_mode) || access(path.c_str(), X_OK) != 0) {
    return fail(ErrorCode::permission_denied, "{} is not a program that we may run", path);
  }
  if (!is_trusted(named) || !is_trusted(program) || (program.st_mode & 022) != 0) {
    return fail(ErrorCode::permission_denied,
                "{} must belong to root or to user {} and be writable by nobody else: install it again", path,
                geteuid());
  }
  return {};
}

Result<std::string> find_courier() {
  Error problem = make_error(ErrorCode::not_found, "there is no {}: install it beside this program", kName);
  for (const std::string& path : {std::string(ALDIS_COURIER_PATH), beside_executable(), beside_library()}) {
    if (path.empty()) continue;
    const Result<void> fine = check_courier(path);
    if (fine) return path;
    if (fine.error().code != ErrorCode::not_found) problem = fine.error();
  }
  return std::unexpected(std::move(problem));
}

std::string refusal_to_start(const Environment& environment) {
  if (environment.get("ALDIS_COURIER")) return "this process was started by a courier";
  if (getpid() == 1) return "this is process 1, which would have to reap the courier";
  // Of this thread, for each may have a filter of its own. Long where the user is in many groups.
  const std::string status = read_kernel_file("/proc/thread-self/status", kStatusBytesMax).value_or("");
  const char seccomp = status_digit(status, "Seccomp");
  const char no_new_privileges = status_digit(status, "NoNewPrivs");
  if (seccomp == '?' || no_new_privileges == '?') return "/proc/thread-self/status cannot be read";
  if (seccomp == '1' || (seccomp == '2' && no_new_privileges == '1')) {
    return "this thread is in a sandbox (seccomp) that may kill it for starting another";
  }
  return {};
}

Result<pid_t> start_courier(const CourierStart& start, const Environment& environment) {
  std::vector<std::string> words = {start.path};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  return SpawnPlan(start.stdout_descriptor)
      .run(start.path, std::move(words), courier_environment(start.places, environment));
}

std::expected<int, NoExitCode> wait_for_courier(pid_t pid, std::chrono::milliseconds patience) {
  const FileDescriptor courier = watch_courier(pid);
  if (!courier.is_open()) return std::unexpected(NoExitCode::unknown);
  wait_for_end(courier, patience);
  return take_exit_code(courier);
}

FileDescriptor watch_courier(pid_t pid) {
  // As a system call: the declaration of glibc 2.36 has no C linkage.
  return own_descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool reap_courier(const FileDescriptor& courier) {
  return take_exit_code(courier) != std::unexpected(NoExitCode::still_running);
}

}  // namespace aldis::telemetry
