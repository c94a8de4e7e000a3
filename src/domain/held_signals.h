#pragma once
// Which attempts this reader holds reserved, so that its late acknowledgement is not mistaken for that of another
// process which acts as the same agent and retook the signal. Used by signals.cc; implemented in held_signals.cc.
//
// Model: kept from the take until the acknowledgement; the oldest is forgotten beyond limits::kMailboxSignalsMax, as by
// a process that ended: the store then goes by the agent alone. Threads: safe from any thread.

#include <cstdint>
#include <map>
#include <optional>

#include "aldis/signals.h"
#include "core/ids.h"
#include "core/mutex.h"

namespace aldis {

class HeldSignals {
 public:
  void add(const CoordinationSignal& signal);
  void remove(const Id128& signal_id);
  std::optional<std::uint32_t> attempt_of(const Id128& signal_id) const;

 private:
  mutable Mutex mutex_;
  std::map<Id128, std::uint32_t> attempts_ ALDIS_GUARDED_BY(mutex_);  // ids are in the order of their making
};

}  // namespace aldis
