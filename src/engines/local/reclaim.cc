#include "engines/local/reclaim.h"

#include <string>

#include "aldis/limits.h"
#include "core/bytes.h"
#include "engines/local/board_keys.h"
#include "engines/local/local_heartbeats.h"
#include "engines/local/reclaim_signals.h"

namespace aldis {
namespace {

constexpr std::string_view kDuePrefix{&board_key::kDue, 1};

std::string due_key(BootTime due, std::string_view record_key) {
  return ByteWriter().raw(kDuePrefix).signed_number(due.time_since_epoch().count()).raw(record_key).bytes();
}

void look_again(BoardTransaction& transaction, std::string_view record_key, BootTime due, BootTime now) {
  switch (record_key.front()) {
    case board_key::kHeartbeat:
      return reclaim_heartbeat(transaction, record_key, now);
    case board_key::kMailbox:
      return local::reclaim_mailbox(transaction, record_key, now);
    case board_key::kBroadcasts:
      return local::reclaim_broadcasts(transaction, record_key, now);
    default:
      return local::reclaim_kept_record(transaction, record_key, due);
  }
}

}  // namespace

void set_due(BoardTransaction& transaction, BootTime due, std::string_view record_key) {
  transaction.put(due_key(due, record_key), {});
}

void clear_due(BoardTransaction& transaction, BootTime due, std::string_view record_key) {
  transaction.erase(due_key(due, record_key));
}

void reclaim_due(BoardTransaction& transaction, BootTime now) {
  for (std::size_t count = 0; count < limits::kRemovalsPerWrite; ++count) {
    const auto first = transaction.seek(kDuePrefix, kDuePrefix);
    if (!first) return;
    const std::string key(first->key);
    ByteReader parts(std::string_view(key).substr(kDuePrefix.size()));
    const BootTime due{std::chrono::nanoseconds{parts.signed_number()}};
    if (due > now) return;
    transaction.erase(key);
    if (!parts.rest().empty()) look_again(transaction, parts.rest(), due, now);
  }
}

}  // namespace aldis
