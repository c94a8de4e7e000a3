#pragma once
// Streams and their events in the ledger: the rows behind local_events and local_event_groups, and what of them a
// reader sees. Implemented in event_rows.cc; the tables are in docs/formats.md, "Ledger".
//
// Model: an event's row number is its stream and its ordinal in one, so publishing writes at one place of one table.
// The newest event of a stream is never removed, only emptied: it is what knows the last ordinal, time and
// publication. So a publication changes no other row. What is hidden (trimmed, too many or too old) is known by
// arithmetic and by looking at ages; its rows leave later, the oldest first. Threads: as the transaction. Errors: a
// transaction remembers its first; after it nothing is found.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "engines/local/ledger.h"
#include "ports/event_store.h"

namespace aldis {

// Also of pending events, whose rows belong to a group.
inline constexpr int kOrdinalBits = 42;
inline constexpr std::uint64_t kOrdinalMax = (std::uint64_t{1} << kOrdinalBits) - 1;
inline std::int64_t row_of(std::int64_t owner, std::uint64_t ordinal) {
  return owner << kOrdinalBits | static_cast<std::int64_t>(ordinal);
}
inline std::uint64_t ordinal_of(std::int64_t row) { return static_cast<std::uint64_t>(row) & kOrdinalMax; }

struct StreamRow {
  std::int64_t id = 0;
  EventPlace last;
  Id128 newest;                     // the publication of the last event
  std::uint64_t hidden_below = 1;   // by a trim, or by bounds of before
  std::uint64_t removed_below = 1;  // their rows are gone
  StreamBounds bounds;
};

std::optional<StreamRow> find_stream(LedgerTransaction& transaction, std::string_view type);
// With no event and the default bounds. One that nobody uses makes room. resource_exhausted: limits::kStreamsMax are in
// use.
Result<StreamRow> make_stream(LedgerTransaction& transaction, std::string_view type);
// It is used now: else one without events would make room for another.
void note_configured(LedgerTransaction& transaction, const StreamRow& stream);
// By type.
std::vector<StreamHead> all_heads(LedgerTransaction& transaction);

// The ordinal of the oldest event that a reader sees now; behind the last one if it sees none.
std::uint64_t first_visible(LedgerTransaction& transaction, const StreamRow& stream);
StreamHead head_of(std::string_view type, const StreamRow& stream, std::uint64_t first);

// Writes the event behind the last one, and gives it its place there.
void append_event(LedgerTransaction& transaction, StreamRow& stream, const OutgoingEvent& event);
// After an event was appended: removes limits::kRemovalsPerPublish of the oldest rows, if so many are hidden.
void remove_after_publish(LedgerTransaction& transaction, const StreamRow& stream);
// Removes at most so many of those below `hidden_below`. False: there are none left.
bool remove_hidden(LedgerTransaction& transaction, const StreamRow& stream);

// Ordinals within [first, last] that are there, oldest (newest) first, at most `count`.
std::vector<StoredEvent> oldest_events(LedgerTransaction& transaction, std::int64_t stream, std::uint64_t first,
                                       std::uint64_t last, std::size_t count);
std::vector<StoredEvent> newest_events(LedgerTransaction& transaction, std::int64_t stream, std::uint64_t first,
                                       std::uint64_t last, std::size_t count);

}  // namespace aldis
