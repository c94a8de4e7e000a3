#pragma once
// What one agent has done with the broadcasts of one type. Used by broadcasts.cc and broadcast_log.cc; implemented in
// broadcast_position.cc; bytes in docs/formats.md ("Broadcasts").
//
// Model: ranges of commits in which nothing concerns the agent any more: read, cleared, told, sent by itself, ended
// before it appeared, or gone. The first range, from 0, is the low-water mark; neighbours join when nothing in the log
// lies between them, so there are about as many ranges as broadcasts that a filter skipped. Nothing reaches the board
// before `save`. Threads: as the transaction.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engines/local/signal_tables.h"

namespace aldis::local {

class BroadcastPosition {
 public:
  BroadcastPosition(SignalTables& tables, std::string_view agent, std::string_view type, BootTime appeared,
                    BootTime now);

  bool exists() const { return exists_; }
  std::uint64_t low_water() const;
  bool covers(std::uint64_t commit) const;
  // Live, or a tombstone that the agent has to be told of.
  bool concerns(std::uint64_t commit, const BroadcastEntry& entry) const {
    return !covers(commit) && is_relevant(entry);
  }

  Hold hold(std::uint64_t commit) const;  // attempt 0: never reserved
  void set_hold(std::uint64_t commit, const Hold& hold);
  void finish(std::uint64_t commit);

  void save();

 private:
  bool is_relevant(const BroadcastEntry& entry) const;
  std::optional<std::uint64_t> next_relevant(std::uint64_t after);
  void raise_low_water();
  void join_neighbours(std::uint64_t commit);
  bool join(std::size_t index);
  void drop_ended_holds();

  SignalTables& tables_;
  std::string agent_;
  BootTime appeared_;
  BootTime now_;
  std::string key_;
  std::string log_prefix_;
  PositionRecord record_;
  bool exists_ = false;
};

}  // namespace aldis::local
