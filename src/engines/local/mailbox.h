#pragma once
// Targeted signals: one agent's mailbox within one transaction. Used by local_signals.cc, signal_take.cc and
// reclaim.cc; implemented in mailbox.cc and mailbox_settle.cc; bytes in docs/formats.md ("Mailboxes").
//
// Model: the rules are those of ports/signal_store.h. A reservation lapses by itself: who reads the queue compares its
// end with now. Everything that answers or changes something must be called on a settled mailbox; `send` settles when
// full. Every function writes the lane's totals through before it returns. Threads: as the transaction.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/local/acknowledgement.h"
#include "engines/local/expiry_notices.h"
#include "engines/local/held_signals.h"
#include "engines/local/signal_lane.h"
#include "engines/local/signal_tables.h"
#include "ports/signal_store.h"

namespace aldis::local {

struct Moment {
  BootTime now;
  WallTime wall;  // for display
};

struct QueuedSignal {
  std::uint64_t commit = 0;
  std::string type;
  QueueEntry entry;
};

class Mailbox final : private LaneOwner {
 public:
  Mailbox(SignalTables& tables, std::string_view agent, Moment moment);

  bool is_settled() { return lane_.is_settled(moment_.now); }
  void settle();
  void settle_after_due(int steps);  // for reclaim.cc, when the lane's due entry was taken out

  // REQUIRES: the id is unknown, and the board has room.
  Result<void> send(const OutgoingSignal& signal);

  // The oldest that nobody holds; `after`: those of this commit and before are known not to match.
  std::optional<QueuedSignal> find(const SignalFilter& filter, std::uint64_t after, HeldSignals& held);
  std::vector<QueuedSignal> find_all(std::string_view type);

  // As it would be, or is, delivered.
  CoordinationSignal show(const QueuedSignal& queued);
  CoordinationSignal take(const QueuedSignal& queued);
  CoordinationSignal reserve(const QueuedSignal& queued, std::chrono::nanoseconds within,
                             const std::optional<ProcessIdentity>& holder);
  void clear(const std::vector<QueuedSignal>& queued);

  // False: it was final already.
  Result<bool> acknowledge(const Id128& id, std::optional<std::uint32_t> attempt);
  bool hand_back(const SignalRecord& signal, const Reservation& reservation);

  // Of a signal of this mailbox.
  Receipt receipt(const SignalRecord& signal);

 private:
  std::uint64_t on_expired(const LaneEnd& end) override;
  void on_forgotten(const LaneEnd& end, bool by_age) override;

  Result<void> check_room(std::size_t payload_bytes);
  void finish(const QueuedSignal& queued, StoredState state, std::uint32_t attempt, bool acknowledged);
  std::string queue_key(std::string_view type, std::uint64_t commit) const;

  SignalTables& tables_;
  std::string agent_;
  Moment moment_;
  Lane lane_;
  ExpiryNotices notices_;
};

}  // namespace aldis::local
