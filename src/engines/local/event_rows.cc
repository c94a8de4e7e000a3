#include "engines/local/event_rows.h"

#include <algorithm>
#include <string>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

// A stream with its newest event, which is the last row before those of the next stream.
#define ALDIS_STREAM_COLUMNS                                                                              \
  "s.id, s.type, s.hidden_below, s.removed_below, s.max_length, s.max_age_ms, e.id, e.ms, e.publication " \
  "FROM streams s LEFT JOIN events e ON e.id = (SELECT max(id) FROM events WHERE id < (s.id + 1) << 42) "
static_assert(kOrdinalBits == 42);

StreamRow stream_in(const LedgerQuery& row) {
  StreamRow stream{.id = row.integer(0),
                   .last = {},
                   .newest = {},
                   .hidden_below = static_cast<std::uint64_t>(row.integer(2)),
                   .removed_below = static_cast<std::uint64_t>(row.integer(3)),
                   .bounds = {.max_length = static_cast<std::uint64_t>(row.integer(4)), .max_age = {}}};
  if (!row.is_null(5)) stream.bounds.max_age = std::chrono::milliseconds{row.integer(5)};
  if (row.is_null(6) || row.integer(6) >> kOrdinalBits != stream.id) return stream;
  stream.last = {.ms = static_cast<std::uint64_t>(row.integer(7)), .ordinal = ordinal_of(row.integer(6))};
  const std::string_view publication = row.text(8);
  std::ranges::copy(publication.substr(0, stream.newest.bytes.size()), stream.newest.bytes.begin());
  return stream;
}

std::string_view bytes_of(const Id128& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

// Hidden whatever its age is.
std::uint64_t first_by_count(const StreamRow& stream) {
  const std::uint64_t last = stream.last.ordinal;
  const std::uint64_t kept = last > stream.bounds.max_length ? last - stream.bounds.max_length + 1 : 1;
  return std::max({kept, stream.hidden_below, stream.removed_below});
}

// An event that is not there is of no age, and too old.
bool is_too_old(LedgerTransaction& transaction, const StreamRow& stream, std::uint64_t ordinal) {
  auto row = transaction.query("SELECT boot, boot_ns, ms FROM events WHERE id = ?", row_of(stream.id, ordinal));
  if (!row.next()) return true;
  const LedgerStamp stamp{.boot = row.integer(0), .boot_ns = row.integer(1), .wall_us = row.integer(2) * 1000};
  return age_of(stamp, transaction.now()) > *stream.bounds.max_age;
}

// Of the ordinals from `first` on: behind those that are too old, which are older than the others.
std::uint64_t first_by_age(LedgerTransaction& transaction, const StreamRow& stream, std::uint64_t first) {
  std::uint64_t end = stream.last.ordinal + 1;
  if (first >= end || !is_too_old(transaction, stream, first)) return first;
  std::uint64_t old = first;
  while (end - old > 1) {
    const std::uint64_t middle = old + (end - old) / 2;
    if (is_too_old(transaction, stream, middle)) {
      old = middle;
    } else {
      end = middle;
    }
  }
  return end;
}

std::vector<StoredEvent> events_in(LedgerQuery rows) {
  std::vector<StoredEvent> events;
  while (rows.next()) {
    events.push_back(
        {.place = {.ms = static_cast<std::uint64_t>(rows.integer(1)), .ordinal = ordinal_of(rows.integer(0))},
         .data = std::string(rows.text(2)),
         .source = std::string(rows.text(3))});
  }
  return events;
}

// Those below `end`, and never the newest.
bool remove_rows(LedgerTransaction& transaction, const StreamRow& stream, std::uint64_t end) {
  end = std::min(end, stream.last.ordinal);
  if (end <= stream.removed_below) return false;
  transaction.run("DELETE FROM events WHERE id BETWEEN ? AND ?", row_of(stream.id, stream.removed_below),
                  row_of(stream.id, end - 1));
  transaction.run("UPDATE streams SET removed_below = ? WHERE id = ?", end, stream.id);
  return true;
}

LedgerStamp stamp_in(const LedgerQuery& row, int column) {
  return {.boot = row.integer(column), .boot_ns = row.integer(column + 1), .wall_us = row.integer(column + 2)};
}

// Since it was published to or configured, or a group of it was used.
std::chrono::nanoseconds idle_time(LedgerTransaction& transaction, std::int64_t stream) {
  auto idle = std::chrono::nanoseconds::max();
  auto uses = transaction.query(
      "SELECT configured_boot, configured_boot_ns, configured_us FROM streams WHERE id = ?1 "
      "UNION ALL SELECT used_boot, used_boot_ns, used_us FROM event_groups WHERE stream = ?1 "
      "UNION ALL SELECT boot, boot_ns, ms * 1000 FROM events "
      "WHERE id = (SELECT max(id) FROM events WHERE id BETWEEN ?1 << 42 AND ((?1 + 1) << 42) - 1)",
      stream);
  while (uses.next()) idle = std::min(idle, age_of(stamp_in(uses, 0), transaction.now()));
  return idle;
}

void remove_stream(LedgerTransaction& transaction, std::int64_t stream) {
  transaction.run("DELETE FROM event_pending WHERE id >> 42 IN (SELECT id FROM event_groups WHERE stream = ?)", stream);
  transaction.run("DELETE FROM event_groups WHERE stream = ?", stream);
  transaction.run("DELETE FROM events WHERE id BETWEEN ? AND ?", row_of(stream, 0), row_of(stream, kOrdinalMax));
  transaction.run("DELETE FROM streams WHERE id = ?", stream);
}

// Removes one that nobody uses any more.
Result<void> make_room(LedgerTransaction& transaction) {
  std::vector<std::int64_t> streams;
  {
    auto rows = transaction.query("SELECT id, type FROM streams");
    while (rows.next()) {
      if (!is_own_event_type(rows.text(1))) streams.push_back(rows.integer(0));
    }
  }
  if (streams.size() < limits::kStreamsMax) return {};
  const auto unused = std::ranges::find_if(streams, [&transaction](std::int64_t stream) {
    return idle_time(transaction, stream) > limits::kStreamIdle + limits::kGroupUseNoted;
  });
  if (unused != streams.end()) {
    remove_stream(transaction, *unused);
    return {};
  }
  Error refused = make_error(ErrorCode::resource_exhausted,
                             "the namespace has {} streams, its limit, and all of them were used within the last 90 "
                             "days: use fewer event types",
                             limits::kStreamsMax);
  refused.retryable = false;
  return std::unexpected(std::move(refused));
}
static_assert(limits::kStreamIdle == std::chrono::days{90}, "a message says it");

}  // namespace

