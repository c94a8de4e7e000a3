#pragma once
// Where mailboxes and broadcasts live. Used by src/domain/signals.cc; engines: src/engines/local/local_signals,
// tests/fakes/memory_signals. Each sentence below has a test in tests/contract that runs on every engine.
//
// Model. Each call is atomic, and every call first settles what is due in the mailboxes it meets: signals whose
// deadline passed become tombstones, reservations that lapsed return to their original place (with attempt + 1 at the
// next take), tombstones older than limits::kTombstoneRetention go. The store's clock decides.
// - Ids: made by address_signal (ports/signal_address.h), which says where a signal lives. An id that no store could
//   have made is not_found.
// - Order: by commit, targeted signals before broadcasts. A filter skips without changing the place of what it skips.
// - Targeted: only its target takes, sees or clears it. Broadcast: every agent but the sender sees it once; the
//   position is kept per (agent, type) as a low-water mark and the set read above it, for limits::kPositionRetention
//   after last use.
// - An agent *appears* at its first take, pending, clear or heartbeat. It sees broadcasts that still live then, and is
//   told of no broadcast that expired before.
// - Tombstones: the newest limits::kTombstonesMax per mailbox (per type for broadcasts), by the time they were settled.
//   Beyond, the oldest go and their receipts are not_found; those whose expiry was not told fold into one Expired with
//   a count per (mailbox, type), broadcasts into another, which shows the newest of them and is kept for
//   limits::kPositionRetention. Broadcasts fold for the agents that have read one of that type before; those that leave
//   by age do not fold.
// - Receipt of a broadcast: `pending` until the first agent has read it, then `delivered`; `expired` if nobody had.
// Threads: safe from any thread and process.
// Errors: as each function says, and deadline_exceeded / unavailable / resource_exhausted / data_loss from the engine.
// A failed call changes nothing; only one that is unavailable on a shared store may have been carried out. A store
// rings Topic::mailbox and Topic::signal (ports/waker.h) after what it commits; nobody rings for what falls due by
// itself.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aldis/signals.h"
#include "core/ids.h"
#include "ports/process_table.h"
#include "ports/store_time.h"

namespace aldis {

// What a sender hands over. Names, ttl and payload are valid.
struct OutgoingSignal {
  Id128 id;  // as address_signal makes it for this target
  std::string_view type;
  std::string_view source;
  std::optional<std::string_view> target;  // none: a broadcast
  std::string_view payload;
  WallTime sent_at;
  std::chrono::nanoseconds ttl{0};
};

struct SignalFilter {
  std::vector<std::string> types;  // empty: any
  std::string source;              // empty: any

  bool operator==(const SignalFilter&) const = default;
};

struct TakeRequest {
  std::string_view agent;
  const SignalFilter& filter;
  const TakeOptions& options;
  const std::optional<ProcessIdentity>& holder;  // the taking process, kept with a reservation

  // True: a take that would pass over a reservation of a known process answers NothingTaken with what it met and
  // changes nothing, so that the caller can hand back what the dead held before it takes what stands behind.
  bool yields_to_holders = false;
};

// Who holds a reserved signal of a mailbox that matches the filter.
struct Reservation {
  Id128 signal_id;
  std::uint32_t attempt = 1;
  ProcessIdentity holder;

  bool operator==(const Reservation&) const = default;
};

struct NothingTaken {
  std::vector<Reservation> reserved;  // those whose holder is a known process: targeted ones before broadcasts, each
                                      // oldest first
  std::optional<StoreTime> next_due;  // when an expiry or a lapse next concerns this agent and filter
  StoreTime now;
};

using TakeOutcome = std::variant<Delivered, Expired, NothingTaken>;

struct ReceiptReading {
  Receipt receipt;
  std::optional<StoreTime> due;  // when it expires by itself, while it is pending or reserved; none otherwise
  StoreTime now;
};

class SignalStore {
 public:
  virtual ~SignalStore() = default;

  // Commits the signal. Sending the same id again is a success that changes nothing. resource_exhausted: the mailbox
  // holds kMailboxSignalsMax or would pass kMailboxBytesMax (live and reserved ones count), the type has kBroadcastsMax
  // live broadcasts, or the store is too full for signals.
  virtual Result<void> send(const OutgoingSignal& signal) = 0;

  // The oldest live match: targeted ones before broadcasts. With `consume` it is taken (for good, or reserved), without
  // it stays. Else an untold expiry that matches, told with `consume`: targeted ones before broadcasts, of each the
  // folded before the others and the oldest first. Else NothingTaken.
  // A repeated `take_id` of the same agent, while kept (limits::kTakeIdRetention), answers as before if that stands: an
  // expiry, a signal that it took for good or acknowledged, or a reserved one that nobody retook. The reservation is
  // this taker's then, and begins anew if it had lapsed and `acknowledge_within` is given. Else it is a new take.
  virtual Result<TakeOutcome> take(const TakeRequest& request) = 0;

  // What take() would deliver one by one, in its order; `type` empty: any.
  virtual Result<std::vector<CoordinationSignal>> pending(std::string_view agent, std::string_view type) = 0;

  // Clears what pending() shows and returns how many: targeted ones become `cleared`, broadcasts count as read for this
  // agent alone and do not list it as a reader.
  virtual Result<std::uint64_t> clear(std::string_view agent, std::string_view type) = 0;

  // Makes a reservation of `agent` final. `attempt` is that of the signal as it was delivered, and tells two takers of
  // one mailbox apart; none: whichever reservation is the newest. not_found: no such signal. conflict: it lapsed and
  // somebody retook it. failed_precondition: never reserved by this agent, cleared, or expired. A lapsed one that
  // nobody retook succeeds, and so does acknowledging twice.
  virtual Result<void> acknowledge(std::string_view agent, const Id128& signal_id,
                                   std::optional<std::uint32_t> attempt = std::nullopt) = 0;

  // Returns reservations to their original places, if they still are as given (id, attempt and holder). Returns how
  // many.
  virtual Result<std::uint64_t> hand_back(std::string_view agent, const std::vector<Reservation>& reservations) = 0;

  // not_found: unknown or older than kept.
  virtual Result<ReceiptReading> receipt(const Id128& signal_id) = 0;

  // Makes the agent appear, if it has not; otherwise it counts as a use.
  virtual Result<void> appear(std::string_view agent) = 0;
};

}  // namespace aldis
