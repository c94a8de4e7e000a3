#pragma once
// Versions, and the newest one that an update check saw. Used by the client and the courier; implemented in
// update_cache.cc. Pure but for the two functions that take a directory. Threads: values.

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "aldis/result.h"
#include "core/file_descriptor.h"

namespace aldis::telemetry {

// Strict semantic versioning 2.0.0 (https://semver.org): nothing else is a version.
bool is_version(std::string_view text);
// Precedence as its section 11 orders it; build metadata does not count. REQUIRES: both are versions.
std::strong_ordering compare_versions(std::string_view left, std::string_view right);

struct SeenUpdate {
  std::string version;
  std::chrono::sys_seconds checked_at{};
};

std::optional<SeenUpdate> read_update(const FileDescriptor& state_directory);
Result<void> write_update(const FileDescriptor& state_directory, const SeenUpdate& update);

}  // namespace aldis::telemetry
