#pragma once
// What receivers have accepted, a line a batch, for the user to read. Used by delivery.cc; implemented in sent_log.cc;
// the format is in docs/telemetry-format.md.
//
// Model: bounded; when the next line would not fit, the older half goes. A line that cannot be written is lost, and
// leaves nothing of itself. Threads: one courier at a time.

#include <chrono>
#include <cstdint>
#include <string>

#include "core/file_descriptor.h"

namespace aldis::courier {

struct SentBatch {
  std::chrono::sys_seconds time{};
  std::string batch_id;
  std::string body_sha256;
  std::uint64_t records = 0;
  int status = 0;
};

void log_sent(const FileDescriptor& state_directory, const SentBatch& batch);

}  // namespace aldis::courier
