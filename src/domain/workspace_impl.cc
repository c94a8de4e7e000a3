#include "domain/workspace_impl.h"

#include <utility>

#include "core/try.h"
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

}  // namespace aldis
