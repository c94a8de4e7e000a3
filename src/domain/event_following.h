#pragma once
// What an EventStreamer keeps between two blocking reads of which the second goes on where the first stopped. Used by
// events.cc; implemented in event_following.cc.
//
// Model: such a read looks only at what rang since. It goes on where the other stopped if it asks for the same in every
// point but how long it waits; any other blocking read takes the place of what is kept. Threads: safe from any thread:
// who reads has what was kept for itself, and others begin anew. Errors: none.

#include <memory>
#include <string>
#include <vector>

#include "aldis/events.h"
#include "core/mutex.h"
#include "domain/event_wait.h"

namespace aldis {

class EventStreamer::Following {
 public:
  struct Read {
    Workspace workspace;  // outlives what waits in it
    std::vector<std::string> types;
    ConsumeOptions options;  // `start`: where it goes on
    EventWait wait;
  };

  // What goes on there, taken from here; else null.
  std::unique_ptr<Read> take(const std::vector<std::string>& types, const ConsumeOptions& options);
  void keep(std::unique_ptr<Read> read);

 private:
  Mutex mutex_;
  std::unique_ptr<Read> kept_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace aldis
