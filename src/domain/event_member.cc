#include "domain/event_member.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "core/ids.h"
#include "core/try.h"
#include "domain/event_reader.h"

namespace aldis {

EventMember::EventMember(Workspace::Impl& workspace, std::vector<std::string> types, ReadStart start,
                         Membership membership)
    : workspace_(workspace),
      all_types_(types.empty()),
      start_(std::move(start)),
      membership_(std::move(membership)),
      types_(std::move(types)),
      unread_(types_.size(), true),
      next_take_over_(types_.size()) {}

Result<EventMember> EventMember::begin(Workspace::Impl& workspace, std::vector<std::string> types, ReadStart start,
                                       Membership membership) {
  EventMember member(workspace, std::move(types), std::move(start), std::move(membership));
  if (member.all_types_) ALDIS_TRY(member.begin_all());
  return member;
}

Result<void> EventMember::begin_all() {
  ALDIS_TRY(find_news());
  ALDIS_TRY_ASSIGN(const GroupSlice mark, ask(kAllTypesMark, std::nullopt, 1));
  is_first_ = mark.missing;
  if (is_first_) older_ = types_.size();
  return {};
}

std::vector<std::size_t> EventMember::first_places() const {
  std::vector<std::size_t> all(types_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

Result<std::vector<std::size_t>> EventMember::find_news() {
  ALDIS_TRY_ASSIGN(std::vector<StreamHead> heads, user_streams(workspace_.events()));
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < types_.size(); ++at) {
    const auto head = std::ranges::lower_bound(heads, types_[at], {}, &StreamHead::type);
    const StreamHead now = head != heads.end() && head->type == types_[at] ? *head : StreamHead{};
    const bool is_changed = now.last != heads_[at].last || now.first != heads_[at].first;
    heads_[at] = now;
    if (is_changed || next_take_over_[at] || unread_[at]) places.push_back(at);
  }
  const std::unordered_set<std::string> known(types_.begin(), types_.end());
  for (StreamHead& head : heads) {
    if (known.contains(head.type)) continue;
    places.push_back(types_.size());
    types_.push_back(head.type);
    heads_.push_back(std::move(head));
  }
  unread_.resize(types_.size(), true);
  next_take_over_.resize(types_.size());
  return places;
}

Result<std::vector<StreamItem>> EventMember::look(std::span<const std::size_t> which) {
  Look look{.loads = std::vector<std::deque<LaneLoad>>(types_.size()), .left = membership_.count};
  Result<void> taken = take(look, draw_order(which));
  if (taken && std::exchange(is_first_, false)) taken = mark();
  std::vector<StreamItem> items = merge(std::move(look));
  if (!taken && items.empty()) return std::unexpected(taken.error());
  return items;
}

// A rotation: all that matters is that another one is first each time.
std::vector<std::size_t> EventMember::draw_order(std::span<const std::size_t> which) const {
  std::vector<std::size_t> order(which.begin(), which.end());
  if (order.size() <= 1) return order;
  const Id128 id = make_id(workspace_.clock().wall_now());
  const std::size_t lot = (std::size_t{id.bytes[14]} << 8) + id.bytes[15];
  std::ranges::rotate(order, order.begin() + static_cast<std::ptrdiff_t>(lot % order.size()));
  return order;
}

Result<void> EventMember::take(Look& look, std::span<const std::size_t> order) {
  if (order.empty()) return {};
  const std::size_t share = std::max<std::size_t>(look.left / order.size(), 1);
  std::vector<std::size_t> missing;
  std::vector<std::size_t> gave_all;  // of their share: they may have more
  for (const std::size_t at : order) unread_[at] = true;
  for (const std::size_t at : order) {
    // Where the group is missing it has to begin now, even when nothing more may be taken. Of all types only at first:
    // a stream that comes later begins with its first event, whenever that is.
    if (look.left == 0 && all_types_ && !is_first_) break;
    const std::size_t count = std::min(share, look.left);
    ALDIS_TRY_ASSIGN(const std::optional<std::size_t> given, read(look, at, std::nullopt, count));
    if (!given) missing.push_back(at);
    if (given && *given == count) gave_all.push_back(at);
  }
  ALDIS_TRY(make_missing(look, missing, share));
  gave_all.insert(gave_all.end(), missing.begin(), missing.end());
  for (const std::size_t at : gave_all) {
    if (look.left == 0 || order.size() == 1) break;
    ALDIS_TRY(read(look, at, std::nullopt, look.left));
  }
  return {};
}

Result<void> EventMember::mark() {
  ALDIS_TRY(ask(kAllTypesMark, 0, 1));
  return {};
}

Result<void> EventMember::make_missing(Look& look, std::span<const std::size_t> missing, std::size_t share) {
  if (missing.empty()) return {};
  std::vector<StreamCursor> cursors;
  cursors.reserve(missing.size());
  for (const std::size_t at : missing) {
    cursors.push_back(cursor_to_check(types_[at], given_place(types_[at]).value_or(EventPlace{})));
  }
  const bool has_places = given_place(types_[missing.front()]).has_value();
  ALDIS_TRY_ASSIGN(const std::vector<StreamSlice> slices, workspace_.events().read(cursors, has_places ? 1 : 0));
  for (std::size_t i = 0; i < missing.size(); ++i) {
    ALDIS_TRY_ASSIGN(const std::uint64_t start_after, start_of(missing[i], slices[i]));
    ALDIS_TRY(read(look, missing[i], start_after, std::min(share, look.left)));
  }
  return {};
}

// None: "$" or "0".
std::optional<EventPlace> EventMember::given_place(std::string_view type) const {
  if (const auto* place = std::get_if<EventPlace>(&start_)) return *place;
  const auto* position = std::get_if<ReadPosition>(&start_);
  if (position == nullptr) return std::nullopt;
  const auto named = std::ranges::lower_bound(position->streams, type, {}, &StreamPosition::type);
  return named != position->streams.end() && named->type == type ? named->after : EventPlace{};
}

Result<std::uint64_t> EventMember::start_of(std::size_t at, const StreamSlice& slice) const {
  if (all_types_ && at >= older_) return 0;
  // What came after the group's first read began is its own.
  if (std::holds_alternative<FromNew>(start_)) return (all_types_ ? heads_[at] : slice.head).last.ordinal;
  if (std::holds_alternative<FromOldest>(start_)) return slice.head.first - 1;
  const EventPlace after = given_place(types_[at]).value_or(EventPlace{});
  if (all_types_ && slice.head.last.ordinal == 0) return 0;
  ALDIS_TRY(check_is_of_stream(after, slice));
  return after.ordinal;
}

Result<GroupSlice> EventMember::ask(std::string_view type, std::optional<std::uint64_t> start_after,
                                    std::size_t count) {
  return workspace_.event_groups().read({.type = type,
                                         .group = membership_.group,
                                         .consumer = membership_.consumer,
                                         .start_after = start_after,
                                         .count = count,
                                         .take_over_after = membership_.take_over_after});
}

Result<std::optional<std::size_t>> EventMember::read(Look& look, std::size_t at,
                                                     std::optional<std::uint64_t> start_after, std::size_t count) {
  ALDIS_TRY_ASSIGN(GroupSlice slice, ask(types_[at], start_after, count));
  next_take_over_[at] = slice.next_take_over;
  if (slice.missing) return std::nullopt;
  const std::size_t given = slice.events.size();
  unread_[at] = given > 0 || count == 0;  // a store may give less than it was asked for
  look.left -= std::min(given, look.left);
  if (slice.gap || given > 0) look.loads[at].push_back({std::move(slice.gap), std::move(slice.events)});
  return given;
}

std::vector<StreamItem> EventMember::merge(Look&& look) const {
  EventMerge merge(types_.size());
  const auto load_next = [&](std::size_t at) {
    std::deque<LaneLoad>& loads = look.loads[at];
    if (loads.empty()) return;
    merge.load(at, types_[at], std::move(loads.front()));
    loads.pop_front();
  };
  for (std::size_t at = 0; at < types_.size(); ++at) load_next(at);
  std::vector<StreamItem> items;
  while (const std::optional<EventMerge::Taken> taken = merge.take(items)) {
    if (taken->lane_is_empty) load_next(taken->lane);
  }
  return items;
}

}  // namespace aldis
