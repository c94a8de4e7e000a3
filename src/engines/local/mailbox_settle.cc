#include "engines/local/board_keys.h"
#include "engines/local/mailbox.h"
#include "engines/local/signal_shapes.h"

namespace aldis::local {

bool Mailbox::settle() {
  const bool settled = lane_.settle(*this, moment_.now);
  lane_.save();
  return settled;
}

void Mailbox::settle_after_due() {
  lane_.settle(*this, moment_.now);
  lane_.save_after_due(moment_.now);
}

std::uint64_t Mailbox::on_expired(const LaneEnd& end) {
  const std::string queued_key = queue_key(end.entry.type, end.mark.commit);
  const std::string key = signal_key(end.entry.id);
  const auto queued = tables_.require<QueueEntry>(queued_key);
  auto record = tables_.require<SignalRecord>(key);
  if (!queued || !record) return 0;
  const std::size_t bytes = record->payload.size();
  record->state = StoredState::expired;
  record->attempt = queued->hold.attempt;
  record->payload.clear();
  tables_.put(key, *record);
  tables_.board().erase(queued_key);
  notices_.add(
      end.entry.type, end.mark.commit,
      {end.entry.id, record->source, record->sent_at, expiry_shown(record->sent_at, record->ttl), record->ends});
  return bytes;
}

std::size_t Mailbox::on_forgotten(const LaneEnd& end, bool /*by_age*/) {
  notices_.fold_untold(end.entry.type, end.mark.commit);
  if (!tables_.is_damaged()) tables_.board().erase(signal_key(end.entry.id));
  return 1;
}

}  // namespace aldis::local
