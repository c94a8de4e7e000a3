#pragma once
// Who of this process listens to which channel. Between the waker, whose callers come and go, and its two threads: the
// subscriber, which hears the channels, and the recheck, which reads their versions. Implemented in
// subscription_table.cc.
//
// Model: an ear is one subscription: it listens to some channels and is rung when one of them has news for it. A
// channel begins with its first listener. It stays for a while after the last one left, because waits repeat; a sweep
// then ends those that nobody listened to since the sweep before.
// Threads: safe from any thread. Nothing here blocks or makes a call.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/mutex.h"
#include "core/ring_word.h"
#include "engines/redis/topic_channels.h"

namespace aldis {

class SubscriptionTable {
 public:
  class Ear;

  // What was read of a channel: nothing, when it could not be.
  struct VersionRead {
    std::shared_ptr<const Channel> channel;
    std::optional<std::string> version;
  };

  // Whether a channel began: the subscriber has something to do. `ear` must leave before it goes.
  bool listen(Ear& ear, std::vector<Hearing> hearings);
  void leave(Ear& ear);

  // The names of the channels that began since the last call.
  std::vector<std::string> take_begun();
  // The names of those that end now.
  std::vector<std::string> sweep();

  void ring(std::string_view channel, std::string_view message);
  void ring_listeners(std::span<const std::string> channels);

  std::vector<std::shared_ptr<const Channel>> listened_to() const;
  // Rings the channels whose version is not the known one, those that had none yet, and those that could not be read.
  void note(std::span<const VersionRead> versions);

  // Rings with every ear.
  RingWord& any() { return any_; }

 private:
  using Ears = std::unordered_set<Ear*>;
  struct Entry {
    std::shared_ptr<const Channel> channel;
    Ears ears;  // for every message
    std::map<std::string, Ears, std::less<>> ears_by_message;
    std::size_t listeners = 0;
    bool was_idle_at_sweep = false;
    std::optional<std::string> version;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  void ring_ears(const Ears& ears) ALDIS_REQUIRES(mutex_);
  void ring_all_ears(const Entry& entry) ALDIS_REQUIRES(mutex_);
  void begin_pass() ALDIS_REQUIRES(mutex_);
  void end_pass() ALDIS_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Entries entries_ ALDIS_GUARDED_BY(mutex_);
  std::vector<std::string> begun_ ALDIS_GUARDED_BY(mutex_);
  std::size_t idle_ ALDIS_GUARDED_BY(mutex_) = 0;  // entries without listeners
  std::uint64_t pass_ ALDIS_GUARDED_BY(mutex_) = 0;
  bool rang_ ALDIS_GUARDED_BY(mutex_) = false;  // in this pass
  RingWord any_;
};

class SubscriptionTable::Ear {
 public:
  RingWord& word() { return word_; }
  const RingWord& word() const { return word_; }

 private:
  friend class SubscriptionTable;
  struct Place {
    Entry* entry;
    std::string message;
  };

  RingWord word_;
  std::vector<Place> places_;       // guarded by the table's mutex, as is the next
  std::uint64_t rung_in_pass_ = 0;  // so that one pass rings an ear once
};

}  // namespace aldis