std::optional<StreamRow> find_stream(LedgerTransaction& transaction, std::string_view type) {
  auto row = transaction.query("SELECT " ALDIS_STREAM_COLUMNS "WHERE s.type = ?", type);
  if (!row.next()) return std::nullopt;
  return stream_in(row);
}

Result<StreamRow> make_stream(LedgerTransaction& transaction, std::string_view type) {
  if (!is_own_event_type(type)) ALDIS_TRY(make_room(transaction));
  StreamRow stream;
  const LedgerStamp made = stamp_of(transaction.now());
  transaction.run(
      "INSERT INTO streams (type, hidden_below, removed_below, max_length, configured_boot, configured_boot_ns, "
      "configured_us) VALUES (?, 1, 1, ?, ?, ?, ?)",
      type, stream.bounds.max_length, made.boot, made.boot_ns, made.wall_us);
  stream.id = transaction.last_row();
  return stream;
}

void note_configured(LedgerTransaction& transaction, const StreamRow& stream) {
  const LedgerStamp now = stamp_of(transaction.now());
  transaction.run("UPDATE streams SET configured_boot = ?, configured_boot_ns = ?, configured_us = ? WHERE id = ?",
                  now.boot, now.boot_ns, now.wall_us, stream.id);
}

std::vector<StreamHead> all_heads(LedgerTransaction& transaction) {
  std::vector<StreamHead> heads;
  auto rows = transaction.query("SELECT " ALDIS_STREAM_COLUMNS "ORDER BY s.type");
  while (rows.next()) {
    const StreamRow stream = stream_in(rows);
    heads.push_back(head_of(rows.text(1), stream, first_visible(transaction, stream)));
  }
  return heads;
}

std::uint64_t first_visible(LedgerTransaction& transaction, const StreamRow& stream) {
  const std::uint64_t first = first_by_count(stream);
  return stream.bounds.max_age ? first_by_age(transaction, stream, first) : first;
}

StreamHead head_of(std::string_view type, const StreamRow& stream, std::uint64_t first) {
  return {.type = std::string(type), .last = stream.last, .first = first, .bounds = stream.bounds};
}

void append_event(LedgerTransaction& transaction, StreamRow& stream, const OutgoingEvent& event) {
  const LedgerNow& now = transaction.now();
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(now.wall.time_since_epoch()).count();
  stream.last.ms = std::max(stream.last.ms, static_cast<std::uint64_t>(std::max<std::int64_t>(wall, 0)));
  ++stream.last.ordinal;
  stream.newest = event.id;
  transaction.run("INSERT INTO events (id, ms, boot, boot_ns, publication, source, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
                  row_of(stream.id, stream.last.ordinal), stream.last.ms, now.boot,
                  now.boot_time.time_since_epoch().count(), LedgerBlob{bytes_of(event.id)}, event.source, event.data);
}

void remove_after_publish(LedgerTransaction& transaction, const StreamRow& stream) {
  const std::uint64_t end = stream.removed_below + limits::kRemovalsPerPublish;
  if (end > stream.last.ordinal) return;
  const bool by_age = stream.bounds.max_age && is_too_old(transaction, stream, end - 1);
  if (by_age || end <= first_by_count(stream)) remove_rows(transaction, stream, end);
}

bool remove_hidden(LedgerTransaction& transaction, const StreamRow& stream) {
  if (stream.hidden_below > stream.last.ordinal) {
    transaction.run("UPDATE events SET source = '', data = '' WHERE id = ?", row_of(stream.id, stream.last.ordinal));
  }
  return remove_rows(transaction, stream,
                     std::min(stream.hidden_below, stream.removed_below + limits::kRemovalsPerPublish));
}

std::vector<StoredEvent> oldest_events(LedgerTransaction& transaction, std::int64_t stream, std::uint64_t first,
                                       std::uint64_t last, std::size_t count) {
  return events_in(
      transaction.query("SELECT id, ms, data, source FROM events WHERE id BETWEEN ? AND ? "
                        "ORDER BY id LIMIT ?",
                        row_of(stream, first), row_of(stream, last), count));
}

std::vector<StoredEvent> newest_events(LedgerTransaction& transaction, std::int64_t stream, std::uint64_t first,
                                       std::uint64_t last, std::size_t count) {
  return events_in(
      transaction.query("SELECT id, ms, data, source FROM events WHERE id BETWEEN ? AND ? "
                        "ORDER BY id DESC LIMIT ?",
                        row_of(stream, first), row_of(stream, last), count));
}

}  // namespace aldis
