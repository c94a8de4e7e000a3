#include "engines/local/board_format.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "core/bytes.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

Result<std::uint64_t> namespace_inode(const char* path) {
  struct stat status{};
  if (stat(path, &status) == 0) return status.st_ino;
  return std::unexpected(system_error(ErrorCode::failed_precondition,
                                      fmt::format("cannot examine {} (a local board needs /proc)", path), errno));
}

}  // namespace

Result<BoardHome> BoardHome::of_this_process() {
  BoardHome home;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), home.boot_id);
  if (home.boot_id.empty()) {
    return fail(ErrorCode::failed_precondition,
                "cannot read /proc/sys/kernel/random/boot_id (a local board needs /proc)");
  }
  ALDIS_TRY_ASSIGN(home.pid_namespace, namespace_inode("/proc/self/ns/pid"));
  home.time_namespace = namespace_inode("/proc/self/ns/time").value_or(0);
  return home;
}

std::string encode(const BoardFormat& format) {
  ByteWriter out;
  out.number(format.version).name(format.home.boot_id).number(format.home.pid_namespace);
  out.number(format.home.time_namespace).number(format.first_id);
  return std::move(out).bytes();
}

std::optional<BoardFormat> decode_board_format(std::string_view bytes) {
  ByteReader in(bytes);
  BoardFormat format;
  format.version = in.number<std::uint32_t>();
  if (!in.ok() || format.version == 0) return std::nullopt;
  if (format.version > kBoardFormatVersion) return format;
  format.home.boot_id = in.name();
  format.home.pid_namespace = in.number<std::uint64_t>();
  format.home.time_namespace = in.number<std::uint64_t>();
  format.first_id = in.number<std::uint64_t>();
  if (!in.at_end()) return std::nullopt;
  return format;
}

Result<BoardVerdict> judge_board(std::string_view format, const BoardHome& home, const std::string& path) {
  const std::optional<BoardFormat> found = decode_board_format(format);
  if (!found) {
    return fail(ErrorCode::data_loss, "{} cannot be read as a board: stop its agents and remove it", path);
  }
  if (found->version > kBoardFormatVersion) {
    return fail(ErrorCode::failed_precondition,
                "{} has format {}, written by a newer Aldis; this one reads format {}: update this program", path,
                found->version, kBoardFormatVersion);
  }
  if (found->home.boot_id != home.boot_id) return BoardVerdict::of_an_earlier_boot;
  const bool same_pids = found->home.pid_namespace == home.pid_namespace;
  if (same_pids && found->home.time_namespace == home.time_namespace) return BoardVerdict::ours;
  return fail(
      ErrorCode::failed_precondition,
      "{} belongs to another {} namespace (a container?), whose processes cannot share a board with this one: use "
      "--store redis+unix://… to meet them, or another runtime directory (ALDIS_RUNTIME_DIR)",
      path, same_pids ? "time" : "PID");
}

}  // namespace aldis
