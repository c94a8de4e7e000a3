#include "domain/event_following.h"

#include <utility>

namespace aldis {
namespace {

bool asks_for_the_same(const ConsumeOptions& one, const ConsumeOptions& other) {
  return one.start == other.start && one.count == other.count && one.group == other.group &&
         one.consumer == other.consumer && one.take_over_after == other.take_over_after;
}

}  // namespace

std::unique_ptr<EventStreamer::Following::Read> EventStreamer::Following::take(const std::vector<std::string>& types,
                                                                               const ConsumeOptions& options) {
  std::unique_ptr<Read> kept;
  {
    const MutexLock lock(mutex_);
    kept = std::move(kept_);
  }
  if (kept && (kept->types != types || !asks_for_the_same(kept->options, options))) kept.reset();
  return kept;
}

void EventStreamer::Following::keep(std::unique_ptr<Read> read) {
  const MutexLock lock(mutex_);
  kept_.swap(read);
}

}  // namespace aldis
