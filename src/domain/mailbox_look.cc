#include "domain/mailbox_look.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <vector>

#include "core/try.h"

namespace aldis {
namespace {

// What a dead process held may be taken by another that dies too; a waiter looks again soon anyway.
constexpr int kAttemptsMax = 4;

// Asks the process table once about each process.
class HolderCheck {
 public:
  HolderCheck(ProcessTable& processes, const std::optional<ProcessIdentity>& self)
      : processes_(processes), self_(self) {}

  bool is_dead(const ProcessIdentity& holder) {
    if (self_ && holder == *self_) return false;
    const auto [entry, is_new] = known_.try_emplace(
        {holder.pid, holder.start_time_ticks, holder.boot_id, holder.pid_namespace}, ProcessEvidence::unknown);
    if (is_new) entry->second = processes_.examine(holder);
    return entry->second == ProcessEvidence::gone || entry->second == ProcessEvidence::zombie;
  }

 private:
  using Key = std::tuple<std::int32_t, std::uint64_t, std::string_view, std::uint64_t>;

  ProcessTable& processes_;
  const std::optional<ProcessIdentity>& self_;
  std::map<Key, ProcessEvidence> known_;
};

std::vector<Reservation> held_by_the_dead(const std::vector<Reservation>& reserved, HolderCheck check) {
  std::vector<Reservation> dead;
  std::ranges::copy_if(reserved, std::back_inserter(dead),
                       [&check](const Reservation& reservation) { return check.is_dead(reservation.holder); });
  return dead;
}

}  // namespace

Result<TakeOutcome> look_into_mailbox(SignalStore& store, ProcessTable& processes, const MailboxLook& look) {
  TakeRequest request{look.agent, look.filter, look.options, look.self, true};
  for (int attempt = 1;; ++attempt) {
    Result<TakeOutcome> outcome = store.take(request);
    if (!outcome) return outcome;
    const auto* nothing = std::get_if<NothingTaken>(&*outcome);
    if (nothing == nullptr || nothing->reserved.empty()) return outcome;
    const std::vector<Reservation> dead = held_by_the_dead(nothing->reserved, HolderCheck(processes, look.self));
    if (dead.empty() || attempt == kAttemptsMax) break;
    // Somebody else may have handed them back meanwhile; either way the next take sees the mailbox without them.
    ALDIS_TRY(store.hand_back(look.agent, dead));
  }
  request.yields_to_holders = false;
  return store.take(request);
}

std::chrono::nanoseconds time_until_look(const NothingTaken& nothing, std::chrono::nanoseconds recheck) {
  const std::chrono::nanoseconds at_most = nothing.reserved.empty() ? limits::kQuietMax : recheck;
  if (!nothing.next_due) return at_most;
  return std::clamp<std::chrono::nanoseconds>(*nothing.next_due - nothing.now, std::chrono::nanoseconds::zero(),
                                              at_most);
}

}  // namespace aldis
