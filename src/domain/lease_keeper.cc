#include "domain/lease_keeper.h"

#include <algorithm>
#include <utility>

#include "core/mutex.h"
#include "core/try.h"
#include "core/worker_thread.h"
#include "domain/workspace_impl.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// False when it was stopped.
bool pause(nanoseconds duration, const std::stop_token& stop) {
  Mutex mutex;
  ConditionVariable stopped;
  const MutexLock lock(mutex);
  stopped.wait_for(mutex, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

nanoseconds pace_of(const HeartbeatSession& session, nanoseconds interval) {
  const auto voice = session.voice();
  return voice ? std::min(interval, voice->start.ttl / 3) : interval;
}

void keep(const std::shared_ptr<HeartbeatSession>& session, nanoseconds interval,
          const std::function<void(const Error&)>& on_lost, const std::stop_token& stop) {
  while (pause(pace_of(*session, interval), stop)) {
    const Result<void> renewed = session->renew();
    if (renewed) continue;
    if (renewed.error().code == ErrorCode::conflict) {
      if (on_lost) on_lost(renewed.error());
      return;
    }
    if (renewed.error().code == ErrorCode::failed_precondition && session->is_finished()) return;
  }
}

}  // namespace

Result<std::unique_ptr<LeaseKeeper>> LeaseKeeper::start(std::shared_ptr<HeartbeatSession> session, nanoseconds interval,
                                                        std::function<void(const Error&)> on_lost) {
  std::stop_source stop;
  ALDIS_TRY_ASSIGN(std::thread thread,
                   start_worker_thread([session, interval, on_lost = std::move(on_lost), token = stop.get_token()] {
                     keep(session, interval, on_lost, token);
                   }));
  return std::unique_ptr<LeaseKeeper>(new LeaseKeeper(std::move(session), std::move(stop), std::move(thread)));
}

LeaseKeeper::LeaseKeeper(std::shared_ptr<HeartbeatSession> session, std::stop_source stop, std::thread thread)
    : session_(std::move(session)), stop_(std::move(stop)), thread_(std::move(thread)) {}

LeaseKeeper::~LeaseKeeper() {
  if (session_->workspace().in_child()) {
    forget_worker_thread(thread_);
    return;
  }
  stop_.request_stop();
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

}  // namespace aldis
