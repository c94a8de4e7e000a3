#pragma once
// Reading streams as a member of a consumer group. Used by events.cc; implemented in event_member.cc.
//
// Model: the store knows where the group is, so a look asks each stream for what it has for this member, in an order
// drawn by lot so that no busy stream starves another: first for an equal share, then those that gave all of it for
// more. Of all types it ends as soon as it has enough; whom it did not come to is asked by the next one. Where the
// group is missing it is made at the start that was asked for. Of all types that holds for its first read, which ends
// by making the group on a stream of no user's (kAllTypesMark) too: once it is there, a stream without the group came
// later and begins with its first event, as "$" promises. The streams are listed before the mark is looked for, so of a
// stream that came after it nothing can be skipped. Threads: one thread. Errors: failed_precondition (a start that is
// not of its stream) and the store's; an error behind events that were already given to this member is left to the next
// read, for they are its own now.

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event_merge.h"
#include "domain/event_position.h"
#include "domain/event_wait.h"

namespace aldis {

// A type that no user can name.
inline constexpr std::string_view kAllTypesMark = "@all";

struct Membership {
  std::string group;
  std::string consumer;
  std::chrono::nanoseconds take_over_after{0};
  std::size_t count = 0;
};

class EventMember final : public StreamReading {
 public:
  // `types` ascending and distinct; empty: all. `start` fits them (check_start in event_reader.h).
  static Result<EventMember> begin(Workspace::Impl& workspace, std::vector<std::string> types, ReadStart start,
                                   Membership membership);

  const std::vector<std::string>& types() const override { return types_; }
  std::vector<std::size_t> first_places() const override;
  Result<std::vector<std::size_t>> find_news() override;
  Result<std::vector<StreamItem>> look(std::span<const std::size_t> which) override;
  bool may_have_more(std::size_t stream) const override { return unread_[stream]; }
  std::chrono::nanoseconds quiet_for(std::size_t stream) const override {
    return next_take_over_[stream].value_or(limits::kQuietMax);
  }
  std::string position() const override { return {}; }

 private:
  // What one look has been given so far.
  struct Look {
    std::vector<std::deque<LaneLoad>> loads;  // of the type at the same place
    std::size_t left = 0;                     // events that it may still take
  };
  EventMember(Workspace::Impl& workspace, std::vector<std::string> types, ReadStart start, Membership membership);

  std::vector<std::size_t> draw_order(std::span<const std::size_t> which) const;
  Result<void> take(Look& look, std::span<const std::size_t> order);
  Result<void> begin_all();
  Result<void> mark();
  Result<void> make_missing(Look& look, std::span<const std::size_t> missing, std::size_t share);
  Result<std::uint64_t> start_of(std::size_t at, const StreamSlice& slice) const;
  std::optional<EventPlace> given_place(std::string_view type) const;
  Result<GroupSlice> ask(std::string_view type, std::optional<std::uint64_t> start_after, std::size_t count);
  // What came, or nothing where the group is missing.
  Result<std::optional<std::size_t>> read(Look& look, std::size_t at, std::optional<std::uint64_t> start_after,
                                          std::size_t count);
  std::vector<StreamItem> merge(Look&& look) const;

  Workspace::Impl& workspace_;
  const bool all_types_;
  ReadStart start_;
  Membership membership_;
  std::vector<std::string> types_;
  bool is_first_ = false;     // read of all types by the group, not yet marked
  std::vector<bool> unread_;  // the type at the same place was not read to its end
  std::vector<std::optional<std::chrono::nanoseconds>> next_take_over_;  // of the type at the same place
  // Of all types: each stream before it was looked at last; the first `older_` were there before the mark.
  std::vector<StreamHead> heads_;
  std::size_t older_ = 0;
};

}  // namespace aldis
