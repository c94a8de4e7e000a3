#pragma once
// Typed messages with a time to live, to one agent or to all, that are never lost in silence. Implemented in
// src/domain/signals.cc; the rules of a mailbox are in src/ports/signal_store.h.
//
// Model: per (target, type) first in, first out. A targeted signal is taken by exactly one reader, even when several
// processes act as the same agent; a broadcast reaches every agent but its sender exactly once. A signal that nobody
// took in time leaves a tombstone, and its target is told `Expired` once: that is never confused with "nothing came".
// Anyone may ask for a signal's receipt for 24 h. Without `acknowledge_within` a take is at most once; with it at least
// once, and never two holders within one reservation. Threads: safe from any thread. A waiting call sleeps until it is
// woken or its next deadline; it does not poll. Errors: invalid_argument (names, ttl not in (0, 7 days], too many
// types), resource_exhausted (mailbox, broadcast type or board full: nothing was sent, nothing dropped), not_found and
// conflict as each function says, plus the store's. A failed call changes nothing; only one that is `unavailable` from
// a Redis store may have been done, and says so. Limits: limits.h, "Signals".

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aldis/export.h"
#include "aldis/json.h"
#include "aldis/limits.h"
#include "aldis/process_binding.h"
#include "aldis/result.h"
#include "aldis/time.h"
#include "aldis/workspace.h"

namespace aldis {

struct CoordinationSignal {
  std::string signal_id;
  std::string signal_type;
  std::string source_agent;
  std::optional<std::string> target_agent;  // none: a broadcast
  Json payload;
  WallTime timestamp;               // when it was sent
  std::chrono::nanoseconds ttl{0};  // `ttl_seconds` at the edges
  WallTime expires_at;              // timestamp + ttl, for display; the store's clock decides
  std::uint32_t attempt = 1;        // 2 and more: handed back by a holder that did not acknowledge

  bool operator==(const CoordinationSignal&) const = default;
};

// What became of a check or a wait.
struct Delivered {
  CoordinationSignal signal;
};
struct Expired {
  std::string signal_id;  // with count > 1: the newest of those folded together
  std::string signal_type;
  std::string source_agent;
  WallTime sent_at;
  WallTime expired_at;
  std::uint64_t count = 1;  // more than one only for tombstones beyond what a mailbox keeps
};
struct NothingYet {};
struct TimedOut {};
struct SourceGone {
  std::string source_agent;
  std::string evidence;  // as in AgentStatus
};
struct Cancelled {};

using CheckOutcome = std::variant<Delivered, Expired, NothingYet>;
using WaitOutcome = std::variant<Delivered, Expired, TimedOut, SourceGone, Cancelled>;
using SignalNews = std::variant<Delivered, Expired>;

enum class ReceiptState { pending, reserved, delivered, expired, cleared };

ALDIS_API std::string_view to_string(ReceiptState state);

struct SignalReader {
  std::string agent_id;
  WallTime read_at;
};

struct Receipt {
  std::string signal_id;
  ReceiptState state = ReceiptState::pending;
  std::string delivered_to;              // the agent that has it or holds it; empty for a broadcast
  std::optional<WallTime> delivered_at;  // when it was taken for good (acknowledged, if it was reserved)
  std::optional<WallTime> expired_at;
  bool broadcast = false;
  std::vector<SignalReader> readers;  // of a broadcast: the first 1,000
  std::uint64_t readers_total = 0;
};

struct TakeOptions {
  bool consume = true;  // false: look without taking; an expiry shown that way stays untold

  // Reserve instead of taking for good: acknowledge within this time, or it goes back to its place.
  std::optional<std::chrono::nanoseconds> acknowledge_within = {};

  // A name that the caller made for this one take ("" = none). Repeating a take with the same name within 60 s returns
  // the same signal: for callers that may die between taking and writing down what they took.
  std::string take_id = {};

  // With acknowledge_within: the process whose death gives the signal back at once. A program that ends before the work
  // is done (a command in a script) binds the process that does it, or none.
  ProcessBinding holder = {};
};

class ALDIS_API CoordinationSignals {
 public:
  // Acts as `agent_id`: it sends under this name and reads this agent's mailbox.
  static Result<CoordinationSignals> open(Workspace workspace, std::string agent_id);
  ~CoordinationSignals();  // ends this object's on_signal registrations
  CoordinationSignals(CoordinationSignals&&) noexcept;
  CoordinationSignals& operator=(CoordinationSignals&&) noexcept;

  // Both answer with the signal as sent.
  Result<CoordinationSignal> signal(std::string_view type, std::string_view target, Json payload = {},
                                    std::chrono::nanoseconds ttl = limits::kSignalTtlDefault);
  Result<CoordinationSignal> broadcast(std::string_view type, Json payload = {},
                                       std::chrono::nanoseconds ttl = limits::kSignalTtlDefault);

  // Never blocks. `types` empty: any type; `source` empty: from anybody. Targeted signals come before broadcasts, a
  // delivered signal before an expiry notice, and over several types the oldest first.
  Result<CheckOutcome> check_signal(const std::vector<std::string>& types, std::string_view source = {},
                                    const TakeOptions& options = {});

  // `timeout` 0 checks once. SourceGone: the one source waited for is dead or finished and nothing from it is pending.
  // While the store is silent it ends later, by what is left of the call that is under way: call_timeout at most.
  Result<WaitOutcome> wait_for_signal(const std::vector<std::string>& types, std::string_view source = {},
                                      std::chrono::nanoseconds timeout = limits::kSignalWaitDefault,
                                      const TakeOptions& options = {}, std::stop_token stop = {});

  // Calls back with each matching signal or expiry, from one thread that serves the whole workspace, until `stop` is
  // requested or this object goes. A callback may call this class, but delays the others while it runs. A store error
  // is reported once to `on_error` and retried. resource_exhausted when the thread cannot be started.
  Result<void> on_signal(const std::vector<std::string>& types, std::string_view source,
                         std::function<void(const SignalNews&)> callback, std::stop_token stop,
                         std::function<void(const Error&)> on_error = {});

  // Live signals that a check would deliver, in its order; takes nothing. `type` empty: any.
  Result<std::vector<CoordinationSignal>> get_pending_signals(std::string_view type = {});

  // Removes what get_pending_signals shows for this agent (broadcasts: for this agent only) and returns how many.
  Result<std::uint64_t> clear_signals(std::string_view type = {});

  // Makes a reserved take final. not_found: unknown id; conflict: the reservation lapsed and somebody else has it;
  // failed_precondition: not reserved by this agent, or its ttl ran out. Acknowledging twice is a success.
  Result<void> acknowledge(std::string_view signal_id);

  // Anyone in the namespace may ask. not_found: unknown, or older than kept.
  Result<Receipt> receipt(std::string_view signal_id);

  // Waits until the receipt is final (delivered, expired or cleared; for a broadcast: read by at least one agent);
  // deadline_exceeded when it is not by then. While the store is silent it ends later, as waiting for a signal does.
  Result<Receipt> wait_for_receipt(std::string_view signal_id, std::chrono::nanoseconds timeout,
                                   std::stop_token stop = {});

 private:
  class Impl;
  explicit CoordinationSignals(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aldis
