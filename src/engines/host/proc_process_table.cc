#include "engines/host/proc_process_table.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  const int number_;
};

// Room for a line of /proc/<pid>/stat: 52 numbers and a name of at most 64 bytes.
using StatBuffer = std::array<char, 1536>;

struct ProcessStat {
  char state = '?';
  std::uint64_t threads = 0;
  std::uint64_t start_time_ticks = 0;

  // A main thread that exited before others is shown as Z, but its process lives.
  bool is_zombie() const { return (state == 'Z' && threads <= 1) || state == 'X' || state == 'x'; }
};

// Fields 3, 20 and 22 of proc_pid_stat(5). The name before them may hold anything, parentheses too.
std::optional<ProcessStat> parse_stat(std::string_view line) {
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos || line.size() < name_end + 3) return std::nullopt;
  line.remove_prefix(name_end + 2);
  ProcessStat stat;
  stat.state = line.front();
  constexpr int kThreadsField = 20;
  constexpr int kStartTimeField = 22;
  for (int field = 3;; ++field) {
    if (field == kThreadsField) std::from_chars(line.data(), line.data() + line.size(), stat.threads);
    if (field == kStartTimeField) {
      const auto parsed = std::from_chars(line.data(), line.data() + line.size(), stat.start_time_ticks);
      return parsed.ec == std::errc() ? std::optional(stat) : std::nullopt;
    }
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    line.remove_prefix(space + 1);
  }
}

enum class Sight { seen, absent, hidden };

struct Look {
  Sight sight = Sight::hidden;
  ProcessStat stat;
};

// Whether `pid` is in use at all: with hidepid, /proc denies what others run, and kill tells.
Sight sight_without_proc(int pid) { return ::kill(pid, 0) != 0 && errno == ESRCH ? Sight::absent : Sight::hidden; }

std::string read_line(const char* path) {
  const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 128> buffer;
  const ssize_t got = file.is_open() ? ::read(file.number(), buffer.data(), buffer.size()) : -1;
  const std::string_view text(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return std::string(text.substr(0, text.find('\n')));
}

std::uint64_t own_pid_namespace() {
  struct stat status{};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

class ProcProcessTable final : public ProcessTable {
 public:
  ProcProcessTable()
      : proc_(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)),
        boot_id_(read_line("/proc/sys/kernel/random/boot_id")),
        pid_namespace_(own_pid_namespace()) {}

  Result<ProcessIdentity> self() override {
    ALDIS_TRY(check_proc());
    const int pid = ::getpid();
    const Look looked = look(pid);
    if (looked.sight == Sight::seen) return identity(pid, looked.stat);
    return fail(ErrorCode::failed_precondition,
                "this process cannot find itself in /proc: is another one mounted there?");
  }

  Result<ProcessIdentity> identify(int pid) override {
    if (pid <= 0) return fail(ErrorCode::not_found, "there is no process {}", pid);
    ALDIS_TRY(check_proc());
    // Holding a pidfd while looking tells whether the pid was given to another process meanwhile. Old kernels have
    // none.
    const Descriptor held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!held.is_open() && (errno == ESRCH || errno == EINVAL)) {
      return fail(ErrorCode::not_found, "there is no process {}", pid);
    }
    const Look looked = look(pid);
    const bool reaped =
        held.is_open() && ::syscall(SYS_pidfd_send_signal, held.number(), 0, nullptr, 0) != 0 && errno == ESRCH;
    if (reaped || looked.sight == Sight::absent) return fail(ErrorCode::not_found, "there is no process {}", pid);
    if (looked.sight == Sight::seen) return identity(pid, looked.stat);
    return fail(ErrorCode::failed_precondition,
                "process {} cannot be seen from here: it is another user's, and /proc hides those", pid);
  }

  ProcessEvidence examine(const ProcessIdentity& process) override {
    const bool is_ours = !boot_id_.empty() && process.boot_id == boot_id_ && process.pid_namespace == pid_namespace_;
    if (!is_ours || process.pid <= 0) return ProcessEvidence::unknown;
    const Look looked = look(process.pid);
    if (looked.sight == Sight::hidden) return ProcessEvidence::unknown;
    if (looked.sight == Sight::absent || looked.stat.start_time_ticks != process.start_time_ticks) {
      return ProcessEvidence::gone;
    }
    return looked.stat.is_zombie() ? ProcessEvidence::zombie : ProcessEvidence::exists;
  }

  std::string host_name() override {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
  }

 private:
  Result<void> check_proc() const {
    if (proc_.is_open() && !boot_id_.empty() && pid_namespace_ != 0) return {};
    return fail(ErrorCode::failed_precondition, "/proc is not mounted, so processes cannot be told apart");
  }

  ProcessIdentity identity(int pid, const ProcessStat& stat) const {
    return {
        .pid = pid, .start_time_ticks = stat.start_time_ticks, .boot_id = boot_id_, .pid_namespace = pid_namespace_};
  }

  Look look(int pid) const {
    std::array<char, 32> path{};
    const auto written = std::to_chars(path.data(), path.data() + path.size(), pid);
    std::string_view("/stat").copy(written.ptr, 5);
    const Descriptor file(::openat(proc_.number(), path.data(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return {errno == ENOENT || errno == ESRCH ? sight_without_proc(pid) : Sight::hidden, {}};
    StatBuffer buffer;
    const ssize_t got = ::read(file.number(), buffer.data(), buffer.size());
    if (got < 0) return {errno == ESRCH ? Sight::absent : Sight::hidden, {}};
    const auto stat = parse_stat({buffer.data(), static_cast<std::size_t>(got)});
    return stat ? Look{Sight::seen, *stat} : Look{};
  }

  const Descriptor proc_;
  const std::string boot_id_;
  const std::uint64_t pid_namespace_;
};

}  // namespace

std::shared_ptr<ProcessTable> make_proc_process_table() { return std::make_shared<ProcProcessTable>(); }

}  // namespace aldis
