#include "courier/batches.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/private_files.h"
#include "core/try.h"
#include "courier/random_number.h"
#include "telemetry/places.h"

namespace aldis::courier {
namespace {

constexpr std::size_t kIdDigits = 16;

const std::string& spool_name() {
  static const std::string name{telemetry::kSpoolName};
  return name;
}

template <class T>
std::optional<T> parse_decimal(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_own_directory(const FileDescriptor& directory) {
  struct stat status{};
  return fstat(directory.get(), &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 077) == 0;
}

bool lock_exclusively(const FileDescriptor& file) {
  int result = 0;
  do result = flock(file.get(), LOCK_EX);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

std::string format_batch_name(const BatchName& name) {
  return fmt::format("{}-{}-{}", name.first_seen.time_since_epoch().count(), name.attempt, name.id);
}

std::optional<BatchName> parse_batch_name(std::string_view text) {
  const std::size_t first = text.find('-');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('-', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto seconds = parse_decimal<std::uint32_t>(text.substr(0, first));
  const auto attempt = parse_decimal<unsigned>(text.substr(first + 1, second - first - 1));
  const std::string_view id = text.substr(second + 1);
  if (!seconds || !attempt || id.size() != kIdDigits) return std::nullopt;
  if (id.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  BatchName name{std::chrono::sys_seconds{std::chrono::seconds{*seconds}}, *attempt, std::string(id)};
  if (format_batch_name(name) != text) return std::nullopt;  // one name, one spelling
  return name;
}

bool is_worn_out(const BatchName& name, std::chrono::sys_seconds now) {
  return name.attempt >= limits::kTelemetryAttemptsMax || now - name.first_seen >= limits::kTelemetryBatchAgeMax;
}

Batches::Batches(const FileDescriptor& state, FileDescriptor directory)
    : state_(&state), directory_(std::move(directory)) {}

Result<Batches> Batches::open(const FileDescriptor& state_directory) {
  const std::string name{telemetry::kBatchDirectory};
  if (mkdirat(state_directory.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot make the directory of batches", errno));
  }
  return open_existing(state_directory);
}

Result<Batches> Batches::open_existing(const FileDescriptor& state_directory) {
  const std::string name{telemetry::kBatchDirectory};
  FileDescriptor directory(
      openat(state_directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.is_open()) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::failed_precondition;
    return std::unexpected(system_error(code, "cannot open the directory of batches", errno));
  }
  if (!is_own_directory(directory)) {
    return fail(ErrorCode::failed_precondition, "the directory of batches is not ours alone: chmod 700 it");
  }
  return Batches(state_directory, std::move(directory));
}

std::vector<BatchName> Batches::list() const {
  std::vector<BatchName> names;
  // A descriptor of its own: one that is shared would remember where the last listing ended.
  const int own = openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(own < 0 ? nullptr : fdopendir(own), closedir);
  if (stream == nullptr) {
    if (own >= 0) close(own);
    return names;
  }
  while (const dirent* entry = readdir(stream.get())) {
    if (auto name = parse_batch_name(entry->d_name)) names.push_back(*std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

bool Batches::has_room() const { return list().size() < limits::kTelemetryBatchesMax; }

std::optional<BatchName> Batches::claim_spool(std::chrono::sys_seconds now) {
  if (!has_room()) return std::nullopt;
  const auto spool = open_own_file(*state_, spool_name(), O_RDONLY);
  struct stat status{};
  if (!spool || fstat(spool->get(), &status) != 0 || status.st_size == 0) return std::nullopt;
  BatchName name{now, 0, fmt::format("{:016x}", random_number(now))};
  if (renameat2(state_->get(), spool_name().c_str(), directory_.get(), format_batch_name(name).c_str(),
                RENAME_NOREPLACE) != 0) {
    return std::nullopt;
  }
  return name;
}

Result<std::string> Batches::read(const BatchName& name) const {
  ALDIS_TRY_ASSIGN(const FileDescriptor file, open_own_file(directory_, format_batch_name(name), O_RDONLY));
  if (!lock_exclusively(file)) {
    return std::unexpected(system_error(ErrorCode::failed_precondition, "cannot lock a batch", errno));
  }
  return peek(name);
}

Result<std::string> Batches::peek(const BatchName& name) const {
  return read_own_file(directory_, format_batch_name(name), limits::kTelemetryBatchBytesMax);
}

Result<BatchName> Batches::count_attempt(const BatchName& name) {
  BatchName counted = name;
  ++counted.attempt;
  if (renameat2(directory_.get(), format_batch_name(name).c_str(), directory_.get(), format_batch_name(counted).c_str(),
                RENAME_NOREPLACE) != 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::failed_precondition;
    return std::unexpected(system_error(code, "cannot count an attempt", errno));
  }
  return counted;
}

void Batches::remove(const BatchName& name) { unlinkat(directory_.get(), format_batch_name(name).c_str(), 0); }

}  // namespace aldis::courier
