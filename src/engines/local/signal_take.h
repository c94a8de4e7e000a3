#pragma once
// One take within one transaction: what there is for a filter, and what becomes of it. Used by local_signals.cc;
// implemented in signal_take.cc.
//
// Model: `look` finds, in the order of the contract, the one thing that a take answers with; `show` answers with it and
// changes nothing, `consume` takes, reserves or tells it. `repeat` comes first, when the take was named and answered
// before.
// Threads: as the transaction.

#include <cstdint>
#include <optional>

#include "engines/local/broadcasts.h"
#include "engines/local/expiry_notices.h"
#include "engines/local/mailbox.h"
#include "ports/signal_store.h"

namespace aldis::local {

class SignalTake {
 public:
  SignalTake(SignalTables& tables, const TakeRequest& request, BootTime appeared, Moment moment);

  bool is_settled() { return mailbox_.is_settled(); }
  bool settle() { return mailbox_.settle(); }

  // What an earlier take with the same id answered, if that still stands.
  std::optional<TakeOutcome> repeat(const SignalNews& earlier);

  // `after`: nothing of this commit and before matches.
  void look(std::uint64_t after);
  bool found() const { return !yields() && (targeted_ || broadcast_ || notice_ || missed_); }

  TakeOutcome show();
  TakeOutcome consume();

 private:
  bool yields() const { return request_.yields_to_holders && held_.has_known(); }
  NothingTaken nothing();

  const TakeRequest& request_;
  Moment moment_;
  Mailbox mailbox_;
  Broadcasts broadcasts_;
  ExpiryNotices notices_;

  std::optional<QueuedSignal> targeted_;
  std::optional<FoundBroadcast> broadcast_;
  std::optional<PendingNotice> notice_;
  std::optional<FoundBroadcast> missed_;
  HeldSignals held_;
};

StoreTime store_time(BootTime time);

}  // namespace aldis::local
