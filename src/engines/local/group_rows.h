#pragma once
// Consumer groups and their pending events in the ledger: the rows behind local_event_groups. Implemented in
// group_rows.cc; the tables are in docs/formats.md, "Ledger".
//
// Model: a pending event's row number is its group and its ordinal in one (event_rows.h). Threads: as the transaction.
// Errors: a transaction remembers its first; after it nothing is found.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engines/local/event_rows.h"
#include "ports/event_group_store.h"

namespace aldis {

struct GroupRow {
  std::int64_t id = 0;
  std::uint64_t delivered = 0;
  LedgerStamp used;
};

std::optional<GroupRow> find_group(LedgerTransaction& transaction, const StreamRow& stream, std::string_view name);
// One that nobody uses makes room. resource_exhausted: limits::kGroupsMax are in use.
// REQUIRES: read.start_after.
Result<GroupRow> make_group(LedgerTransaction& transaction, const StreamRow& stream, const GroupRead& read);
// Keeps the use of the group, if it is not noted for limits::kGroupUseNoted or `delivered` changes.
void use_group(LedgerTransaction& transaction, const GroupRow& group, std::uint64_t delivered);
// By name, as a reader sees the stream from `first` on.
std::vector<GroupInfo> group_infos(LedgerTransaction& transaction, const StreamRow& stream, std::uint64_t first);

// What the group has lost below `first`. The pending ones among it are taken from the group; the caller keeps what it
// was not given yet as delivered.
std::optional<Gap> take_gap(LedgerTransaction& transaction, const GroupRow& group, std::uint64_t first);

// For how long the pending event that was given first has been where it is; none: nothing is pending.
std::optional<std::chrono::nanoseconds> longest_given(LedgerTransaction& transaction, const GroupRow& group);
// Gives the events whose time is over to the consumer, at most `count`, those that were given first, and answers with
// their ordinals, the oldest first.
std::vector<std::uint64_t> take_over(LedgerTransaction& transaction, const GroupRow& group, const GroupRead& read);
// Makes events that are there pending for the consumer.
void give(LedgerTransaction& transaction, const GroupRow& group, const StreamRow& stream, std::string_view consumer,
          std::uint64_t first, std::uint64_t last);
// Whether it was pending, and is not another event.
bool acknowledge_event(LedgerTransaction& transaction, const GroupRow& group, const StreamRow& stream,
                       const EventPlace& event);
// The oldest ones from `first` on.
std::vector<PendingEvent> pending_events(LedgerTransaction& transaction, const GroupRow& group, const StreamRow& stream,
                                         std::uint64_t first, std::size_t count);

}  // namespace aldis
