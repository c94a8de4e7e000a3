#pragma once
// What the signal scripts answer, read into the values of ports/signal_store.h. Used by redis_mailbox.cc and
// redis_broadcasts.cc through signal_call.h; implemented in signal_answers.cc.
//
// Model: the grammar is in docs/formats.md, "Redis keys"; answer_reader.h says what all answers have in common.
// Threads: pure. Errors: data_loss for an answer that does not follow the grammar; whatever code the script named.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engines/redis/answer_reader.h"
#include "engines/redis/reply.h"
#include "ports/signal_store.h"

namespace aldis {

// A take that took nothing.
struct NothingFound {
  // What matches beyond the reservations, and was left: an expiry, or a signal that stands behind a holder.
  enum class Left { none, expiry, signal };

  StoreTime now;
  std::optional<StoreTime> due;  // when an expiry or a lapse next concerns this agent and filter
  Left left = Left::none;
  std::vector<Reservation> reserved;  // those whose holder is a known process, oldest first

  bool operator==(const NothingFound&) const = default;
};

// A recall of a take id that answered nothing yet, or whose answer no longer stands: that one is still known.
struct NothingRecalled {
  bool is_stale = false;
};

using TakeAnswer = std::variant<Delivered, Expired, NothingFound, NothingRecalled>;

// Of a list that is read page by page.
struct PendingPage {
  std::vector<CoordinationSignal> signals;
  std::string next;  // where the next one begins; empty: this is the last
};

Result<TakeAnswer> read_take_answer(const Reply& answer);
Result<PendingPage> read_pending_page(const Reply& answer);
Result<void> read_done_answer(const Reply& answer);
Result<ReceiptReading> read_receipt_answer(const Reply& answer);

}  // namespace aldis
