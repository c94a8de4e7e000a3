#include "domain/event_outlet.h"

#include <cstdint>
#include <deque>
#include <utility>

#include "core/mutex.h"
#include "core/try.h"
#include "core/worker_thread.h"

namespace aldis {

// What the thread works on. It shares this and what this shares, so that neither a workspace that does not wait for it
// nor a forked child, where the thread's share never ends, destroys what the thread uses.
class EventOutlet::Loop {
 public:
  explicit Loop(const WorkspaceParts& parts) : clock_(parts.clock), events_(parts.events) {}

  void publish(OwnEvent event);
  void run();
  // Lets the thread go on for limits::kOwnEventPatience. False: it is not done then; it ends what it is at, and begins
  // and counts nothing more.
  bool close();

 private:
  struct Attempt {
    Id128 id;
    OwnEvent event;
  };
  bool enqueue_and_wait(OwnEvent event);
  std::optional<Attempt> next();
  bool end_attempt(bool is_lost);

  const std::shared_ptr<const Clock> clock_;
  const std::shared_ptr<EventStore> events_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Attempt> queue_ ALDIS_GUARDED_BY(mutex_);
  std::uint64_t accepted_ ALDIS_GUARDED_BY(mutex_) = 0;  // events ever put into the queue
  std::uint64_t ended_ ALDIS_GUARDED_BY(mutex_) = 0;     // of them published or lost, which happens in order
  bool is_closed_ ALDIS_GUARDED_BY(mutex_) = false;
  bool is_over_ ALDIS_GUARDED_BY(mutex_) = false;  // all is published or counted: the thread counts no more
};

void EventOutlet::Loop::publish(OwnEvent event) {
  if (!enqueue_and_wait(std::move(event))) events_->count_dropped(1);
}

// False when there was no room.
bool EventOutlet::Loop::enqueue_and_wait(OwnEvent event) {
  const Id128 id = event.id ? *event.id : make_id(clock_->wall_now());
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
    const Result<EventPlace> published = events_->publish({.id = attempt->id,
                                                           .type = attempt->event.type,
                                                           .data = attempt->event.data,
                                                           .source = attempt->event.source,
                                                           .at_most = limits::kOwnEventAttempt});
    if (!end_attempt(!published)) continue;
    events_->tidy();
    if (published) events_->hand_on_dropped(limits::kOwnEventAttempt);
  }
}

// None: it is closed, and nothing is left to try.
std::optional<EventOutlet::Loop::Attempt> EventOutlet::Loop::next() {
  const MutexLock lock(mutex_);
  changed_.wait(mutex_, [this]() ALDIS_REQUIRES(mutex_) { return !queue_.empty() || is_closed_; });
  if (queue_.empty()) {
    is_over_ = true;
    changed_.notify_all();
    return std::nullopt;
  }
  Attempt attempt = std::move(queue_.front());
  queue_.pop_front();
  return attempt;
}

// Whether there is time for something else.
bool EventOutlet::Loop::end_attempt(bool is_lost) {
  const MutexLock lock(mutex_);
  if (is_lost && !is_over_) events_->count_dropped(1);
  ++ended_;
  changed_.notify_all();
  return queue_.empty() && !is_closed_;
}

bool EventOutlet::Loop::close() {
  const MutexLock lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
  changed_.wait_for(mutex_, limits::kOwnEventPatience, [this]() ALDIS_REQUIRES(mutex_) { return is_over_; });
  if (is_over_) return true;
  is_over_ = true;
  // Not what the thread is at: that may arrive.
  if (!queue_.empty()) events_->count_dropped(queue_.size());
  queue_.clear();
  return false;
}

EventOutlet::EventOutlet(Workspace::Impl& workspace, std::shared_ptr<Loop> loop, std::thread thread)
    : workspace_(workspace), loop_(std::move(loop)), thread_(std::move(thread)) {}

Result<std::unique_ptr<EventOutlet>> EventOutlet::start(Workspace::Impl& workspace) {
  auto loop = std::make_shared<Loop>(workspace.parts());
  ALDIS_TRY_ASSIGN(std::thread thread, start_worker_thread([loop] { loop->run(); }));
  return std::unique_ptr<EventOutlet>(new EventOutlet(workspace, std::move(loop), std::move(thread)));
}

EventOutlet::~EventOutlet() {
  if (workspace_.in_child()) {
    forget_worker_thread(thread_);
    return;
  }
  if (loop_->close()) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void EventOutlet::publish(OwnEvent event) { loop_->publish(std::move(event)); }

}  // namespace aldis
