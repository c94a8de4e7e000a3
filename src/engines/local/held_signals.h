#pragma once
// What a look into a mailbox and the broadcasts met that somebody holds at the moment. Used by mailbox.cc,
// broadcasts.cc and signal_take.cc; implemented in held_signals.cc.
//
// Threads: one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engines/local/signal_records.h"
#include "ports/signal_store.h"

namespace aldis::local {

class HeldSignals {
 public:
  void add(std::uint64_t commit, const Id128& id, const Hold& hold, BootTime ends);

  // What is added from now on are broadcasts.
  void begin_broadcasts() { broadcasts_from_ = all_.size(); }

  // For a look that found something to deliver: of what was met since the last beginning, only what is older than that.
  void drop_newer(std::uint64_t commit);

  bool has_known() const;
  // Whose holder is a known process: targeted ones before broadcasts, each oldest first.
  std::vector<Reservation> known();
  std::optional<BootTime> next_due() const;

 private:
  struct One {
    std::uint64_t commit = 0;
    Id128 id;
    Hold hold;
    BootTime due;  // it lapses or its signal expires
  };
  auto first_broadcast() { return all_.begin() + static_cast<std::ptrdiff_t>(broadcasts_from_); }

  std::vector<One> all_;
  std::size_t broadcasts_from_ = 0;
};

}  // namespace aldis::local
