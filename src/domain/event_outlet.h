#pragma once
// Where heartbeats, signals and approvals publish what happens to them, in passing. Used through own_events.h; owned by
// Workspace::Impl, which makes it for the first event; implemented in event_outlet.cc.
//
// Model: callers put events into a queue of at most limits::kOwnEventsWaiting; one thread publishes them in that order
// and tries each once, for limits::kOwnEventAttempt. A caller waits until its event is published or lost, but no longer
// than limits::kOwnEventPatience, so that normally the event is there when its call returns. What finds the queue full
// or fails is counted (EventStore::count_dropped), and that is all: nothing here fails. When nothing waits, the thread
// does what the store left for later, and tells one that has to be told of the count. The end waits for
// limits::kOwnEventPatience and no longer: then what the thread has not begun is counted, and the thread is left to
// itself with what it is doing, which may still be published and is not counted. Nobody tells of a count at the end: it
// would cost a round trip.
// Threads: safe from any thread. Errors: resource_exhausted from `start`. fork: the child has no such thread; the
// destructor there touches nothing that the thread might have held.

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "core/ids.h"
#include "domain/workspace_impl.h"

namespace aldis {

struct OwnEvent {
  std::string type;
  std::string data;
  std::string source;
  // Given where several may tell of the same: most stores then keep the first alone (OutgoingEvent::id).
  std::optional<Id128> id = {};
};

class EventOutlet {
 public:
  // REQUIRES: `workspace` outlives the outlet.
  static Result<std::unique_ptr<EventOutlet>> start(Workspace::Impl& workspace);
  ~EventOutlet();
  EventOutlet(const EventOutlet&) = delete;
  EventOutlet& operator=(const EventOutlet&) = delete;

  void publish(OwnEvent event);

 private:
  class Loop;
  EventOutlet(Workspace::Impl& workspace, std::shared_ptr<Loop> loop, std::thread thread);

  Workspace::Impl& workspace_;
  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace aldis
