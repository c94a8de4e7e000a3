#include "courier/sent_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aldis/limits.h"
#include "core/format.h"
#include "core/private_files.h"
#include "telemetry/places.h"

namespace aldis::courier {
namespace {

const std::string& log_name() {
  static const std::string name{telemetry::kSentName};
  return name;
}

std::string_view newer_half(std::string_view log) {
  const std::size_t end_of_line = log.find('\n', log.size() / 2);
  return end_of_line == std::string_view::npos ? std::string_view{} : log.substr(end_of_line + 1);
}

void append(const FileDescriptor& log, off_t size, std::string_view line) {
  // Nothing is left of a line that does not fit onto the disk.
  if (!write_once(log, line)) static_cast<void>(ftruncate(log.get(), size) == 0);
}

}  // namespace

void log_sent(const FileDescriptor& state_directory, const SentBatch& batch) {
  const std::string line = fmt::format("{} {} {} {} {}\n", batch.time.time_since_epoch().count(), batch.batch_id,
                                       batch.body_sha256, batch.records, batch.status);
  const auto log = open_own_file(state_directory, log_name(), O_WRONLY | O_APPEND | O_CREAT);
  struct stat status{};
  if (!log || fstat(log->get(), &status) != 0) return;
  if (static_cast<std::size_t>(status.st_size) + line.size() <= limits::kTelemetrySentLogBytesMax) {
    append(*log, status.st_size, line);
    return;
  }
  const auto text = read_own_file(state_directory, log_name(), limits::kTelemetrySentLogBytesMax);
  // A log that is too long is none of ours: it begins anew.
  const std::string kept = text ? std::string(newer_half(*text)) : std::string{};
  static_cast<void>(replace_own_file(state_directory, log_name(), kept + line));
}

}  // namespace aldis::courier
