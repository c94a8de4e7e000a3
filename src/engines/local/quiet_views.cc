#include "engines/local/quiet_views.h"

#include <functional>

namespace aldis::local {

std::size_t QuietViews::slot_of(std::string_view agent, const SignalFilter& filter) {
  const std::hash<std::string_view> hash;
  std::size_t mixed = hash(agent) * 31 + hash(filter.source);
  for (const std::string& type : filter.types) mixed = mixed * 31 + hash(type);
  return mixed % kSlots;
}

std::optional<QuietView> QuietViews::find(std::string_view agent, const SignalFilter& filter) {
  const std::size_t index = slot_of(agent, filter);
  const MutexLock lock(mutex_);
  const Slot& slot = slots_[index];
  if (slot.agent != agent || slot.filter != filter) return std::nullopt;
  return slot.view;
}

void QuietViews::remember(std::string_view agent, const SignalFilter& filter, const QuietView& view) {
  const std::size_t index = slot_of(agent, filter);
  const MutexLock lock(mutex_);
  Slot& slot = slots_[index];
  if (slot.agent != agent || slot.filter != filter) {
    slot.agent = agent;
    slot.filter = filter;
  }
  slot.view = view;
}

}  // namespace aldis::local
