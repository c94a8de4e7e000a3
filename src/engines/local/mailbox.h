#pragma once
// Targeted signals: one agent's mailbox within one transaction. Used by local_signals.cc, signal_take.cc and
// reclaim.cc; implemented in mailbox.cc and mailbox_settle.cc; bytes in docs/formats.md ("Mailboxes").
//
// Model: the rules are those of ports/signal_store.h. A reservation lapses by itself: who reads the queue compares its
// end with now. Everything that answers or changes something must be called on a settled mailbox; a sender has to
// make room. Every function writes the lane's totals through before it returns. Threads: as the transaction.

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
  bool settle();            // false: there is more to settle, in another write
  void settle_after_due();  // for reclaim.cc, when the lane's due entry was taken out

  // False: whether there is room shows only when more is settled, in another write.
  bool make_room(std::size_t payload_bytes);
  // REQUIRES: `make_room`, the id is unknown, and the board has room.
  Result<void> send(const OutgoingSignal& signal);

  // The oldest that nobody holds; `after`: those of this commit and before are known not to match.
  std::optional<QueuedSignal> find(const SignalFilter& filter, std::uint64_t after, HeldSignals& held);
  std::vector<QueuedSignal> find_all(std::string_view type);

  // As it would be, or is, delivered.
  CoordinationSignal show(const QueuedSignal& queued);
  CoordinationSignal take(const QueuedSignal& queued);
  CoordinationSignal reserve(const QueuedSignal& queued, std::chrono::nanoseconds within,
                             const std::optional<ProcessIdentity>& holder);
  // Whether that taking of it still stands: it is final, or nobody took it since. A reservation is `request`'s then,
  // and lasts from now on if it had lapsed.
  bool renew(const Id128& id, std::uint32_t attempt, const TakeRequest& request);
  void clear(const std::vector<QueuedSignal>& queued);

  // False: it was final already.
  Result<bool> acknowledge(const Id128& id, std::optional<std::uint32_t> attempt);
  bool hand_back(const SignalRecord& signal, const Reservation& reservation);

  // Of a signal of this mailbox.
  Receipt receipt(const SignalRecord& signal);

 private:
  std::uint64_t on_expired(const LaneEnd& end) override;
  std::size_t on_forgotten(const LaneEnd& end, bool by_age) override;

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
