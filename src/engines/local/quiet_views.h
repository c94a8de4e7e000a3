#pragma once
// What this process knows about filters that matched nothing, so that asking again costs no look-up. Used by
// local_signals.cc; implemented in quiet_views.cc.
//
// Model: a view (agent, filter) is quiet when nothing matches it and nothing that matches is reserved: then time alone
// cannot change the answer, only a commit can. Cheapest first: the board had no commit since; neither the mailbox nor
// any broadcast changed since; only what was committed since has to be looked at. A view that is asked for less often
// may lose its slot to another one, which costs a look-up. Threads: safe from any thread.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/mutex.h"
#include "ports/signal_store.h"

namespace aldis::local {

struct QuietView {
  std::uint64_t transaction = 0;  // the commit it was last seen quiet at
  std::uint64_t mailbox_version = 0;
  std::uint64_t broadcast_version = 0;
  BootTime good_until;  // then the agent's use has to be recorded
};

class QuietViews {
 public:
  std::optional<QuietView> find(std::string_view agent, const SignalFilter& filter);
  void remember(std::string_view agent, const SignalFilter& filter, const QuietView& view);

 private:
  struct Slot {
    std::string agent;
    SignalFilter filter;
    QuietView view;
  };
  static constexpr std::size_t kSlots = 64;
  static std::size_t slot_of(std::string_view agent, const SignalFilter& filter);

  Mutex mutex_;
  std::array<Slot, kSlots> slots_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace aldis::local
