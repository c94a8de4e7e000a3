#include "engines/local/reclaim_signals.h"

#include <string>

#include "core/bytes.h"
#include "engines/local/broadcast_log.h"
#include "engines/local/mailbox.h"
#include "engines/local/reclaim.h"

namespace aldis::local {
namespace {

std::string name_in(std::string_view key) { return std::string(last_name(key, key.substr(0, 1))); }

template <class OwnerOfLane>
void settle(BoardTransaction& transaction, std::string_view key, BootTime now) {
  SignalTables tables(transaction);
  OwnerOfLane owner(tables, name_in(key), {now, {}});
  if (!tables.is_damaged()) owner.settle_after_due();
}

}  // namespace

void reclaim_mailbox(BoardTransaction& transaction, std::string_view key, BootTime now) {
  settle<Mailbox>(transaction, key, now);
}

void reclaim_broadcasts(BoardTransaction& transaction, std::string_view key, BootTime now) {
  settle<BroadcastLog>(transaction, key, now);
}

void reclaim_kept_record(BoardTransaction& transaction, std::string_view key, BootTime due) {
  const auto bytes = transaction.get(key);
  if (!bytes) return;
  ByteReader in(*bytes);
  const BootTime keep_until{std::chrono::nanoseconds{in.signed_number()}};
  if (!in.ok()) return;
  if (keep_until > due) {
    set_due(transaction, keep_until, key);
  } else {
    transaction.erase(key);
  }
}

}  // namespace aldis::local
