#include "engines/local/held_signals.h"

#include <algorithm>

namespace aldis::local {

void HeldSignals::add(std::uint64_t commit, const Id128& id, const Hold& hold, BootTime ends) {
  all_.push_back({commit, id, hold, std::min(hold.until, ends)});
}

void HeldSignals::drop_newer(std::uint64_t commit) {
  all_.erase(std::remove_if(first_broadcast(), all_.end(), [commit](const One& one) { return one.commit > commit; }),
             all_.end());
}

bool HeldSignals::has_known() const {
  return std::ranges::any_of(all_, [](const One& one) { return one.hold.holder.has_value(); });
}

std::vector<Reservation> HeldSignals::known() {
  std::ranges::sort(all_.begin(), first_broadcast(), {}, &One::commit);
  std::ranges::sort(first_broadcast(), all_.end(), {}, &One::commit);
  std::vector<Reservation> reservations;
  for (const One& one : all_) {
    if (one.hold.holder) reservations.push_back({one.id, one.hold.attempt, *one.hold.holder});
  }
  return reservations;
}

std::optional<BootTime> HeldSignals::next_due() const {
  const auto first = std::ranges::min_element(all_, {}, &One::due);
  return first == all_.end() ? std::nullopt : std::optional(first->due);
}

}  // namespace aldis::local
