#include "fakes/signal_model.h"

#include <algorithm>

namespace aldis::testing {

using namespace std::chrono_literals;

Expired expiry_of(const Stored& stored) {
  const CoordinationSignal& signal = stored.signal;
  return {signal.signal_id, signal.signal_type, signal.source_agent, signal.timestamp, signal.expires_at, 1};
}

Stored* SignalModel::find(const Id128& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return nullptr;
  auto& lanes = place->second.broadcast ? broadcasts_ : mailboxes_;
  return &lanes.at(place->second.lane).signals.at(place->second.commit);
}

void SignalModel::add(Lane& lane, const OutgoingSignal& signal) {
  Stored stored;
  stored.id = signal.id;
  stored.deadline = now_ + signal.ttl;
  stored.signal.signal_id = format_id(kSignalIdPrefix, signal.id);
  stored.signal.signal_type = signal.type;
  stored.signal.source_agent = signal.source;
  if (signal.target) stored.signal.target_agent = *signal.target;
  stored.signal.payload = Json::trusted(std::string(signal.payload));
  stored.signal.timestamp = signal.sent_at;
  stored.signal.ttl = signal.ttl;
  stored.signal.expires_at = signal.sent_at + std::chrono::duration_cast<std::chrono::microseconds>(signal.ttl);
  const Commit commit = ++commits_;
  places_[signal.id] = {!signal.target, std::string(signal.target.value_or(signal.type)), commit};
  lane.live.insert(commit);
  lane.bytes += signal.payload.size();
  next_due_ = std::min(next_due_, stored.deadline);
  lane.signals.emplace(commit, std::move(stored));
}

void SignalModel::end(Lane& lane, Commit commit, ReceiptState state) {
  Stored& stored = lane.signals.at(commit);
  const StoreTime ended = state == ReceiptState::expired ? stored.deadline : now_;
  stored.state = state;
  lane.live.erase(commit);
  lane.bytes -= stored.signal.payload.text().size();
  stored.signal.payload = {};
  lane.ended.emplace(ended, commit);
  next_due_ = std::min(next_due_, ended + limits::kTombstoneRetention);
  if (lane.ended.size() > limits::kTombstonesMax) next_due_ = now_;
}

void SignalModel::settle() {
  now_ = StoreTime{clock_->boot_now().time_since_epoch()};
  if (now_ < next_due_) return;
  next_due_ = StoreTime::max();
  for (auto& [agent, lane] : mailboxes_) settle_lane(lane);
  for (auto& [type, lane] : broadcasts_) settle_lane(lane);
}

void SignalModel::settle_lane(Lane& lane) {
  for (const Commit commit : std::set(lane.live)) {
    const Stored& stored = lane.signals.at(commit);
    if (stored.deadline > now_) {
      next_due_ = std::min(next_due_, stored.deadline);
      continue;
    }
    if (stored.signal.target_agent) notices(*stored.signal.target_agent).untold[commit] = expiry_of(stored);
    end(lane, commit, ReceiptState::expired);
  }
  while (!lane.ended.empty()) {
    const auto [ended, commit] = *lane.ended.begin();
    const bool by_age = ended + limits::kTombstoneRetention <= now_;
    if (!by_age && lane.ended.size() <= limits::kTombstonesMax) break;
    forget(lane.signals.at(commit), commit, ended, by_age);
    lane.ended.erase(lane.ended.begin());
    lane.signals.erase(commit);
  }
  if (!lane.ended.empty()) next_due_ = std::min(next_due_, lane.ended.begin()->first + limits::kTombstoneRetention);
}

void SignalModel::forget(const Stored& stored, Commit commit, StoreTime ended, bool by_age) {
  places_.erase(stored.id);
  if (stored.signal.target_agent) {
    Notices& owed = notices(*stored.signal.target_agent);
    if (owed.untold.erase(commit) > 0) fold(owed.folded, stored, commit, ended);
  } else if (!by_age) {
    for (auto& [name, agent] : agents_) {
      if (is_known(agent) && position(name, stored.signal.signal_type) && concerns(name, commit, stored)) {
        fold(notices(name).folded_broadcasts, stored, commit, ended);
      }
    }
  }
}

void SignalModel::fold(FoldedByType& owed, const Stored& stored, Commit commit, StoreTime ended) {
  Folded& folded = owed[stored.signal.signal_type];
  if (folded.keep_until <= std::min(now_, ended + limits::kTombstoneRetention)) folded = {};
  ++folded.count;
  folded.keep_until = std::max(folded.keep_until, ended + limits::kPositionRetention);
  if (commit < folded.commit) return;
  folded.commit = commit;
  folded.newest = expiry_of(stored);
}

bool SignalModel::is_known(const Agent& agent) const { return agent.used + limits::kPositionRetention > now_; }

void SignalModel::use(std::string_view name) {
  const auto [found, is_new] = agents_.try_emplace(std::string(name));
  Agent& agent = found->second;
  if (is_new || !is_known(agent)) agent = Agent{now_, now_, std::move(agent.positions)};
  if (agent.used + 1h <= now_) agent.used = now_;
}

Position* SignalModel::position(std::string_view agent, std::string_view type) {
  const auto known = agents_.find(agent);
  if (known == agents_.end()) return nullptr;
  const auto found = known->second.positions.find(type);
  if (found == known->second.positions.end()) return nullptr;
  return found->second.changed + limits::kPositionRetention > now_ ? &found->second : nullptr;
}

Position& SignalModel::changed_position(std::string_view agent, std::string_view type) {
  const bool kept = position(agent, type) != nullptr;
  Position& changed = agents_.find(agent)->second.positions[std::string(type)];
  if (!kept) changed = {};
  changed.changed = now_;
  return changed;
}

bool SignalModel::concerns(std::string_view agent, Commit commit, const Stored& stored) {
  const auto known = agents_.find(agent);
  if (known == agents_.end() || !is_known(known->second)) return false;
  const Position* const seen = position(agent, stored.signal.signal_type);
  return stored.signal.source_agent != agent && stored.deadline > known->second.appeared &&
         (seen == nullptr || !seen->done.contains(commit));
}

Hold SignalModel::hold_of(std::string_view agent, Commit commit, const Stored& stored) {
  const Position* const seen = position(agent, stored.signal.signal_type);
  if (seen == nullptr) return {};
  const auto found = seen->holds.find(commit);
  return found == seen->holds.end() ? Hold{} : found->second;
}

Hold* SignalModel::find_hold(std::string_view agent, const Id128& id) {
  Stored* const stored = find(id);
  if (stored == nullptr || stored->state != ReceiptState::pending) return nullptr;
  if (stored->signal.target_agent) return stored->signal.target_agent == agent ? &stored->hold : nullptr;
  Position* const seen = position(agent, stored->signal.signal_type);
  if (seen == nullptr) return nullptr;
  const auto found = seen->holds.find(places_.at(id).commit);
  return found == seen->holds.end() ? nullptr : &found->second;
}

std::vector<Commit> SignalModel::free_in(const Lane& lane, std::string_view type) {
  std::vector<Commit> commits;
  for (const Commit commit : lane.live) {
    const Stored& stored = lane.signals.at(commit);
    if ((type.empty() || stored.signal.signal_type == type) && stored.hold.until <= now_) commits.push_back(commit);
  }
  return commits;
}

std::map<Commit, Stored*> SignalModel::free_broadcasts(std::string_view agent, std::string_view type) {
  std::map<Commit, Stored*> found;
  for (auto& [lane_type, lane] : broadcasts_) {
    if (!type.empty() && lane_type != type) continue;
    for (const Commit commit : lane.live) {
      Stored& stored = lane.signals.at(commit);
      if (concerns(agent, commit, stored) && hold_of(agent, commit, stored).until <= now_) found[commit] = &stored;
    }
  }
  return found;
}

void SignalModel::finish(std::string_view agent, Commit commit, const Stored& stored) {
  Position& seen = changed_position(agent, stored.signal.signal_type);
  seen.done.insert(commit);
  seen.holds.erase(commit);
}

}  // namespace aldis::testing
