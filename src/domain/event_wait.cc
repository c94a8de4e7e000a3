#include "domain/event_wait.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/try.h"

namespace aldis {
namespace {

using std::chrono::nanoseconds;

// Hears the streams of a reading, each by itself, and knows when each has to be looked at without a ring.
class StreamBells {
 public:
  StreamBells(Workspace::Impl& workspace, bool all_types) : workspace_(workspace) {
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
  void put_off(std::span<const std::size_t> looked_at, const StreamReading& reading) {
    const SteadyTime now = workspace_.clock().steady_now();
    for (const std::size_t at : looked_at) {
      bells_[at].due = now + std::min(reading.quiet_for(at), limits::kQuietMax);
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

}  // namespace

Result<std::vector<StreamItem>> read_streams(Workspace::Impl& workspace, StreamReading& reading, bool all_types,
                                             std::optional<nanoseconds> block, const std::stop_token& stop) {
  const SteadyTime deadline = workspace.clock().steady_now() + block.value_or(nanoseconds::zero());
  Result<std::vector<StreamItem>> items = reading.look(reading.first_places());
  const auto is_over = [&] { return stop.stop_requested() || workspace.clock().steady_now() >= deadline; };
  if (!items || !items->empty() || is_over()) return items;
  StreamBells bells(workspace, all_types);
  bells.follow(reading.types());
  for (;;) {
    const std::uint64_t rings = bells.rings();
    const bool has_new_streams = bells.streams_became_known();
    const std::vector<std::size_t> due = bells.take_due();
    std::vector<std::size_t> places = due;
    if (has_new_streams || (all_types && due.size() > 1)) {
      ALDIS_TRY_ASSIGN(places, reading.find_news());
      bells.follow(reading.types());
    }
    items = reading.look(places);
    if (!items || !items->empty()) return items;
    bells.put_off(due, reading);
    bells.put_off(places, reading);
    if (is_over()) return items;
    bells.sleep(rings, deadline - workspace.clock().steady_now(), stop);
  }
}

}  // namespace aldis
