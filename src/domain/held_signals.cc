#include "domain/held_signals.h"

namespace aldis {

void HeldSignals::add(const CoordinationSignal& signal) {
  const std::optional<Id128> id = parse_id(kSignalIdPrefix, signal.signal_id);
  if (!id) return;
  const MutexLock lock(mutex_);
  attempts_[*id] = signal.attempt;
  if (attempts_.size() > limits::kMailboxSignalsMax) attempts_.erase(attempts_.begin());
}

void HeldSignals::remove(const Id128& signal_id) {
  const MutexLock lock(mutex_);
  attempts_.erase(signal_id);
}

std::optional<std::uint32_t> HeldSignals::attempt_of(const Id128& signal_id) const {
  const MutexLock lock(mutex_);
  const auto found = attempts_.find(signal_id);
  if (found == attempts_.end()) return std::nullopt;
  return found->second;
}

}  // namespace aldis
