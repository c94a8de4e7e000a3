#include "domain/event_wait.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/try.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// So few streams are looked at as they are.
constexpr std::size_t kFewStreams = 8;

}  // namespace

// Hears the streams of a reading, each by itself, and knows when each has to be looked at without a ring.
class EventWait::Bells {
 public:
  Bells(Workspace::Impl& workspace, bool all_types) : workspace_(workspace) {
    const std::array topics{Topic{Topic::Kind::streams, {}}};
    if (all_types) new_streams_ = waker().subscribe(topics);
  }

  // From now on these too. They are due at once.
  void follow(const std::vector<std::string>& types) {
    for (std::size_t at = bells_.size(); at < types.size(); ++at) {
      const std::array topics{Topic{Topic::Kind::stream, types[at]}};
      bells_.push_back({.subscription = waker().subscribe(topics)});
    }
  }

  // Take it before asking who rang: whatever rings later ends the sleep.
  std::uint64_t rings() const { return sleeper().rings(); }

  // Each call asks for the time since the last one; the first says yes.
  bool streams_became_known() {
    if (!new_streams_) return false;
    const std::uint64_t rings = new_streams_->rings();
    return std::exchange(heard_of_new_, rings) != rings;
  }
  std::vector<std::size_t> take_due() {
    const SteadyTime now = workspace_.clock().steady_now();
    std::vector<std::size_t> due;
    for (std::size_t at = 0; at < bells_.size(); ++at) {
      Bell& bell = bells_[at];
      const std::uint64_t rings = bell.subscription->rings();
      if (std::exchange(bell.heard, rings) != rings || now >= bell.due) due.push_back(at);
    }
    return due;
  }
  // After a look there. `found`: it brought something, perhaps not all.
  void put_off(std::span<const std::size_t> looked_at, const StreamReading& reading, bool found) {
    const SteadyTime now = workspace_.clock().steady_now();
    for (const std::size_t at : looked_at) {
      const bool has_more = found && reading.may_have_more(at);
      bells_[at].due = has_more ? now : now + std::min(reading.quiet_for(at), limits::kQuietMax);
    }
  }

  void sleep(std::uint64_t rings, nanoseconds at_most, const std::stop_token& stop) {
    nanoseconds left = std::min(at_most, limits::kQuietMax);
    const SteadyTime now = workspace_.clock().steady_now();
    for (const Bell& bell : bells_) left = std::min<nanoseconds>(left, bell.due - now);
    if (left > nanoseconds::zero()) waker().sleep(sleeper(), rings, left, stop);
  }

 private:
  struct Bell {
    std::unique_ptr<Subscription> subscription;
    std::optional<std::uint64_t> heard = {};
    SteadyTime due = {};
  };

  Waker& waker() const { return workspace_.waker(); }
  // Of several, whatever rings in this process wakes: to look at counters costs less than a second subscription each.
  const Subscription& sleeper() const {
    return bells_.size() == 1 && !new_streams_ ? *bells_.front().subscription : waker().any();
  }

  Workspace::Impl& workspace_;
  std::unique_ptr<Subscription> new_streams_;  // none: the types are given
  std::optional<std::uint64_t> heard_of_new_;
  std::vector<Bell> bells_;
};

EventWait::EventWait(Workspace::Impl& workspace, std::unique_ptr<StreamReading> reading, bool all_types)
    : workspace_(workspace), reading_(std::move(reading)), all_types_(all_types) {}

EventWait::~EventWait() = default;

Result<std::vector<StreamItem>> EventWait::read(nanoseconds block, const std::stop_token& stop) {
  const SteadyTime deadline = workspace_.clock().steady_now() + block;
  const auto is_late = [&] { return workspace_.clock().steady_now() >= deadline; };
  if (!std::exchange(has_looked_, true)) {
    Result<std::vector<StreamItem>> items = read_now();
    if (!items || !items->empty() || stop.stop_requested() || is_late()) return items;
  }
  if (!bells_) {
    bells_ = std::make_unique<Bells>(workspace_, all_types_);
    bells_->follow(reading_->types());
  }
  for (bool is_last = false;;) {
    const std::uint64_t rings = bells_->rings();
    ALDIS_TRY_ASSIGN(const std::vector<std::size_t> places, is_last ? all_places() : places_after_rings());
    Result<std::vector<StreamItem>> items = reading_->look(places);
    if (!items) return items;
    bells_->put_off(places, *reading_, !items->empty());
    if (!items->empty() || is_last || stop.stop_requested()) return items;
    bells_->sleep(rings, deadline - workspace_.clock().steady_now(), stop);
    // Whoever asked to stop does not wait for a store.
    is_last = is_late() && !stop.stop_requested();
  }
}

Result<std::vector<std::size_t>> EventWait::places_after_rings() {
  const bool has_new_streams = bells_->streams_became_known();
  std::vector<std::size_t> due = bells_->take_due();
  if (!has_new_streams && (!all_types_ || due.size() <= kFewStreams)) return due;
  bells_->put_off(due, *reading_, false);
  return all_places();
}

Result<std::vector<std::size_t>> EventWait::all_places() {
  if (!all_types_) return reading_->first_places();
  ALDIS_TRY_ASSIGN(std::vector<std::size_t> places, reading_->find_news());
  bells_->follow(reading_->types());
  return places;
}

}  // namespace aldis
