#include "engines/local/broadcast_position.h"

#include <algorithm>

#include "aldis/limits.h"
#include "engines/local/board_keys.h"

namespace aldis::local {

BroadcastPosition::BroadcastPosition(SignalTables& tables, std::string_view agent, std::string_view type,
                                     BootTime appeared, BootTime now)
    : tables_(tables),
      agent_(agent),
      appeared_(appeared),
      now_(now),
      key_(names_key(board_key::kPosition, agent, type)),
      log_prefix_(lane_key(board_key::kBroadcasts, type, board_key::kLog)) {
  if (auto record = tables_.get_kept<PositionRecord>(key_, now)) {
    record_ = *std::move(record);
    exists_ = true;
  }
}

std::uint64_t BroadcastPosition::low_water() const {
  return !record_.ranges.empty() && record_.ranges.front().first == 0 ? record_.ranges.front().last : 0;
}

bool BroadcastPosition::covers(std::uint64_t commit) const {
  const auto after = std::ranges::upper_bound(record_.ranges, commit, {}, &CommitRange::first);
  return after != record_.ranges.begin() && std::prev(after)->last >= commit;
}

bool BroadcastPosition::is_relevant(const BroadcastEntry& entry) const {
  return entry.source != agent_ && entry.ends > appeared_ && entry.ends + limits::kTombstoneRetention > now_;
}

Hold BroadcastPosition::hold(std::uint64_t commit) const {
  const auto found = std::ranges::find(record_.holds, commit, &BroadcastHold::commit);
  return found == record_.holds.end() ? Hold{} : found->hold;
}

void BroadcastPosition::set_hold(std::uint64_t commit, const Hold& hold) {
  const auto found = std::ranges::find(record_.holds, commit, &BroadcastHold::commit);
  if (found == record_.holds.end()) {
    record_.holds.push_back({commit, hold});
  } else {
    found->hold = hold;
  }
}

void BroadcastPosition::finish(std::uint64_t commit) {
  std::erase_if(record_.holds, [commit](const BroadcastHold& hold) { return hold.commit == commit; });
  if (covers(commit)) return;
  const auto after = std::ranges::upper_bound(record_.ranges, commit, {}, &CommitRange::first);
  record_.ranges.insert(after, CommitRange{commit, commit});
  raise_low_water();
  join_neighbours(commit);
}

std::optional<std::uint64_t> BroadcastPosition::next_relevant(std::uint64_t after) {
  std::optional<std::uint64_t> found;
  tables_.each(log_prefix_, with_commit(log_prefix_, after + 1), [&](std::string_view key, std::string_view value) {
    const auto entry = tables_.read<BroadcastEntry>(key, value);
    if (entry && is_relevant(*entry)) found = commit_of(key);
    return !found.has_value();
  });
  return found;
}

void BroadcastPosition::raise_low_water() {
  std::uint64_t low = low_water();
  std::optional<std::uint64_t> next = next_relevant(low);
  while (next && covers(*next)) {
    low = std::prev(std::ranges::upper_bound(record_.ranges, *next, {}, &CommitRange::first))->last;
    next = next_relevant(low);
  }
  low = next ? *next - 1 : std::max(low, record_.ranges.back().last);
  std::erase_if(record_.ranges, [low](const CommitRange& range) { return range.last <= low; });
  record_.ranges.insert(record_.ranges.begin(), CommitRange{0, low});
}

void BroadcastPosition::join_neighbours(std::uint64_t commit) {
  const auto after = std::ranges::upper_bound(record_.ranges, commit, {}, &CommitRange::first);
  auto index = static_cast<std::size_t>(after - record_.ranges.begin()) - 1;
  if (index > 0 && join(index - 1)) --index;
  if (index + 1 < record_.ranges.size()) join(index);
}

bool BroadcastPosition::join(std::size_t index) {
  CommitRange& left = record_.ranges[index];
  const CommitRange& right = record_.ranges[index + 1];
  if (const auto between = next_relevant(left.last); between && *between < right.first) return false;
  left.last = right.last;
  record_.ranges.erase(record_.ranges.begin() + static_cast<std::ptrdiff_t>(index) + 1);
  return true;
}

void BroadcastPosition::drop_ended_holds() {
  std::erase_if(record_.holds, [this](const BroadcastHold& hold) {
    return covers(hold.commit) || !tables_.board().get(with_commit(log_prefix_, hold.commit));
  });
}

void BroadcastPosition::save() {
  drop_ended_holds();
  record_.keep_until = now_ + limits::kPositionRetention;
  tables_.put_kept(key_, record_);
}

}  // namespace aldis::local
