#include "cli/stop_watcher.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <variant>

#include "core/try.h"
#include "core/worker_thread.h"

namespace aldis::cli {
namespace {

// Between looks while the mailbox holds older signals of the type, or an expiry that nobody was told of: a wait would
// return at once for those.
constexpr std::chrono::milliseconds kPause{200};

void pause(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop, kPause, [] { return false; });
}

}  // namespace

StopWatcher::StopWatcher(CoordinationSignals signals, std::string type, std::vector<std::string> old, WallTime start)
    : signals_(std::move(signals)),
      type_(std::move(type)),
      old_(std::move(old)),
      start_(start),
      descriptor_(eventfd(0, EFD_CLOEXEC)) {}

StopWatcher::StopWatcher(StopWatcher&& other) noexcept
    : signals_(std::move(other.signals_)),
      type_(std::move(other.type_)),
      old_(std::move(other.old_)),
      start_(other.start_),
      stop_(std::move(other.stop_)),
      thread_(std::move(other.thread_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

StopWatcher::~StopWatcher() {
  if (thread_.joinable()) {
    stop_.request_stop();
    thread_.join();
  }
  if (descriptor_ >= 0) close(descriptor_);
}

Result<StopWatcher> StopWatcher::open(const Workspace& workspace, const std::string& agent, const std::string& type,
                                      WallTime now) {
  ALDIS_TRY_ASSIGN(CoordinationSignals signals, CoordinationSignals::open(workspace, agent));
  ALDIS_TRY_ASSIGN(const std::vector<CoordinationSignal> pending, signals.get_pending_signals(type));
  std::vector<std::string> old;
  for (const CoordinationSignal& signal : pending) old.push_back(signal.signal_id);
  return StopWatcher(std::move(signals), type, std::move(old), now);
}

void StopWatcher::start() {
  Result<std::thread> started = start_worker_thread([this] { watch(); });
  if (started) thread_ = *std::move(started);
}

void StopWatcher::watch() {
  while (!stop_.stop_requested()) {
    if (!look()) pause(stop_.get_token());
  }
}

// One that nobody ever held would have waited at the start, had it been there. Of one that was given back nobody knows
// that, and the times decide.
bool StopWatcher::heeds(const CoordinationSignal& signal) const {
  if (std::find(old_.begin(), old_.end(), signal.signal_id) != old_.end()) return false;
  return signal.attempt == 1 || signal.timestamp >= start_;
}

bool StopWatcher::look() {
  const Result<std::vector<CoordinationSignal>> pending = signals_.get_pending_signals(type_);
  if (!pending) return false;
  const bool came =
      std::any_of(pending->begin(), pending->end(), [&](const CoordinationSignal& signal) { return heeds(signal); });
  if (came) {
    eventfd_write(descriptor_, 1);
    stop_.request_stop();
    return true;
  }
  if (!pending->empty()) return false;
  const Result<WaitOutcome> outcome =
      signals_.wait_for_signal({type_}, {}, limits::kSignalWaitDefault, {.consume = false}, stop_.get_token());
  return outcome && !std::holds_alternative<Expired>(*outcome);
}

}  // namespace aldis::cli
