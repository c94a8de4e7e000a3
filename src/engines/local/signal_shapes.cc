#include "engines/local/signal_shapes.h"

#include "core/format.h"

namespace aldis::local {

SignalRecord new_record(const OutgoingSignal& signal, std::uint64_t commit, BootTime ends) {
  SignalRecord record;
  record.broadcast = !signal.target.has_value();
  record.commit = commit;
  record.type = signal.type;
  record.source = signal.source;
  record.target = signal.target.value_or(std::string_view{});
  record.sent_at = signal.sent_at;
  record.ttl = signal.ttl;
  record.ends = ends;
  record.payload = signal.payload;
  return record;
}

CoordinationSignal delivered_signal(const Id128& id, const SignalRecord& record, std::uint32_t attempt) {
  CoordinationSignal signal;
  signal.signal_id = format_id(kSignalIdPrefix, id);
  signal.signal_type = record.type;
  signal.source_agent = record.source;
  if (!record.broadcast) signal.target_agent = record.target;
  signal.payload = Json::trusted(record.payload);
  signal.timestamp = record.sent_at;
  signal.ttl = record.ttl;
  signal.expires_at = expiry_shown(record.sent_at, record.ttl);
  signal.attempt = attempt;
  return signal;
}

WallTime expiry_shown(WallTime sent_at, std::chrono::nanoseconds ttl) {
  return sent_at + std::chrono::duration_cast<std::chrono::microseconds>(ttl);
}

bool is_same(const Hold& hold, const Reservation& reservation, BootTime now) {
  return hold.holds(now) && hold.attempt == reservation.attempt && hold.holder == reservation.holder;
}

bool renew_hold(Hold& hold, const TakeRequest& request, BootTime now) {
  if (!hold.holds(now)) {
    if (!request.options.acknowledge_within) return false;
    hold.until = now + *request.options.acknowledge_within;
  }
  hold.holder = request.holder;
  return true;
}

std::string unknown_signal(const Id128& id) {
  return fmt::format("no signal {}: it never existed, or its receipt is older than kept",
                     format_id(kSignalIdPrefix, id));
}

}  // namespace aldis::local
