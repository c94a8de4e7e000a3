#include "telemetry/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <optional>

#include "aldis/limits.h"
#include "core/private_files.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

constexpr int kTries = 3;

// The spool, open for appending and locked against being read. Whoever claims it renames it first and locks it then:
// so what still has its name while we hold the lock will be read with what we write.
class OpenSpool {
 public:
  static std::optional<OpenSpool> open(const FileDescriptor& directory) {
    const std::string name(kSpoolName);
    for (int tries = 0; tries < kTries; ++tries) {
      Result<FileDescriptor> file = open_own_file(directory, name, O_WRONLY | O_APPEND | O_CREAT);
      if (!file && file.error().code != ErrorCode::not_found) return std::nullopt;
      if (!file || flock(file->get(), LOCK_SH | LOCK_NB) != 0) continue;
      OpenSpool spool(*std::move(file));
      if (still_names(directory, name, spool.file_)) return spool;
    }
    return std::nullopt;
  }

  OpenSpool(OpenSpool&&) noexcept = default;
  // Closing would not do while a process that was forked in between has the descriptor as well.
  ~OpenSpool() {
    if (file_.is_open()) flock(file_.get(), LOCK_UN);
  }

  bool append(const EncodedFrame& frame) {
    const std::size_t most =
        frame.records > 0 ? limits::kTelemetrySpoolRecordBytesMax : limits::kTelemetrySpoolBytesMax;
    struct stat status{};
    if (fstat(file_.get(), &status) != 0) return false;
    return static_cast<std::size_t>(status.st_size) + frame.bytes.size() <= most && write_once(file_, frame.bytes);
  }

 private:
  explicit OpenSpool(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace

Appended append_to_spool(const FileDescriptor& state_directory, const FrameOrigin& origin,
                         std::span<const EncodedFrame> frames, std::uint64_t count_nonce) {
  Appended appended;
  std::optional<OpenSpool> spool = OpenSpool::open(state_directory);
  for (const EncodedFrame& frame : frames) {
    if (spool && spool->append(frame)) {
      appended.records += frame.records;
    } else {
      appended.dropped += frame.records + frame.dropped;
    }
  }
  if (!spool || appended.dropped == 0) return appended;
  const std::vector<EncodedFrame> count = encode(origin, {}, appended.dropped, count_nonce);
  if (!count.empty() && spool->append(count.front())) appended.dropped = 0;
  return appended;
}

}  // namespace aldis::telemetry
