#pragma once
// What the board keeps of signals, as values. Used by the files that make up the local SignalStore; the bytes are in
// docs/formats.md ("Signal records") and signal_codec.h.

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "aldis/signals.h"
#include "core/clock.h"
#include "core/ids.h"
#include "ports/process_table.h"

namespace aldis::local {

enum class StoredState : std::uint8_t { live, delivered, expired, cleared };

struct SignalRecord {
  StoredState state = StoredState::live;
  bool broadcast = false;
  bool acknowledged = false;  // delivered by an acknowledgement
  std::uint32_t attempt = 0;  // how often it was taken, once it is settled
  std::uint64_t commit = 0;
  std::string type;
  std::string source;
  std::string target;  // empty: a broadcast
  WallTime sent_at;
  std::chrono::nanoseconds ttl{0};
  BootTime ends;
  WallTime settled_at;
  std::string payload;
};

// A place in the order in which the signals of a lane end.
struct EndMark {
  BootTime time;
  std::uint64_t commit = 0;

  auto operator<=>(const EndMark&) const = default;
};

struct LaneRecord {
  std::uint32_t live = 0;
  std::uint64_t bytes = 0;
  std::uint32_t tombstones = 0;
  EndMark settled;  // everything up to here is a tombstone
  BootTime due;     // of this lane's entry in the due index; zero: none
  std::uint64_t version = 0;
};

struct EndEntry {
  Id128 id;
  std::string type;
};

// A reservation that may have lapsed; `until` zero: there was none, or it was handed back.
struct Hold {
  std::uint32_t attempt = 0;
  BootTime until;
  std::optional<ProcessIdentity> holder;

  bool holds(BootTime now) const { return until > now; }
};

struct QueueEntry {
  Id128 id;
  std::string source;
  BootTime ends;
  Hold hold;
};

struct ExpiryNotice {
  Id128 id;
  std::string source;
  WallTime sent_at;
  WallTime expired_at;
  BootTime ended;
};

struct FoldedNotice {
  BootTime keep_until;
  std::uint64_t count = 0;
  std::uint64_t commit = 0;
  ExpiryNotice newest;
};

struct TakenRecord {
  BootTime keep_until;
  SignalNews news;
};

struct BroadcastEntry {
  Id128 id;
  std::string source;
  BootTime ends;
  WallTime sent_at;
  std::chrono::nanoseconds ttl{0};
  std::uint64_t readers = 0;
  WallTime first_read_at;
};

struct ReaderEntry {
  std::uint32_t attempt = 0;
  bool acknowledged = false;
  WallTime read_at;
  std::string agent;
};

struct CommitRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  bool operator==(const CommitRange&) const = default;
};

struct BroadcastHold {
  std::uint64_t commit = 0;
  Hold hold;
};

struct PositionRecord {
  BootTime keep_until;
  std::vector<CommitRange> ranges;  // ascending, apart: nothing in them concerns the agent any more
  std::vector<BroadcastHold> holds;
};

struct AppearedRecord {
  BootTime keep_until;
  BootTime appeared;
};

}  // namespace aldis::local
