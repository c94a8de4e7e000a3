#pragma once
// What a mailbox and a broadcast type have in common: totals, and the order in which their signals end. Used by
// mailbox.cc and broadcasts.cc; implemented in signal_lane.cc; bytes in docs/formats.md ("Lanes").
//
// Model: the index of ends holds the tombstones, oldest first, then the live signals, next deadline first. Settling
// moves the border between them up to now, and forgets the oldest tombstones: those past limits::kTombstoneRetention
// and those beyond limits::kTombstonesMax. What expiring and forgetting mean beyond that, the LaneOwner knows. One
// settling does limits::kSettledPerWrite steps and stops at a damaged record, which stays as it is: whoever needs the
// lane settled goes on in another write, and the due index does when nobody needs it. Nothing reaches the board's
// record before `save`. Threads: as the transaction.

#include <optional>
#include <string>

#include "engines/local/signal_tables.h"

namespace aldis::local {

struct LaneEnd {
  EndMark mark;
  EndEntry entry;
};

// Both leave the signal as it is when they meet a damaged record.
class LaneOwner {
 public:
  virtual ~LaneOwner() = default;
  // A live signal's time ran out. Answers with the bytes that the lane counted for it.
  virtual std::uint64_t on_expired(const LaneEnd& end) = 0;
  // A tombstone goes, by its age or because there are too many. Answers with how many steps that took.
  virtual std::size_t on_forgotten(const LaneEnd& end, bool by_age) = 0;
};

class Lane {
 public:
  enum class Kind { mailbox, broadcasts };

  Lane(SignalTables& tables, Kind kind, std::string_view name);

  const LaneRecord& record() const { return record_; }
  static std::uint64_t version_of(SignalTables& tables, Kind kind, std::string_view name);  // 0: no record

  bool is_settled(BootTime now);
  // False: there is more to do, or something is damaged.
  bool settle(LaneOwner& owner, BootTime now);

  // A deadline `ttl` from now, later than everything that is settled.
  BootTime deadline_after(BootTime now, std::chrono::nanoseconds ttl) const;
  void add(const LaneEnd& end, std::uint64_t bytes);
  // A live signal ended otherwise than by its deadline. REQUIRES: this object settled at `now`, so that the border lies
  // behind the new tombstone.
  void finish(const LaneEnd& end, std::uint64_t bytes, BootTime now);
  // Something else about it changed, and readers have to look again.
  void touch() { changed_ = true; }

  // Writes the totals and keeps the due entry no later than what is due; removes both from an empty lane.
  void save();
  // After the due entry was taken out: as `save`, with an entry for what is due next.
  void save_after_due(BootTime now);

 private:
  std::optional<LaneEnd> first_live();
  std::optional<LaneEnd> first_tombstone();
  std::optional<LaneEnd> first_from(const std::string& key);
  std::string end_key(const EndMark& mark) const;
  void require_due(BootTime due);

  SignalTables& tables_;
  std::string key_;
  std::string end_prefix_;
  LaneRecord record_;
  BootTime stored_due_;
  bool changed_ = false;
};

}  // namespace aldis::local
