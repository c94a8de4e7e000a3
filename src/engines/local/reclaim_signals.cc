#include "engines/local/reclaim_signals.h"

#include <string>

#include "core/bytes.h"
#include "engines/local/broadcast_log.h"
#include "engines/local/mailbox.h"
#include "engines/local/reclaim.h"

namespace aldis::local {
namespace {

constexpr int kStepsPerEntry = 64;

std::string name_in(std::string_view key) { return std::string(last_name(key, key.substr(0, 1))); }

}  // namespace

void reclaim_mailbox(BoardTransaction& transaction, std::string_view key, BootTime now) {
  SignalTables tables(transaction);
  Mailbox(tables, name_in(key), {now, {}}).settle_after_due(kStepsPerEntry);
}

void reclaim_broadcasts(BoardTransaction& transaction, std::string_view key, BootTime now) {
  SignalTables tables(transaction);
  BroadcastLog(tables, name_in(key), {now, {}}).settle_after_due(kStepsPerEntry);
}

void reclaim_kept_record(BoardTransaction& transaction, std::string_view key, BootTime due) {
  const auto bytes = transaction.get(key);
  if (!bytes) return;
  const BootTime keep_until{std::chrono::nanoseconds{ByteReader(*bytes).signed_number()}};
  if (keep_until > due) {
    set_due(transaction, keep_until, key);
  } else {
    transaction.erase(key);
  }
}

}  // namespace aldis::local
