#include "engines/local/mailbox.h"

#include <algorithm>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"
#include "engines/local/board_keys.h"
#include "engines/local/signal_shapes.h"

namespace aldis::local {

Mailbox::Mailbox(SignalTables& tables, std::string_view agent, Moment moment)
    : tables_(tables),
      agent_(agent),
      moment_(moment),
      lane_(tables, Lane::Kind::mailbox, agent),
      notices_(tables, agent_, moment.now) {}

std::string Mailbox::queue_key(std::string_view type, std::uint64_t commit) const {
  return with_commit(with_name(lane_key(board_key::kMailbox, agent_, board_key::kLog), type), commit);
}

Result<void> Mailbox::check_room(std::size_t payload_bytes) {
  const LaneRecord& totals = lane_.record();
  if (totals.live >= limits::kMailboxSignalsMax) {
    return fail(ErrorCode::resource_exhausted,
                "the mailbox of {} holds {} signals, its limit; wait until it takes some or they expire", agent_,
                totals.live);
  }
  if (totals.bytes + payload_bytes > limits::kMailboxBytesMax) {
    return fail(
        ErrorCode::resource_exhausted,
        "the mailbox of {} holds {} bytes of payloads, and {} more would pass its limit of {}; wait until it takes "
        "some or they expire",
        agent_, totals.bytes, payload_bytes, limits::kMailboxBytesMax);
  }
  return {};
}

bool Mailbox::make_room(std::size_t payload_bytes) {
  return check_room(payload_bytes) || settle() || check_room(payload_bytes);
}

Result<void> Mailbox::send(const OutgoingSignal& signal) {
  ALDIS_TRY(check_room(signal.payload.size()));
  const std::uint64_t commit = tables_.board().id();
  const SignalRecord record = new_record(signal, commit, lane_.deadline_after(moment_.now, signal.ttl));
  tables_.put(signal_key(signal.id), record);
  tables_.put(queue_key(signal.type, commit), QueueEntry{signal.id, record.source, record.ends, {}});
  lane_.add({{record.ends, commit}, {signal.id, record.type}}, signal.payload.size());
  lane_.save();
  return {};
}

std::optional<QueuedSignal> Mailbox::find(const SignalFilter& filter, std::uint64_t after, HeldSignals& held) {
  std::optional<QueuedSignal> first;
  const std::string queue = lane_key(board_key::kMailbox, agent_, board_key::kLog);
  for (const std::string& type : tables_.names_after(queue, filter.types)) {
    const std::string prefix = with_name(queue, type);
    tables_.each(prefix, with_commit(prefix, after + 1), [&](std::string_view key, std::string_view value) {
      const std::uint64_t commit = commit_of(key);
      if (first && first->commit < commit) return false;
      const auto entry = tables_.read<QueueEntry>(key, value);
      if (!entry || !matches(filter, entry->source)) return true;
      if (entry->hold.holds(moment_.now)) {
        held.add(commit, entry->id, entry->hold, entry->ends);
        return true;
      }
      first = QueuedSignal{commit, type, *entry};
      return false;
    });
  }
  return first;
}

std::vector<QueuedSignal> Mailbox::find_all(std::string_view type) {
  std::vector<QueuedSignal> all;
  const std::string queue = lane_key(board_key::kMailbox, agent_, board_key::kLog);
  const std::string prefix = type.empty() ? queue : with_name(queue, type);
  tables_.each(prefix, prefix, [&](std::string_view key, std::string_view value) {
    const auto entry = tables_.read<QueueEntry>(key, value);
    if (entry && !entry->hold.holds(moment_.now)) {
      all.push_back({commit_of(key), std::string(last_name(key, queue)), *entry});
    }
    return true;
  });
  std::ranges::sort(all, {}, &QueuedSignal::commit);
  return all;
}

CoordinationSignal Mailbox::show(const QueuedSignal& queued) {
  const auto record = tables_.require<SignalRecord>(signal_key(queued.entry.id));
  return record ? delivered_signal(queued.entry.id, *record, queued.entry.hold.attempt + 1) : CoordinationSignal{};
}

CoordinationSignal Mailbox::take(const QueuedSignal& queued) {
  CoordinationSignal signal = show(queued);
  finish(queued, StoredState::delivered, queued.entry.hold.attempt + 1, false);
  lane_.settle(*this, moment_.now);
  lane_.save();
  return signal;
}

CoordinationSignal Mailbox::reserve(const QueuedSignal& queued, std::chrono::nanoseconds within,
                                    const std::optional<ProcessIdentity>& holder) {
  CoordinationSignal signal = show(queued);
  QueueEntry entry = queued.entry;
  entry.hold = Hold{entry.hold.attempt + 1, moment_.now + within, holder};
  tables_.put(queue_key(queued.type, queued.commit), entry);
  return signal;
}

bool Mailbox::renew(const Id128& id, std::uint32_t attempt, const TakeRequest& request) {
  const auto record = tables_.get<SignalRecord>(signal_key(id));
  if (!record) return true;  // its tombstone went, and nobody else can have it any more
  if (record->state != StoredState::live) return record->state == StoredState::delivered && record->attempt == attempt;
  const std::string key = queue_key(record->type, record->commit);
  auto entry = tables_.require<QueueEntry>(key);
  if (!entry || entry->hold.attempt != attempt || !renew_hold(entry->hold, request, moment_.now)) return false;
  tables_.put(key, *entry);
  return true;
}

void Mailbox::clear(const std::vector<QueuedSignal>& queued) {
  for (const QueuedSignal& one : queued) finish(one, StoredState::cleared, one.entry.hold.attempt, false);
  lane_.settle(*this, moment_.now);
  lane_.save();
}

void Mailbox::finish(const QueuedSignal& queued, StoredState state, std::uint32_t attempt, bool acknowledged) {
  const std::string key = signal_key(queued.entry.id);
  auto record = tables_.require<SignalRecord>(key);
  if (!record) return;
  const std::size_t bytes = record->payload.size();
  record->state = state;
  record->acknowledged = acknowledged;
  record->attempt = attempt;
  record->settled_at = moment_.wall;
  record->payload.clear();
  tables_.put(key, *record);
  tables_.board().erase(queue_key(queued.type, queued.commit));
  lane_.finish({{queued.entry.ends, queued.commit}, {queued.entry.id, queued.type}}, bytes, moment_.now);
}

Result<bool> Mailbox::acknowledge(const Id128& id, std::optional<std::uint32_t> attempt) {
  using State = AcknowledgementCase::State;
  const auto record = tables_.get<SignalRecord>(signal_key(id));
  if (!record) return fail(ErrorCode::not_found, "{}", unknown_signal(id));
  AcknowledgementCase found{State::open, record->attempt};
  QueuedSignal queued{record->commit, record->type, {}};
  switch (record->state) {
    case StoredState::live:
      queued.entry = tables_.require<QueueEntry>(queue_key(record->type, record->commit)).value_or(QueueEntry{});
      found.attempt = queued.entry.hold.attempt;
      break;
    case StoredState::delivered:
      found.state = record->acknowledged ? State::acknowledged : State::taken;
      break;
    case StoredState::expired:
      found.state = State::expired;
      break;
    case StoredState::cleared:
      found.state = State::cleared;
      break;
  }
  const Result<bool> open = judge_acknowledgement(id, found, attempt);
  if (open && *open) {
    finish(queued, StoredState::delivered, found.attempt, true);
    lane_.settle(*this, moment_.now);
    lane_.save();
  }
  return open;
}

bool Mailbox::hand_back(const SignalRecord& signal, const Reservation& reservation) {
  const std::string key = queue_key(signal.type, signal.commit);
  auto entry = tables_.get<QueueEntry>(key);
  if (!entry || entry->id != reservation.signal_id || !is_same(entry->hold, reservation, moment_.now)) return false;
  entry->hold.until = {};
  entry->hold.holder.reset();
  tables_.put(key, *entry);
  lane_.touch();
  lane_.save();
  return true;
}

Receipt Mailbox::receipt(const SignalRecord& signal) {
  Receipt receipt;
  switch (signal.state) {
    case StoredState::live: {
      const auto entry = tables_.require<QueueEntry>(queue_key(signal.type, signal.commit));
      if (!entry || !entry->hold.holds(moment_.now)) break;
      receipt.state = ReceiptState::reserved;
      receipt.delivered_to = agent_;
      break;
    }
    case StoredState::delivered:
      receipt.state = ReceiptState::delivered;
      receipt.delivered_to = agent_;
      receipt.delivered_at = signal.settled_at;
      break;
    case StoredState::expired:
      receipt.state = ReceiptState::expired;
      receipt.expired_at = expiry_shown(signal.sent_at, signal.ttl);
      break;
    case StoredState::cleared:
      receipt.state = ReceiptState::cleared;
      break;
  }
  return receipt;
}

}  // namespace aldis::local
