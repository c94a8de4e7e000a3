#include "engines/local/signal_lane.h"

#include <algorithm>
#include <limits>

#include "aldis/limits.h"
#include "engines/local/board_keys.h"
#include "engines/local/reclaim.h"

namespace aldis::local {
namespace {

using namespace std::chrono_literals;

constexpr BootTime kNone{};
constexpr std::uint64_t kLastCommit = std::numeric_limits<std::uint64_t>::max();

constexpr char kind_byte(Lane::Kind kind) {
  return kind == Lane::Kind::mailbox ? board_key::kMailbox : board_key::kBroadcasts;
}

}  // namespace

Lane::Lane(SignalTables& tables, Kind kind, std::string_view name)
    : tables_(tables),
      key_(lane_key(kind_byte(kind), name, board_key::kTotals)),
      end_prefix_(lane_key(kind_byte(kind), name, board_key::kEnds)) {
  if (const auto record = tables_.get<LaneRecord>(key_)) record_ = *record;
  stored_due_ = record_.due;
}

std::uint64_t Lane::version_of(SignalTables& tables, Kind kind, std::string_view name) {
  const auto record = tables.get<LaneRecord>(lane_key(kind_byte(kind), name, board_key::kTotals));
  return record ? record->version : 0;
}

std::string Lane::end_key(const EndMark& mark) const { return with_end(end_prefix_, mark); }

std::optional<LaneEnd> Lane::first_from(const std::string& key) {
  const auto found = tables_.board().seek(end_prefix_, key);
  if (!found) return std::nullopt;
  const auto entry = tables_.read<EndEntry>(found->key, found->value);
  if (!entry) return std::nullopt;
  return LaneEnd{end_of(found->key), *entry};
}

std::optional<LaneEnd> Lane::first_live() {
  if (record_.live == 0) return std::nullopt;
  return first_from(end_key(record_.settled).append(1, '\0'));
}

std::optional<LaneEnd> Lane::first_tombstone() {
  if (record_.tombstones == 0) return std::nullopt;
  return first_from(end_prefix_);
}

bool Lane::is_settled(BootTime now) {
  if (record_.tombstones > limits::kTombstonesMax) return false;
  if (const auto live = first_live(); live && live->mark.time <= now) return false;
  const auto oldest = first_tombstone();
  return !oldest || oldest->mark.time + limits::kTombstoneRetention > now;
}

bool Lane::settle(LaneOwner& owner, BootTime now) {
  std::size_t steps = 0;
  for (auto end = first_live(); end && end->mark.time <= now; end = first_live()) {
    if (steps++ >= limits::kSettledPerWrite) return false;
    const std::uint64_t bytes = owner.on_expired(*end);
    if (tables_.is_damaged()) return false;
    record_.bytes -= std::min(record_.bytes, bytes);
    --record_.live;
    ++record_.tombstones;
    record_.settled = end->mark;
    changed_ = true;
    require_due(end->mark.time + limits::kTombstoneRetention);
  }
  if (tables_.is_damaged()) return false;
  // Not marked as a change: without it a later settling would only pass the same border again.
  record_.settled = std::max(record_.settled, EndMark{now, kLastCommit});
  for (auto oldest = first_tombstone(); oldest; oldest = first_tombstone()) {
    const bool by_age = oldest->mark.time + limits::kTombstoneRetention <= now;
    if (!by_age && record_.tombstones <= limits::kTombstonesMax) break;
    if (steps >= limits::kSettledPerWrite) {
      require_due(now);
      return false;
    }
    steps += owner.on_forgotten(*oldest, by_age);
    if (tables_.is_damaged()) return false;
    tables_.board().erase(end_key(oldest->mark));
    --record_.tombstones;
    changed_ = true;
  }
  return !tables_.is_damaged();
}

BootTime Lane::deadline_after(BootTime now, std::chrono::nanoseconds ttl) const {
  return std::max(now + ttl, record_.settled.time + 1ns);
}

void Lane::add(const LaneEnd& end, std::uint64_t bytes) {
  tables_.put(end_key(end.mark), end.entry);
  ++record_.live;
  record_.bytes += bytes;
  changed_ = true;
  require_due(end.mark.time);
}

void Lane::finish(const LaneEnd& end, std::uint64_t bytes, BootTime now) {
  tables_.board().erase(end_key(end.mark));
  const BootTime ended = std::max(now, record_.settled.time);
  tables_.put(end_key({ended, end.mark.commit}), end.entry);
  --record_.live;
  record_.bytes -= std::min(record_.bytes, bytes);
  ++record_.tombstones;
  changed_ = true;
  require_due(ended + limits::kTombstoneRetention);
}

void Lane::require_due(BootTime due) {
  if (record_.due == kNone || due < record_.due) record_.due = due;
}

void Lane::save() {
  if (!changed_) return;
  changed_ = false;
  BoardTransaction& board = tables_.board();
  const bool empty = record_.live == 0 && record_.tombstones == 0;
  if (empty) record_.due = kNone;
  if (record_.due != stored_due_) {
    if (stored_due_ != kNone) clear_due(board, stored_due_, key_);
    if (record_.due != kNone) set_due(board, record_.due, key_);
    stored_due_ = record_.due;
  }
  if (empty) {
    board.erase(key_);
    return;
  }
  record_.version = board.id();
  tables_.put(key_, record_);
}

void Lane::save_after_due(BootTime now) {
  record_.due = stored_due_ = kNone;
  changed_ = true;
  if (tables_.is_damaged()) return save();  // it would be in the way of everything else that is due
  if (const auto live = first_live()) require_due(live->mark.time);
  if (const auto oldest = first_tombstone()) require_due(oldest->mark.time + limits::kTombstoneRetention);
  if (record_.tombstones > limits::kTombstonesMax) require_due(now);
  save();
}

}  // namespace aldis::local
