#pragma once
// The kinds of record on the board: the first byte of every key. The grammar of keys and values is in docs/formats.md.
// Names in keys are length-prefixed (core/bytes.h) and the kind is explicit, so no two keys of different things meet.

namespace aldis::board_key {

inline constexpr char kFormat = 'V';     // about the board itself
inline constexpr char kDue = 'X';        // (due time, key of a record): when somebody has to look at that record again
inline constexpr char kHeartbeat = 'h';  // (agent): what a beat changes
inline constexpr char kAgent = 'a';      // (agent): what a start fixes

inline constexpr char kSignal = 's';            // (signal id): the signal while it is live, its receipt afterwards
inline constexpr char kMailbox = 'm';           // (agent, part of a lane…)
inline constexpr char kBroadcasts = 'c';        // (type, part of a lane…)
inline constexpr char kFolded = 'f';            // (agent, type): untold expiries of its mailbox beyond what is kept
inline constexpr char kFoldedBroadcasts = 'F';  // (agent, type): likewise, of broadcasts
inline constexpr char kTakeId = 'k';            // (agent, take id): what a named take returned
inline constexpr char kBroadcastVersion = 'C';  // (): of all broadcasts together
inline constexpr char kPosition = 'p';          // (agent, type): what an agent has read of a broadcast type
inline constexpr char kReader = 'r';            // (signal id, ordinal): who read a broadcast
inline constexpr char kAppeared = 'e';          // (agent): when it appeared

// Parts of a lane. They stand side by side, so that a send or a take touches few pages.
inline constexpr char kEnds = 'E';    // (end, commit): tombstones, then live signals by deadline
inline constexpr char kTotals = 'M';  // (): counts, bytes, next due time
inline constexpr char kLog = 'Q';     // (type, commit) in a mailbox: pending and reserved signals in order;
                                      // (commit) of a broadcast type: live and expired broadcasts in order
inline constexpr char kUntold = 'U';  // (type, commit) in a mailbox: expiries nobody was told of yet

}  // namespace aldis::board_key
