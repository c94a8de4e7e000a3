#include "telemetry/pending.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

#include "aldis/limits.h"
#include "core/private_files.h"
#include "telemetry/frame.h"
#include "telemetry/places.h"

namespace aldis::telemetry {
namespace {

// Names end where replace_own_file left one behind, too.
constexpr std::string_view kUnfinished = ".new";

std::string batch_directory(const std::string& state_directory) {
  return state_directory + "/" + std::string(kBatchDirectory);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// The regular files in `directory`.
std::vector<std::string> file_names(const FileDescriptor& directory) {
  std::vector<std::string> names;
  const int again = openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return names;
  const std::unique_ptr<DIR, CloseDirectory> stream(fdopendir(again));
  if (!stream) {
    close(again);
    return names;
  }
  while (const dirent* entry = readdir(stream.get())) {
    struct stat facts{};
    const bool known = fstatat(directory.get(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && S_ISREG(facts.st_mode)) names.emplace_back(entry->d_name);
  }
  return names;
}

std::uint64_t dropped_in(const FileDescriptor& directory, const std::string& name) {
  const Result<std::string> bytes = read_own_file(directory, name, limits::kTelemetryBatchBytesMax);
  return bytes ? decode(*bytes).dropped_count() : 0;
}

Pending examine(const std::string& state_directory, bool read_frames) {
  Pending pending;
  const Result<FileDescriptor> state = open_own_directory(state_directory, Others::nothing);
  if (!state) return pending;
  if (const Result<FileDescriptor> spool = open_own_file(*state, std::string(kSpoolName), O_RDONLY)) {
    struct stat facts{};
    if (fstat(spool->get(), &facts) == 0) pending.spool_bytes = static_cast<std::uint64_t>(facts.st_size);
  }
  if (read_frames) pending.dropped += dropped_in(*state, std::string(kSpoolName));
  const Result<FileDescriptor> batches = open_own_directory(batch_directory(state_directory), Others::nothing);
  if (!batches) return pending;
  for (const std::string& name : file_names(*batches)) {
    ++pending.batches;
    if (read_frames) pending.dropped += dropped_in(*batches, name);
  }
  return pending;
}

std::optional<Gate> open_gate(const std::string& state_directory) {
  const Result<FileDescriptor> state = open_own_directory(state_directory, Others::nothing);
  if (!state) return std::nullopt;
  Result<Gate> gate = Gate::open_existing(*state);
  if (!gate) return std::nullopt;
  return *std::move(gate);
}

void remove_file(const FileDescriptor& directory, std::string_view name) {
  unlinkat(directory.get(), std::string(name).c_str(), 0);
}

}  // namespace

Pending examine_pending(const std::string& state_directory) { return examine(state_directory, true); }

Pending count_pending(const std::string& state_directory) { return examine(state_directory, false); }

GateRecord look_at_gate(const std::string& state_directory) {
  const std::optional<Gate> gate = open_gate(state_directory);
  return gate ? gate->read() : GateRecord{};
}

bool courier_runs(const std::string& state_directory) {
  const std::optional<Gate> gate = open_gate(state_directory);
  return gate && gate->courier_runs();
}

void remove_pending(const std::string& state_directory) {
  const Result<FileDescriptor> state = open_own_directory(state_directory, Others::nothing);
  if (!state) return;
  remove_file(*state, kSpoolName);
  remove_file(*state, kUpdateName);
  remove_file(*state, std::string(kUpdateName).append(kUnfinished));
  const Result<FileDescriptor> batches = open_own_directory(batch_directory(state_directory), Others::nothing);
  if (!batches) return;
  for (const std::string& name : file_names(*batches)) remove_file(*batches, name);
}

void remove_state(const std::string& state_directory) {
  remove_pending(state_directory);
  const Result<FileDescriptor> state = open_own_directory(state_directory, Others::nothing);
  if (!state) return;
  remove_file(*state, kGateName);
  remove_file(*state, kSentName);
  remove_file(*state, std::string(kSentName).append(kUnfinished));
  unlinkat(state->get(), std::string(kBatchDirectory).c_str(), AT_REMOVEDIR);
  rmdir(state_directory.c_str());
}

}  // namespace aldis::telemetry
