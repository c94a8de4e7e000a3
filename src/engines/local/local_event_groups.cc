#include "engines/local/local_event_groups.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/failure.h"
#include "core/try.h"
#include "engines/local/event_rows.h"
#include "engines/local/group_rows.h"

namespace aldis {
namespace {

struct Found {
  StreamRow stream;
  GroupRow group;
};

Result<Found> find(LedgerTransaction& transaction, std::string_view type, std::string_view name) {
  const std::optional<StreamRow> stream = find_stream(transaction, type);
  if (!stream) return fail(ErrorCode::not_found, "there is no stream {}", type);
  const std::optional<GroupRow> group = find_group(transaction, *stream, name);
  if (!group) return fail(ErrorCode::not_found, "the stream {} has no group {}: its first read makes it", type, name);
  return Found{*stream, *group};
}

GroupSlice read_group(LedgerTransaction& transaction, const StreamRow& stream, const GroupRow& group,
                      const GroupRead& read) {
  const std::uint64_t first = first_visible(transaction, stream);
  GroupSlice slice;
  slice.gap = take_gap(transaction, group, first);
  if (slice.gap) slice.gap->event_type = std::string(read.type);
  const std::vector<std::uint64_t> taken = take_over(transaction, group, read);
  for (const std::uint64_t ordinal : taken) {
    for (StoredEvent& event : oldest_events(transaction, stream.id, ordinal, ordinal, 1)) {
      slice.events.push_back(std::move(event));
    }
  }
  const std::uint64_t given = std::max(group.delivered, first - 1);
  const std::uint64_t last = given + std::min(stream.last.ordinal - given, read.count - taken.size());
  if (last > given) {
    for (StoredEvent& event : oldest_events(transaction, stream.id, given + 1, last, read.count)) {
      slice.events.push_back(std::move(event));
    }
    give(transaction, group, stream, read.consumer, given + 1, last);
  }
  use_group(transaction, group, last);
  if (const auto given_for = longest_given(transaction, group)) {
    slice.next_take_over = std::max(read.take_over_after - *given_for, std::chrono::nanoseconds{0});
  }
  return slice;
}

class LocalEventGroups final : public EventGroupStore {
 public:
  LocalEventGroups(std::shared_ptr<Ledger> ledger, std::shared_ptr<Doorbell> doorbell)
      : ledger_(std::move(ledger)), doorbell_(std::move(doorbell)) {}

  Result<GroupSlice> read(const GroupRead& read) override {
    bool made_stream = false;
    ALDIS_TRY_ASSIGN(GroupSlice slice,
                     ledger_->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<GroupSlice> {
                       std::optional<StreamRow> stream = find_stream(transaction, read.type);
                       if (!stream && read.start_after) {
                         ALDIS_TRY_ASSIGN(stream, make_stream(transaction, read.type));
                         made_stream = true;
                       }
                       std::optional<GroupRow> group;
                       if (stream) group = find_group(transaction, *stream, read.group);
                       if (stream && !group && read.start_after) {
                         ALDIS_TRY_ASSIGN(group, make_group(transaction, *stream, read));
                       }
                       if (group) return read_group(transaction, *stream, *group, read);
                       GroupSlice nothing;
                       nothing.missing = true;
                       return nothing;
                     }));
    if (made_stream) doorbell_->ring({Topic::Kind::streams, {}});
    return slice;
  }

  Result<std::uint64_t> acknowledge(std::string_view type, std::string_view name,
                                    std::span<const EventPlace> events) override {
    return ledger_->write(LedgerSync::normal, [&](LedgerTransaction& transaction) -> Result<std::uint64_t> {
      ALDIS_TRY_ASSIGN(const Found found, find(transaction, type, name));
      std::uint64_t acknowledged = 0;
      for (const EventPlace& event : events) {
        if (acknowledge_event(transaction, found.group, found.stream, event)) ++acknowledged;
      }
      use_group(transaction, found.group, found.group.delivered);
      return acknowledged;
    });
  }

  Result<std::vector<PendingEvent>> pending(std::string_view type, std::string_view name, std::size_t count) override {
    return ledger_->read([&](LedgerTransaction& transaction) -> Result<std::vector<PendingEvent>> {
      ALDIS_TRY_ASSIGN(const Found found, find(transaction, type, name));
      return pending_events(transaction, found.group, found.stream, first_visible(transaction, found.stream), count);
    });
  }

  Result<std::vector<GroupInfo>> groups(std::string_view type) override {
    return ledger_->read([&](LedgerTransaction& transaction) -> Result<std::vector<GroupInfo>> {
      const std::optional<StreamRow> stream = find_stream(transaction, type);
      if (!stream) return std::vector<GroupInfo>{};
      return group_infos(transaction, *stream, first_visible(transaction, *stream));
    });
  }

 private:
  const std::shared_ptr<Ledger> ledger_;
  const std::shared_ptr<Doorbell> doorbell_;
};

}  // namespace

std::shared_ptr<EventGroupStore> make_local_event_groups(std::shared_ptr<Ledger> ledger,
                                                         std::shared_ptr<Doorbell> doorbell) {
  return std::make_shared<LocalEventGroups>(std::move(ledger), std::move(doorbell));
}

}  // namespace aldis
