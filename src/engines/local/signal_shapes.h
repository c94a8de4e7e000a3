#pragma once
// Small conversions between what the board keeps, what the port takes and what callers see. Used by mailbox.cc and
// broadcasts.cc; implemented in signal_shapes.cc.

#include <chrono>
#include <string>

#include "engines/local/signal_records.h"
#include "ports/signal_store.h"

namespace aldis::local {

SignalRecord new_record(const OutgoingSignal& signal, std::uint64_t commit, BootTime ends);
CoordinationSignal delivered_signal(const Id128& id, const SignalRecord& record, std::uint32_t attempt);
WallTime expiry_shown(WallTime sent_at, std::chrono::nanoseconds ttl);

// `hold` still is what the caller saw.
bool is_same(const Hold& hold, const Reservation& reservation, BootTime now);

// A reservation that nobody retook is the repeating taker's from now on. False: it lapsed, and the request asks for
// none.
bool renew_hold(Hold& hold, const TakeRequest& request, BootTime now);

std::string unknown_signal(const Id128& id);

}  // namespace aldis::local
