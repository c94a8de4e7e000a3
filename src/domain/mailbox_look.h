#pragma once
// One look into a mailbox: a take that first gives back what dead processes held. Used by check, wait and the pump;
// implemented in mailbox_look.cc.
//
// Model: before it passes over what a process holds, it asks whether that process lives; what the dead held is handed
// back first, so that it is taken in its original place. Only `gone` and `zombie` prove that a holder is dead; where
// nothing is known, its reservation ends by time alone. Threads: safe from any thread.

#include <optional>
#include <string_view>

#include "core/clock.h"
#include "ports/process_table.h"
#include "ports/signal_store.h"

namespace aldis {

struct MailboxLook {
  std::string_view agent;
  const SignalFilter& filter;
  const TakeOptions& options;
  const std::optional<ProcessIdentity>& self;  // kept with a reservation; none: unknown to the process table
};

// NothingTaken: neither a signal nor an untold expiry is there, and no reservation of a dead process either.
Result<TakeOutcome> look_into_mailbox(SignalStore& store, ProcessTable& processes, const MailboxLook& look);

// How long a waiter whom nothing wakes may leave the mailbox alone: until something falls due, or for `recheck` while
// processes hold something, because nobody rings for their deaths. Never negative.
std::chrono::nanoseconds time_until_look(const NothingTaken& nothing, std::chrono::nanoseconds recheck);

}  // namespace aldis
