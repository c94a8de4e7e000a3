#pragma once
// Where heartbeats, signals and approvals publish what happens to them, in passing. Used through own_events.h; owned by
// Workspace::Impl, which makes it for the first event; implemented in event_outlet.cc.
//
// Model: callers put events into a queue of at most limits::kOwnEventsWaiting; one thread publishes them in that order,
// tries each once and for at most limits::kOwnEventPatience. A caller waits until its event is published or lost, but
// no longer than that, so that normally the event is there when its call returns. What finds the queue full, fails, or
// takes too long is counted (EventStore::count_dropped), and that is all: nothing here fails. At the end what waits is
// tried for limits::kOwnEventPatience in all, and the rest counted.
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
  // REQUIRES: `workspace` owns the outlet and so outlives it.
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
