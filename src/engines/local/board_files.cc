#include "engines/local/board_files.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/allocated_file.h"
#include "engines/local/board_environment.h"
#include "engines/local/lock_page.h"

namespace aldis {
namespace {

constexpr std::string_view kBoardPrefix = "board-v";
constexpr std::string_view kDataSuffix = ".mdb";
constexpr std::string_view kTemporarySuffix = ".new";

// "board-v1-default.mdb"
std::optional<FoundBoard> parse_data_name(std::string_view name) {
  if (!name.starts_with(kBoardPrefix) || !name.ends_with(kDataSuffix)) return std::nullopt;
  name.remove_prefix(kBoardPrefix.size());
  name.remove_suffix(kDataSuffix.size());
  FoundBoard found;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), found.version);
  if (failure != std::errc() || end == name.data() + name.size() || *end != '-') return std::nullopt;
  found.namespace_name = std::string(end + 1, name.data() + name.size());
  return found;
}

Result<void> refuse_beside_newer(const std::string& directory, const std::string& namespace_name) {
  for (const FoundBoard& found : list_boards(directory)) {
    if (found.namespace_name != namespace_name || found.version <= kBoardFormatVersion) continue;
    return fail(
        ErrorCode::failed_precondition,
        "{} already holds a board of namespace {} in format {}, made by a newer Aldis; this one writes format {}, so "
        "its agents would not meet those: update this program, or remove that board if nobody uses it",
        directory, namespace_name, found.version, kBoardFormatVersion);
  }
  return {};
}

Result<bool> is_complete(const BoardFiles& files) {
  ALDIS_TRY_ASSIGN(const bool data, is_own_file(files.data));
  ALDIS_TRY_ASSIGN(const bool reader_lock, is_own_file(files.reader_lock));
  ALDIS_TRY_ASSIGN(const bool lock_page, is_own_file(files.lock_page));
  return data && reader_lock && lock_page;
}

Result<bool> is_usable(const BoardFiles& files, const BoardHome& home) {
  ALDIS_TRY_ASSIGN(const bool complete, is_complete(files));
  if (!complete) return false;
  ALDIS_TRY_ASSIGN(const auto page, LockPage::open(files.lock_page));
  ALDIS_TRY_ASSIGN(const BoardVerdict verdict, judge_board(page->format(), home, files.data));
  return verdict == BoardVerdict::ours;
}

Result<std::size_t> choose_size(const std::string& directory, std::size_t bytes_max) {
  std::size_t bytes = bytes_max;
  if (bytes == 0) {
    bytes = limits::kBoardBytesMax;
    struct statvfs status{};
    // A tmpfs without a limit has no blocks.
    if (statvfs(directory.c_str(), &status) == 0 && status.f_blocks != 0) {
      bytes = std::min<std::size_t>(bytes, status.f_blocks * status.f_frsize / 2);
    }
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  bytes -= bytes % page;
  if (bytes >= limits::kBoardBytesMin) return bytes;
  return fail(
      ErrorCode::resource_exhausted,
      "{} has room for a board of {} bytes only (half of its file system), and a board needs {}: choose another "
      "with --runtime-dir or ALDIS_RUNTIME_DIR",
      directory, bytes, limits::kBoardBytesMin);
}

Result<void> make_board_files(const BoardFiles& files, const std::string& format, std::size_t size_bytes) {
  const auto temporary = [](const std::string& path) { return path + std::string(kTemporarySuffix); };
  discard_board_files(files);
  ALDIS_TRY(LockPage::create(temporary(files.lock_page), format));
  ALDIS_TRY(create_allocated_file(temporary(files.reader_lock), BoardEnvironment::reader_lock_bytes()));
  unlink(temporary(files.data).c_str());
  ALDIS_TRY(BoardEnvironment::make_data_file(temporary(files.data), size_bytes, format));
  ALDIS_TRY(rename_file(temporary(files.lock_page), files.lock_page));
  ALDIS_TRY(rename_file(temporary(files.reader_lock), files.reader_lock));
  return rename_file(temporary(files.data), files.data);
}

// LMDB's ids restart with each board; these begin where no earlier board of this boot can have come.
std::uint64_t choose_first_id(BootTime now) {
  constexpr int kCommitsPerMillisecondBits = 20;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return static_cast<std::uint64_t>(milliseconds) << kCommitsPerMillisecondBits;
}

}  // namespace

BoardFiles board_files(const std::string& directory, const std::string& namespace_name) {
  const std::string stem = fmt::format("{}/{}{}-{}", directory, kBoardPrefix, kBoardFormatVersion, namespace_name);
  const std::string data = stem + std::string(kDataSuffix);
  return {data, data + "-lock", stem + ".locks"};
}

std::string doorbell_file(const std::string& directory, const std::string& namespace_name) {
  return fmt::format("{}/doorbell-v1-{}", directory, namespace_name);
}

std::vector<FoundBoard> list_boards(const std::string& directory) {
  std::vector<FoundBoard> boards;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (auto found = parse_data_name(entry->path().filename().string())) boards.push_back(*std::move(found));
  }
  std::ranges::sort(boards, {}, &FoundBoard::namespace_name);
  return boards;
}

Result<void> ready_board_files(const std::string& directory, const std::string& namespace_name, const BoardHome& home,
                               std::size_t bytes_max, BootTime now) {
  ALDIS_TRY(refuse_beside_newer(directory, namespace_name));
  const BoardFiles files = board_files(directory, namespace_name);
  ALDIS_TRY_ASSIGN(const bool usable, is_usable(files, home));
  if (usable) return {};
  ALDIS_TRY_ASSIGN(const std::size_t size_bytes, choose_size(directory, bytes_max));
  BoardFormat format;
  format.home = home;
  format.first_id = choose_first_id(now);
  const Result<void> made = make_board_files(files, encode(format), size_bytes);
  if (!made) {
    for (const std::string& path : {files.data, files.reader_lock, files.lock_page}) {
      unlink((path + std::string(kTemporarySuffix)).c_str());
    }
  }
  return made;
}

void discard_board_files(const BoardFiles& files) {
  for (const std::string& path : {files.data, files.reader_lock, files.lock_page}) unlink(path.c_str());
}

}  // namespace aldis
