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

  // For looks that found something to deliver: what they met from `first` on, but only what is older than that.
  std::size_t size() const { return all_.size(); }
  void drop_newer(std::size_t first, std::uint64_t commit);

  bool has_known() const;
  std::vector<Reservation> known();  // whose holder is a known process, oldest first
  std::optional<BootTime> next_due() const;

 private:
  struct One {
    std::uint64_t commit = 0;
    Id128 id;
    Hold hold;
    BootTime due;  // it lapses or its signal expires
  };
  std::vector<One> all_;
};

}  // namespace aldis::local
