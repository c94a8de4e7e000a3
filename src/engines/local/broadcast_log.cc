#include "engines/local/broadcast_log.h"

#include "aldis/limits.h"
#include "core/bytes.h"
#include "core/failure.h"
#include "engines/local/appearance.h"
#include "engines/local/board_keys.h"
#include "engines/local/broadcast_position.h"
#include "engines/local/expiry_notices.h"
#include "engines/local/signal_shapes.h"

namespace aldis::local {
namespace {

constexpr std::string_view kVersionKey{&board_key::kBroadcastVersion, 1};

}  // namespace

BroadcastLog::BroadcastLog(SignalTables& tables, std::string_view type, Moment moment)
    : tables_(tables),
      type_(type),
      moment_(moment),
      prefix_(lane_key(board_key::kBroadcasts, type, board_key::kLog)),
      lane_(tables, Lane::Kind::broadcasts, type) {}

std::uint64_t BroadcastLog::version(SignalTables& tables) {
  const auto bytes = tables.board().get(kVersionKey);
  return bytes ? ByteReader(*bytes).number<std::uint64_t>() : 0;
}

void BroadcastLog::change_version(SignalTables& tables) {
  BoardTransaction& board = tables.board();
  board.put(kVersionKey, ByteWriter().number(board.id()).bytes());
}

bool BroadcastLog::settle() {
  const bool settled = lane_.settle(*this, moment_.now);
  lane_.save();
  return settled;
}

void BroadcastLog::settle_after_due() {
  lane_.settle(*this, moment_.now);
  lane_.save_after_due(moment_.now);
}

bool BroadcastLog::make_room(std::size_t /*payload_bytes*/) {
  return settle() || lane_.record().live < limits::kBroadcastsMax;
}

Result<void> BroadcastLog::send(const OutgoingSignal& signal) {
  if (lane_.record().live >= limits::kBroadcastsMax) {
    return fail(ErrorCode::resource_exhausted,
                "{} broadcasts of type {} are live, the limit; wait until some expire, or give them a shorter ttl",
                lane_.record().live, type_);
  }
  const std::uint64_t commit = tables_.board().id();
  const SignalRecord record = new_record(signal, commit, lane_.deadline_after(moment_.now, signal.ttl));
  tables_.put(signal_key(signal.id), record);
  tables_.put(with_commit(prefix_, commit),
              BroadcastEntry{signal.id, record.source, record.ends, record.sent_at, record.ttl, 0, {}});
  lane_.add({{record.ends, commit}, {signal.id, type_}}, signal.payload.size());
  lane_.save();
  change_version(tables_);
  return {};
}

std::optional<BroadcastEntry> BroadcastLog::entry(std::uint64_t commit) {
  return tables_.get<BroadcastEntry>(with_commit(prefix_, commit));
}

void BroadcastLog::add_reader(std::uint64_t commit, const ReaderEntry& reader) {
  auto found = entry(commit);
  if (!found) return;
  if (found->readers == 0) found->first_read_at = reader.read_at;
  if (found->readers < limits::kReceiptReadersMax) {
    tables_.put(reader_key(found->id, static_cast<std::uint32_t>(found->readers)), reader);
  }
  ++found->readers;
  tables_.put(with_commit(prefix_, commit), *found);
}

std::optional<ReaderEntry> BroadcastLog::find_reader(const Id128& id, std::string_view agent) {
  std::optional<ReaderEntry> found;
  const std::string prefix = reader_prefix(id);
  tables_.each(prefix, prefix, [&](std::string_view key, std::string_view value) {
    auto reader = tables_.read<ReaderEntry>(key, value);
    if (reader && reader->agent == agent) found = std::move(reader);
    return !found.has_value();
  });
  return found;
}

Receipt BroadcastLog::receipt(const SignalRecord& signal) {
  Receipt receipt;
  receipt.broadcast = true;
  const auto found = entry(signal.commit);
  if (!found) return receipt;
  receipt.readers_total = found->readers;
  if (found->readers > 0) {
    receipt.state = ReceiptState::delivered;
    receipt.delivered_at = found->first_read_at;
  } else if (found->ends <= moment_.now) {
    receipt.state = ReceiptState::expired;
    receipt.expired_at = expiry_shown(found->sent_at, found->ttl);
  }
  const std::string prefix = reader_prefix(found->id);
  tables_.each(prefix, prefix, [&](std::string_view key, std::string_view value) {
    if (const auto reader = tables_.read<ReaderEntry>(key, value)) {
      receipt.readers.push_back({reader->agent, reader->read_at});
    }
    return true;
  });
  return receipt;
}

std::uint64_t BroadcastLog::on_expired(const LaneEnd& end) {
  const std::string key = signal_key(end.entry.id);
  auto record = tables_.require<SignalRecord>(key);
  if (!record) return 0;
  const std::size_t bytes = record->payload.size();
  record->state = StoredState::expired;
  record->payload.clear();
  tables_.put(key, *record);
  return bytes;
}

std::size_t BroadcastLog::on_forgotten(const LaneEnd& end, bool by_age) {
  const std::string key = with_commit(prefix_, end.mark.commit);
  const auto gone = tables_.require<BroadcastEntry>(key);
  if (!gone) return 1;
  const std::size_t folded = by_age ? 0 : fold_for_readers(end.mark.commit, *gone);
  if (tables_.is_damaged()) return 1;
  BoardTransaction& board = tables_.board();
  const auto listed = static_cast<std::uint32_t>(std::min<std::uint64_t>(gone->readers, limits::kReceiptReadersMax));
  for (std::uint32_t ordinal = 0; ordinal < listed; ++ordinal) board.erase(reader_key(gone->id, ordinal));
  board.erase(key);
  board.erase(signal_key(gone->id));
  return 1 + listed + folded;
}

std::size_t BroadcastLog::fold_for_readers(std::uint64_t commit, const BroadcastEntry& entry) {
  const ExpiryNotice notice{entry.id, entry.source, entry.sent_at, expiry_shown(entry.sent_at, entry.ttl), entry.ends};
  const std::vector<AppearedAgent> agents = list_appeared(tables_, moment_.now);
  for (const AppearedAgent& agent : agents) {
    const BroadcastPosition position(tables_, agent.agent, type_, agent.appeared, moment_.now);
    if (!position.exists() || !position.concerns(commit, entry)) continue;
    ExpiryNotices notices(tables_, agent.agent, moment_.now);
    notices.fold(ExpiryNotices::Folds::broadcasts, type_, commit, notice);
  }
  change_version(tables_);
  return agents.size();
}

}  // namespace aldis::local
