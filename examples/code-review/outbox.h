#pragma once
// Sends to one mailbox as fast as its readers read, and loses nothing when it is full. Used by the scout and the
// reviewers; implemented in outbox.cc.
//
// Model: a full mailbox refuses a signal (resource_exhausted) and drops nothing. So the sender remembers what it sent,
// and when refused sleeps until the middle one of its unread signals is read: mailboxes are first in, first out, so
// then there is room for many more. Threads: one thread. Errors: what `signal` answers otherwise. Limits: remembers at
// most limits::kMailboxSignalsMax ids, as more cannot be unread.

#include <aldis/json.h>
#include <aldis/result.h>
#include <aldis/signals.h>

#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace code_review {

class Outbox {
 public:
  // Calls `while_waiting` before each wait for room, to beat; its error ends `send`. REQUIRES: `signals` outlives it.
  Outbox(aldis::CoordinationSignals& signals, std::string target, std::function<aldis::Result<void>()> while_waiting);

  // Blocks until the signal is in the mailbox.
  aldis::Result<void> send(std::string_view type, const aldis::Json& payload);

 private:
  aldis::Result<void> wait_for_room();

  aldis::CoordinationSignals& signals_;
  std::string target_;
  std::function<aldis::Result<void>()> while_waiting_;
  std::deque<std::string> unread_;  // ids, oldest first; some may have been read meanwhile
};

}  // namespace code_review
