#include "domain/event_outlet.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "core/mutex.h"
#include "core/try.h"
#include "core/worker_thread.h"

namespace aldis {

using std::chrono::nanoseconds;

// What the thread works on. It shares this, so that a forked child, where the thread's share never ends, does not
// destroy what the thread was waiting for.
class EventOutlet::Loop {
 public:
  explicit Loop(Workspace::Impl& workspace) : workspace_(workspace) {}

  void publish(OwnEvent event);
  void run();
  void close();

 private:
  struct Attempt {
    Id128 id;
    OwnEvent event;
    nanoseconds at_most{0};
  };
  bool enqueue_and_wait(OwnEvent event);
  std::optional<Attempt> next();
  void end_attempt();

  Workspace::Impl& workspace_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Attempt> queue_ ALDIS_GUARDED_BY(mutex_);
  std::uint64_t accepted_ ALDIS_GUARDED_BY(mutex_) = 0;     // events ever put into the queue
  std::uint64_t ended_ ALDIS_GUARDED_BY(mutex_) = 0;        // of them published or lost, which happens in order
  std::optional<SteadyTime> end_ ALDIS_GUARDED_BY(mutex_);  // once closed: nothing is tried after it
};

void EventOutlet::Loop::publish(OwnEvent event) {
  if (!enqueue_and_wait(std::move(event))) workspace_.events().count_dropped(1);
}

// False when there was no room.
bool EventOutlet::Loop::enqueue_and_wait(OwnEvent event) {
  const Id128 id = event.id ? *event.id : make_id(workspace_.clock().wall_now());
  const MutexLock lock(mutex_);
  if (accepted_ - ended_ >= limits::kOwnEventsWaiting) return false;
  queue_.push_back({.id = id, .event = std::move(event)});
  const std::uint64_t ticket = ++accepted_;
  changed_.notify_all();
  changed_.wait_for(mutex_, limits::kOwnEventPatience, [&]() ALDIS_REQUIRES(mutex_) { return ended_ >= ticket; });
  return true;
}

void EventOutlet::Loop::run() {
  while (const std::optional<Attempt> attempt = next()) {
    const Result<EventPlace> published = workspace_.events().publish({.id = attempt->id,
                                                                      .type = attempt->event.type,
                                                                      .data = attempt->event.data,
                                                                      .source = attempt->event.source,
                                                                      .at_most = attempt->at_most});
    if (!published) workspace_.events().count_dropped(1);
    end_attempt();
  }
}

// None: it is closed, and what could not be tried is counted.
std::optional<EventOutlet::Loop::Attempt> EventOutlet::Loop::next() {
  const MutexLock lock(mutex_);
  changed_.wait(mutex_, [this]() ALDIS_REQUIRES(mutex_) { return !queue_.empty() || end_; });
  const nanoseconds left = end_ ? *end_ - workspace_.clock().steady_now() : limits::kOwnEventPatience;
  if (queue_.empty() || left <= nanoseconds::zero()) {
    if (!queue_.empty()) workspace_.events().count_dropped(queue_.size());
    return std::nullopt;
  }
  Attempt attempt = std::move(queue_.front());
  queue_.pop_front();
  attempt.at_most = std::min(left, limits::kOwnEventPatience);
  return attempt;
}

void EventOutlet::Loop::end_attempt() {
  const MutexLock lock(mutex_);
  ++ended_;
  changed_.notify_all();
}

void EventOutlet::Loop::close() {
  const MutexLock lock(mutex_);
  end_ = workspace_.clock().steady_now() + limits::kOwnEventPatience;
  changed_.notify_all();
}

EventOutlet::EventOutlet(Workspace::Impl& workspace, std::shared_ptr<Loop> loop, std::thread thread)
    : workspace_(workspace), loop_(std::move(loop)), thread_(std::move(thread)) {}

Result<std::unique_ptr<EventOutlet>> EventOutlet::start(Workspace::Impl& workspace) {
  auto loop = std::make_shared<Loop>(workspace);
  ALDIS_TRY_ASSIGN(std::thread thread, start_worker_thread([loop] { loop->run(); }));
  return std::unique_ptr<EventOutlet>(new EventOutlet(workspace, std::move(loop), std::move(thread)));
}

EventOutlet::~EventOutlet() {
  if (workspace_.in_child()) {
    forget_worker_thread(thread_);
    return;
  }
  loop_->close();
  thread_.join();
}

void EventOutlet::publish(OwnEvent event) { loop_->publish(std::move(event)); }

}  // namespace aldis
