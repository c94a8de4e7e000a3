#pragma once
// What the in-memory signal store knows, and what time does to it: lanes, tombstones, notices, agents and positions.
// Used by memory_signals.cc; implemented in signal_model.cc.
//
// Model: plain sets and maps; nothing is derived that can be stored. `settle` begins each call. Threads: one at a time.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "ports/signal_store.h"

namespace aldis::testing {

using Commit = std::uint64_t;

// How often something was reserved, and who has it until when.
struct Hold {
  std::uint32_t attempt = 0;
  StoreTime until;
  std::optional<ProcessIdentity> holder;
};

struct Stored {
  CoordinationSignal signal;
  Id128 id;
  StoreTime deadline;
  ReceiptState state = ReceiptState::pending;  // reserved is derived from the hold
  Hold hold;                                   // of a targeted one
  bool acknowledged = false;
  WallTime delivered_at;
  struct Reader {
    SignalReader who;
    std::uint32_t attempt = 0;
    bool acknowledged = false;
  };
  std::vector<Reader> readers;  // of a broadcast
};

// A mailbox, or all broadcasts of a type.
struct Lane {
  std::map<Commit, Stored> signals;
  std::set<Commit> live;
  std::set<std::pair<StoreTime, Commit>> ended;  // the tombstones, oldest first
  std::size_t bytes = 0;
};

struct Folded {
  std::uint64_t count = 0;
  Commit commit = 0;  // of the newest
  Expired newest;
  StoreTime keep_until;
};

// What one agent has done with the broadcasts of a type.
struct Position {
  std::set<Commit> done;
  std::map<Commit, Hold> holds;
  StoreTime changed;
};

struct Agent {
  StoreTime appeared;
  StoreTime used;
  std::map<std::string, Position, std::less<>> positions;
};

using FoldedByType = std::map<std::string, Folded, std::less<>>;

struct Notices {
  std::map<Commit, Expired> untold;
  FoldedByType folded;
  FoldedByType folded_broadcasts;
};

Expired expiry_of(const Stored& stored);

class SignalModel {
 public:
  explicit SignalModel(std::shared_ptr<const Clock> clock) : clock_(std::move(clock)) {}

  // Expires what is over and forgets tombstones, everywhere.
  void settle();
  StoreTime now() const { return now_; }
  WallTime wall() const { return clock_->wall_now(); }

  Stored* find(const Id128& id);
  Commit commit_of(const Id128& id) const { return places_.at(id).commit; }
  Lane& mailbox(std::string_view agent) { return mailboxes_[std::string(agent)]; }
  std::map<std::string, Lane, std::less<>>& broadcasts() { return broadcasts_; }
  Notices& notices(std::string_view agent) { return notices_[std::string(agent)]; }

  void add(Lane& lane, const OutgoingSignal& signal);
  void end(Lane& lane, Commit commit, ReceiptState state);

  // The agent appears, or is remembered for longer.
  void use(std::string_view name);
  // To be read, or to be told of.
  bool concerns(std::string_view agent, Commit commit, const Stored& stored);
  Hold hold_of(std::string_view agent, Commit commit, const Stored& stored);
  Hold* find_hold(std::string_view agent, const Id128& id);
  Position& changed_position(std::string_view agent, std::string_view type);
  void finish(std::string_view agent, Commit commit, const Stored& stored);

  // Live ones of the mailbox that nobody holds.
  std::vector<Commit> free_in(const Lane& lane, std::string_view type);
  // Live ones that the agent has not read and does not hold, in order.
  std::map<Commit, Stored*> free_broadcasts(std::string_view agent, std::string_view type);

 private:
  struct Place {
    bool broadcast = false;
    std::string lane;
    Commit commit = 0;
  };

  void settle_lane(Lane& lane);
  void forget(const Stored& stored, Commit commit, StoreTime ended, bool by_age);
  void fold(FoldedByType& owed, const Stored& stored, Commit commit, StoreTime ended);
  bool is_known(const Agent& agent) const;
  // Nothing: the agent has not touched a broadcast of the type for too long.
  Position* position(std::string_view agent, std::string_view type);

  const std::shared_ptr<const Clock> clock_;
  StoreTime now_;                          // of the call that runs
  StoreTime next_due_ = StoreTime::max();  // nothing has to be settled before
  Commit commits_ = 0;
  std::map<std::string, Lane, std::less<>> mailboxes_;   // by agent
  std::map<std::string, Lane, std::less<>> broadcasts_;  // by type
  std::map<Id128, Place> places_;
  std::map<std::string, Agent, std::less<>> agents_;
  std::map<std::string, Notices, std::less<>> notices_;  // by agent
};

}  // namespace aldis::testing
