#include "domain/workspace_impl.h"

#include <utility>

#include "core/try.h"
#include "domain/event_outlet.h"
#include "domain/signal_pump.h"

namespace aldis {

Workspace::Impl::Impl(WorkspaceOptions options, WorkspaceParts parts)
    : options_(std::move(options)), parts_(std::move(parts)) {}

Workspace::Impl::~Impl() = default;

Result<SignalPump*> Workspace::Impl::pump() {
  ALDIS_TRY(usable());
  const MutexLock lock(mutex_);
  if (!pump_) {
    ALDIS_TRY_ASSIGN(pump_, SignalPump::start(*this));
  }
  return pump_.get();
}

void Workspace::Impl::publish_own(OwnEvent event) {
  EventOutlet* const outlet = [this]() -> EventOutlet* {
    const MutexLock lock(mutex_);
    if (!outlet_) {
      Result<std::unique_ptr<EventOutlet>> started = EventOutlet::start(*this);
      if (started) outlet_ = *std::move(started);
    }
    return outlet_.get();
  }();
  if (outlet == nullptr) return events().count_dropped(1);
  outlet->publish(std::move(event));
}

}  // namespace aldis
