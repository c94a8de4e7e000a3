#pragma once
// Broadcasts as one agent sees them, within one transaction. Used by signal_take.cc and local_signals.cc; implemented
// in broadcasts.cc. The log of a type is broadcast_log.h, the agent's place in it broadcast_position.h.
//
// Model: the rules are those of ports/signal_store.h. Reading and reserving change the agent's own position only, and
// the list of readers.
// Threads: as the transaction.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/local/acknowledgement.h"
#include "engines/local/broadcast_position.h"
#include "engines/local/mailbox.h"
#include "ports/signal_store.h"

namespace aldis::local {

struct FoundBroadcast {
  std::uint64_t commit = 0;
  std::string type;
  BroadcastEntry entry;
  std::uint32_t attempts = 0;  // how often this agent reserved it
};

class Broadcasts {
 public:
  Broadcasts(SignalTables& tables, std::string_view agent, BootTime appeared, Moment moment)
      : tables_(tables), agent_(agent), appeared_(appeared), moment_(moment) {}

  struct Look {
    std::optional<FoundBroadcast> live;    // the oldest that this agent does not hold
    std::optional<FoundBroadcast> missed;  // the oldest that expired untold; only looked for while `live` is none
  };
  // `after`: those of this commit and before are known not to match.
  Look find(const SignalFilter& filter, std::uint64_t after, HeldSignals& held);
  std::vector<FoundBroadcast> find_all(std::string_view type);

  CoordinationSignal show(const FoundBroadcast& found);
  CoordinationSignal take(const FoundBroadcast& found);
  CoordinationSignal reserve(const FoundBroadcast& found, std::chrono::nanoseconds within,
                             const std::optional<ProcessIdentity>& holder);
  // As Mailbox::renew.
  bool renew(const Id128& id, std::uint32_t attempt, const TakeRequest& request);
  static Expired told(const FoundBroadcast& found);
  void tell(const FoundBroadcast& found);
  void clear(const std::vector<FoundBroadcast>& found);

  // False: it was final already.
  Result<bool> acknowledge(const Id128& id, const SignalRecord& signal, std::optional<std::uint32_t> attempt);
  bool hand_back(const SignalRecord& signal, const Reservation& reservation);

 private:
  BroadcastPosition position(std::string_view type) { return {tables_, agent_, type, appeared_, moment_.now}; }
  AcknowledgementCase acknowledgement_case(const Id128& id, const SignalRecord& signal, const BroadcastEntry& entry,
                                           std::optional<std::uint32_t> attempt);
  void finish(std::string_view type, std::uint64_t commit);
  void read(std::string_view type, std::uint64_t commit, std::uint32_t attempt, bool acknowledged);

  SignalTables& tables_;
  std::string_view agent_;
  BootTime appeared_;
  Moment moment_;
};

}  // namespace aldis::local
