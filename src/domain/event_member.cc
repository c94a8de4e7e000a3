#include "domain/event_member.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/ids.h"
#include "core/try.h"
#include "domain/event_reader.h"

namespace aldis {

using std::chrono::nanoseconds;

EventMember::EventMember(Workspace::Impl& workspace, std::vector<std::string> types, ReadStart start,
                         Membership membership)
    : workspace_(workspace),
      all_types_(types.empty()),
      start_(std::move(start)),
      membership_(std::move(membership)),
      types_(std::move(types)),
      next_take_over_(types_.size()) {}

Result<EventMember> EventMember::begin(Workspace::Impl& workspace, std::vector<std::string> types, ReadStart start,
                                       Membership membership) {
  EventMember member(workspace, std::move(types), std::move(start), std::move(membership));
  if (member.all_types_) ALDIS_TRY(member.discover());
  member.known_at_first_ = member.types_.size();
  return member;
}

Result<void> EventMember::discover() {
  ALDIS_TRY_ASSIGN(std::vector<StreamHead> streams, find_new_streams(workspace_.events(), types_));
  for (StreamHead& stream : streams) types_.push_back(std::move(stream.type));
  next_take_over_.resize(types_.size());
  return {};
}

Result<std::vector<StreamItem>> EventMember::look(std::span<const std::size_t> which) {
  if (which.empty()) return std::vector<StreamItem>();
  Look look{.loads = std::vector<std::deque<LaneLoad>>(types_.size()), .left = membership_.count};
  const Result<void> taken = take(look, draw_order(which));
  std::vector<StreamItem> items = merge(std::move(look));
  if (!taken && items.empty()) return std::unexpected(taken.error());
  return items;
}

// A rotation: all that matters is that another one is first each time.
std::vector<std::size_t> EventMember::draw_order(std::span<const std::size_t> which) const {
  std::vector<std::size_t> order(which.begin(), which.end());
  if (order.size() == 1) return order;
  const Id128 id = make_id(workspace_.clock().wall_now());
  const std::size_t lot = (std::size_t{id.bytes[14]} << 8) + id.bytes[15];
  std::ranges::rotate(order, order.begin() + static_cast<std::ptrdiff_t>(lot % order.size()));
  return order;
}

Result<void> EventMember::take(Look& look, std::span<const std::size_t> order) {
  const std::size_t share = std::max<std::size_t>(look.left / order.size(), 1);
  std::vector<std::size_t> missing;
  std::vector<std::size_t> gave_all;  // of their share: they may have more
  for (const std::size_t at : order) {
    // Even when nothing more may be taken: where the group is missing it has to begin now.
    const std::size_t count = std::min(share, look.left);
    ALDIS_TRY_ASSIGN(const std::optional<std::size_t> given, read(look, at, std::nullopt, count));
    if (!given) missing.push_back(at);
    if (given && *given == count) gave_all.push_back(at);
  }
  ALDIS_TRY(make_missing(look, missing, missing.size() < order.size(), share));
  gave_all.insert(gave_all.end(), missing.begin(), missing.end());
  for (const std::size_t at : gave_all) {
    if (look.left == 0 || order.size() == 1) break;
    ALDIS_TRY(read(look, at, std::nullopt, look.left));
  }
  return {};
}

Result<void> EventMember::make_missing(Look& look, std::span<const std::size_t> missing, bool is_elsewhere,
                                       std::size_t share) {
  if (missing.empty()) return {};
  const std::string& only = types_[missing.front()];
  ALDIS_TRY_ASSIGN(const std::vector<StreamHead> heads,
                   workspace_.events().heads(missing.size() == 1 ? std::string_view(only) : std::string_view()));
  for (const std::size_t at : missing) {
    const bool is_new = all_types_ && (is_elsewhere || at >= known_at_first_);
    ALDIS_TRY_ASSIGN(const std::uint64_t start_after, start_of(at, heads, is_new));
    ALDIS_TRY(read(look, at, start_after, std::min(share, look.left)));
  }
  return {};
}

Result<std::uint64_t> EventMember::start_of(std::size_t at, const std::vector<StreamHead>& heads, bool is_new) const {
  const std::string& type = types_[at];
  const auto found = std::ranges::lower_bound(heads, type, {}, &StreamHead::type);
  const StreamHead head = found != heads.end() && found->type == type ? *found : StreamHead{};
  if (std::holds_alternative<FromNew>(start_)) return is_new ? 0 : head.last.ordinal;
  if (std::holds_alternative<FromOldest>(start_)) return head.first - 1;
  std::uint64_t after = 0;
  if (const auto* place = std::get_if<EventPlace>(&start_)) {
    after = place->ordinal;
  } else {
    const std::vector<StreamPosition>& streams = std::get<ReadPosition>(start_).streams;
    const auto named = std::ranges::lower_bound(streams, type, {}, &StreamPosition::type);
    if (named != streams.end() && named->type == type) after = named->after;
  }
  ALDIS_TRY(check_is_not_ahead(type, after, head.last.ordinal));
  return after;
}

Result<std::optional<std::size_t>> EventMember::read(Look& look, std::size_t at,
                                                     std::optional<std::uint64_t> start_after, std::size_t count) {
  ALDIS_TRY_ASSIGN(GroupSlice slice, workspace_.event_groups().read({.type = types_[at],
                                                                     .group = membership_.group,
                                                                     .consumer = membership_.consumer,
                                                                     .start_after = start_after,
                                                                     .count = count,
                                                                     .take_over_after = membership_.take_over_after}));
  next_take_over_[at] = slice.next_take_over.value_or(limits::kQuietMax);
  if (slice.missing) return std::nullopt;
  const std::size_t given = slice.events.size();
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
