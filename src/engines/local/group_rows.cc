#include "engines/local/group_rows.h"

#include <algorithm>
#include <string>

#include "aldis/limits.h"
#include "core/failure.h"
#include "core/try.h"

namespace aldis {
namespace {

LedgerStamp stamp_in(const LedgerQuery& row, int column) {
  return {.boot = row.integer(column), .boot_ns = row.integer(column + 1), .wall_us = row.integer(column + 2)};
}

// Removes the one that was not used for the longest time, if that is long enough.
Result<void> make_room(LedgerTransaction& transaction, const StreamRow& stream, std::string_view type) {
  std::int64_t unused = 0;
  std::chrono::nanoseconds longest{0};
  std::size_t groups = 0;
  {
    auto rows =
        transaction.query("SELECT id, used_boot, used_boot_ns, used_us FROM event_groups WHERE stream = ?", stream.id);
    for (; rows.next(); ++groups) {
      const auto age = age_of(stamp_in(rows, 1), transaction.now());
      if (age < longest) continue;
      longest = age;
      unused = rows.integer(0);
    }
  }
  if (groups < limits::kGroupsMax) return {};
  if (longest <= limits::kGroupRetention + limits::kGroupUseNoted) {
    Error refused = make_error(ErrorCode::resource_exhausted,
                               "the stream {} has {} groups, its limit, and all of them were used within the last 30 "
                               "days: read as one of them",
                               type, limits::kGroupsMax);
    refused.retryable = false;
    return std::unexpected(std::move(refused));
  }
  transaction.run("DELETE FROM event_pending WHERE id BETWEEN ? AND ?", row_of(unused, 0), row_of(unused, kOrdinalMax));
  transaction.run("DELETE FROM event_groups WHERE id = ?", unused);
  return {};
}
static_assert(limits::kGroupRetention == std::chrono::days{30}, "a message says it");

}  // namespace

std::optional<GroupRow> find_group(LedgerTransaction& transaction, const StreamRow& stream, std::string_view name) {
  auto row = transaction.query(
      "SELECT id, delivered, used_boot, used_boot_ns, used_us FROM event_groups "
      "WHERE stream = ? AND name = ?",
      stream.id, name);
  if (!row.next()) return std::nullopt;
  return GroupRow{
      .id = row.integer(0), .delivered = static_cast<std::uint64_t>(row.integer(1)), .used = stamp_in(row, 2)};
}

Result<GroupRow> make_group(LedgerTransaction& transaction, const StreamRow& stream, const GroupRead& read) {
  ALDIS_TRY(make_room(transaction, stream, read.type));
  GroupRow group{.delivered = std::min(*read.start_after, stream.last.ordinal), .used = stamp_of(transaction.now())};
  transaction.run(
      "INSERT INTO event_groups (stream, name, delivered, used_boot, used_boot_ns, used_us) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      stream.id, read.group, group.delivered, group.used.boot, group.used.boot_ns, group.used.wall_us);
  group.id = transaction.last_row();
  return group;
}

void use_group(LedgerTransaction& transaction, const GroupRow& group, std::uint64_t delivered) {
  const LedgerNow& now = transaction.now();
  if (delivered == group.delivered && age_of(group.used, now) < limits::kGroupUseNoted) return;
  const LedgerStamp used = stamp_of(now);
  transaction.run("UPDATE event_groups SET delivered = ?, used_boot = ?, used_boot_ns = ?, used_us = ? WHERE id = ?",
                  delivered, used.boot, used.boot_ns, used.wall_us, group.id);
}

std::vector<GroupInfo> group_infos(LedgerTransaction& transaction, const StreamRow& stream, std::uint64_t first) {
  std::vector<GroupInfo> infos;
  auto rows = transaction.query(
      "SELECT name, delivered, "
      "(SELECT count(*) FROM event_pending p "
      "WHERE p.id BETWEEN (g.id << 42) + ? AND ((g.id + 1) << 42) - 1) "
      "FROM event_groups g WHERE stream = ? ORDER BY name",
      first, stream.id);
  static_assert(kOrdinalBits == 42);
  while (rows.next()) {
    const auto delivered = static_cast<std::uint64_t>(rows.integer(1));
    infos.push_back({.group = std::string(rows.text(0)),
                     .delivered = delivered,
                     .waiting = stream.last.ordinal - std::max(delivered, first - 1),
                     .pending = static_cast<std::uint64_t>(rows.integer(2))});
  }
  return infos;
}

std::optional<Gap> take_gap(LedgerTransaction& transaction, const GroupRow& group, std::uint64_t first) {
  Gap gap;
  {
    auto row = transaction.query("SELECT count(*), min(id), max(id) FROM event_pending WHERE id BETWEEN ? AND ?",
                                 row_of(group.id, 0), row_of(group.id, first - 1));
    if (row.next() && row.integer(0) != 0) {
      gap.lost = static_cast<std::uint64_t>(row.integer(0));
      gap.from = ordinal_of(row.integer(1));
      gap.to = ordinal_of(row.integer(2));
    }
  }
  if (gap.lost != 0) {
    transaction.run("DELETE FROM event_pending WHERE id BETWEEN ? AND ?", row_of(group.id, gap.from),
                    row_of(group.id, gap.to));
  }
  if (group.delivered + 1 < first) {
    if (gap.lost == 0) gap.from = group.delivered + 1;
    gap.to = first - 1;
    gap.lost += first - 1 - group.delivered;
  }
  return gap.lost == 0 ? std::nullopt : std::optional(gap);
}

std::optional<std::chrono::nanoseconds> longest_given(LedgerTransaction& transaction, const GroupRow& group) {
  // The first of each boot: a clock that was set back between two boots makes an older one look younger.
  auto rows = transaction.query(
      "SELECT given_boot, min(given_boot_ns), given_us FROM event_pending "
      "WHERE id >> 42 = ? GROUP BY given_boot",
      group.id);
  static_assert(kOrdinalBits == 42);
  std::optional<std::chrono::nanoseconds> longest;
  while (rows.next()) longest = std::max(longest, std::optional(age_of(stamp_in(rows, 0), transaction.now())));
  return longest;
}

std::vector<std::uint64_t> take_over(LedgerTransaction& transaction, const GroupRow& group, const GroupRead& read) {
  const LedgerNow& now = transaction.now();
  std::vector<std::uint64_t> ordinals;
  {
    auto rows = transaction.query(
        "SELECT id, given_boot, given_boot_ns, given_us FROM event_pending "
        "WHERE id >> 42 = ? ORDER BY given_boot, given_boot_ns, id",
        group.id);
    static_assert(kOrdinalBits == 42);
    while (ordinals.size() < read.count && rows.next()) {
      const LedgerStamp given = stamp_in(rows, 1);
      if (age_of(given, now) >= read.take_over_after) {
        ordinals.push_back(ordinal_of(rows.integer(0)));
      } else if (given.boot == now.boot) {
        break;  // of an earlier boot, one may look younger than it is
      }
    }
  }
  std::ranges::sort(ordinals);
  const LedgerStamp given = stamp_of(now);
  for (const std::uint64_t ordinal : ordinals) {
    transaction.run(
        "UPDATE event_pending SET consumer = ?, given_boot = ?, given_boot_ns = ?, given_us = ?, "
        "deliveries = deliveries + 1 WHERE id = ?",
        read.consumer, given.boot, given.boot_ns, given.wall_us, row_of(group.id, ordinal));
  }
  return ordinals;
}

void give(LedgerTransaction& transaction, const GroupRow& group, const StreamRow& stream, std::string_view consumer,
          std::uint64_t first, std::uint64_t last) {
  const LedgerStamp given = stamp_of(transaction.now());
  transaction.run(
      "INSERT INTO event_pending (id, consumer, given_boot, given_boot_ns, given_us, deliveries) "
      "SELECT id + ?, ?, ?, ?, ?, 1 FROM events WHERE id BETWEEN ? AND ? ORDER BY id",
      row_of(group.id, 0) - row_of(stream.id, 0), consumer, given.boot, given.boot_ns, given.wall_us,
      row_of(stream.id, first), row_of(stream.id, last));
}

bool acknowledge_event(LedgerTransaction& transaction, const GroupRow& group, const StreamRow& stream,
                       const EventPlace& event) {
  return event.ordinal <= kOrdinalMax &&
         transaction.run(
             "DELETE FROM event_pending WHERE id = ? AND NOT EXISTS (SELECT 1 FROM events WHERE id = ? AND ms <> ?)",
             row_of(group.id, event.ordinal), row_of(stream.id, event.ordinal), event.ms) != 0;
}

std::vector<PendingEvent> pending_events(LedgerTransaction& transaction, const GroupRow& group, const StreamRow& stream,
                                         std::uint64_t first, std::size_t count) {
  std::vector<PendingEvent> events;
  auto rows = transaction.query(
      "SELECT e.id, e.ms, p.consumer, p.deliveries, given_boot, given_boot_ns, given_us "
      "FROM event_pending p JOIN events e ON e.id = p.id + ? "
      "WHERE p.id BETWEEN ? AND ? ORDER BY p.id LIMIT ?",
      row_of(stream.id, 0) - row_of(group.id, 0), row_of(group.id, first), row_of(group.id, kOrdinalMax), count);
  while (rows.next()) {
    events.push_back({.event_id = fmt::format("{}-{}", rows.integer(1), ordinal_of(rows.integer(0))),
                      .consumer = std::string(rows.text(2)),
                      .idle = age_of(stamp_in(rows, 4), transaction.now()),
                      .deliveries = static_cast<std::uint32_t>(rows.integer(3))});
  }
  return events;
}

}  // namespace aldis
