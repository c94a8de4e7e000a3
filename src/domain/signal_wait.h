#pragma once
// The waiting of CoordinationSignals. Used by signals.cc; implemented in signal_wait.cc.
//
// Model: subscribe, look, then sleep until rung or until the next deadline that concerns this wait; then look again.
// While the death of a process would end the wait, it also looks once a recheck interval: nobody rings for that.
// Threads: safe from any thread.
// Errors: the store's, at once: a wait never says "nothing" when it does not know.

#include <chrono>
#include <stop_token>

#include "aldis/signals.h"
#include "domain/mailbox_look.h"
#include "domain/workspace_impl.h"

namespace aldis {

// REQUIRES: what `look` refers to is valid; 0 <= timeout <= limits::kWaitMax. SourceGone only if its filter has a
// source.
Result<WaitOutcome> wait_for_news(Workspace::Impl& workspace, const MailboxLook& look, std::chrono::nanoseconds timeout,
                                  const std::stop_token& stop);

// deadline_exceeded when the receipt is not final in time, or `stop` is requested first.
Result<Receipt> wait_for_final_receipt(Workspace::Impl& workspace, const Id128& signal_id,
                                       std::chrono::nanoseconds timeout, const std::stop_token& stop);

// delivered, expired or cleared; a broadcast, which has no single end, once somebody read it.
bool is_final(const Receipt& receipt);

}  // namespace aldis
