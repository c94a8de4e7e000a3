#include "engines/redis/subscription_table.h"

namespace aldis {

bool SubscriptionTable::listen(Ear& ear, std::vector<Hearing> hearings) {
  const MutexLock lock(mutex_);
  const std::size_t begun_before = begun_.size();
  ear.places_.reserve(hearings.size());
  for (Hearing& hearing : hearings) {
    const auto [found, is_new] = entries_.try_emplace(hearing.channel.name);
    Entry& entry = found->second;
    if (is_new) {
      entry.channel = std::make_shared<const Channel>(std::move(hearing.channel));
      begun_.push_back(found->first);
    } else if (entry.listeners == 0) {
      --idle_;
    }
    ++entry.listeners;
    entry.was_idle_at_sweep = false;
    (hearing.message.empty() ? entry.ears : entry.ears_by_message[hearing.message]).insert(&ear);
    ear.places_.push_back({&entry, std::move(hearing.message)});
  }
  return begun_.size() != begun_before;
}

void SubscriptionTable::leave(Ear& ear) {
  const MutexLock lock(mutex_);
  for (const Ear::Place& place : ear.places_) {
    Entry& entry = *place.entry;
    if (place.message.empty()) {
      entry.ears.erase(&ear);
    } else if (const auto found = entry.ears_by_message.find(place.message); found != entry.ears_by_message.end()) {
      found->second.erase(&ear);
      if (found->second.empty()) entry.ears_by_message.erase(found);
    }
    if (--entry.listeners == 0) ++idle_;
  }
  ear.places_.clear();
}

std::vector<std::string> SubscriptionTable::take_begun() {
  const MutexLock lock(mutex_);
  return std::exchange(begun_, {});
}

std::vector<std::string> SubscriptionTable::sweep() {
  std::vector<std::string> ended;
  const MutexLock lock(mutex_);
  if (idle_ == 0) return ended;
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    if (entry.listeners == 0 && entry.was_idle_at_sweep) {
      ended.push_back(it->first);
      it = entries_.erase(it);
      --idle_;
    } else {
      entry.was_idle_at_sweep = entry.listeners == 0;
      ++it;
    }
  }
  return ended;
}

void SubscriptionTable::ring(std::string_view channel, std::string_view message) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(channel);
  if (found == entries_.end()) return;
  begin_pass();
  ring_ears(found->second.ears);
  const auto& by_message = found->second.ears_by_message;
  if (const auto concerned = by_message.find(message); concerned != by_message.end()) ring_ears(concerned->second);
  end_pass();
}

void SubscriptionTable::ring_listeners(std::span<const std::string> channels) {
  const MutexLock lock(mutex_);
  begin_pass();
  for (const std::string& channel : channels) {
    if (const auto found = entries_.find(channel); found != entries_.end()) ring_all_ears(found->second);
  }
  end_pass();
}

std::vector<std::shared_ptr<const Channel>> SubscriptionTable::listened_to() const {
  std::vector<std::shared_ptr<const Channel>> channels;
  const MutexLock lock(mutex_);
  channels.reserve(entries_.size() - idle_);
  for (const auto& [name, entry] : entries_) {
    if (entry.listeners != 0) channels.push_back(entry.channel);
  }
  return channels;
}

void SubscriptionTable::note(std::span<const VersionRead> versions) {
  const MutexLock lock(mutex_);
  begin_pass();
  for (const VersionRead& read : versions) {
    const auto found = entries_.find(read.channel->name);
    if (found == entries_.end()) continue;
    Entry& entry = found->second;
    if (!read.version || entry.version != read.version) ring_all_ears(entry);
    if (read.version) entry.version = read.version;
  }
  end_pass();
}

void SubscriptionTable::ring_ears(const Ears& ears) {
  for (Ear* const ear : ears) {
    if (std::exchange(ear->rung_in_pass_, pass_) == pass_) continue;
    ear->word_.ring();
    rang_ = true;
  }
}

void SubscriptionTable::ring_all_ears(const Entry& entry) {
  ring_ears(entry.ears);
  for (const auto& [message, ears] : entry.ears_by_message) ring_ears(ears);
}

void SubscriptionTable::begin_pass() {
  ++pass_;
  rang_ = false;
}

void SubscriptionTable::end_pass() {
  if (rang_) any_.ring();
}

}  // namespace aldis
