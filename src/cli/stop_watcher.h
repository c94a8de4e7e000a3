#pragma once
// Watches for the signal that ends a program (`aldis run --stop-on TYPE`). Used by commands/run.cc; implemented in
// stop_watcher.cc.
//
// Model: it looks and takes nothing: the signal stays for whoever reads the mailbox. Signals that were sent before it
// was made do not count: not those that waited then, nor those that somebody held then and gave back since. A store
// that fails is tried again; it never ends the program. Threads: one thread makes and drops it; a thread of its own
// does the looking.

#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "aldis/signals.h"

namespace aldis::cli {

class StopWatcher {
 public:
  // Remembers what waits `now`. Errors: as the store's.
  static Result<StopWatcher> open(const Workspace& workspace, const std::string& agent, const std::string& type,
                                  WallTime now);
  ~StopWatcher();
  StopWatcher(StopWatcher&& other) noexcept;
  StopWatcher& operator=(StopWatcher&&) = delete;

  // Begins to look. Without a thread it never sees anything.
  void start();

  int descriptor() const { return descriptor_; }  // readable once the signal came

  // Whether this pending signal was sent after the start.
  bool heeds(const CoordinationSignal& signal) const;

 private:
  StopWatcher(CoordinationSignals signals, std::string type, std::vector<std::string> old, WallTime start);
  void watch();
  bool look();  // false: look again only after a pause

  CoordinationSignals signals_;
  std::string type_;
  std::vector<std::string> old_;  // ids that waited already
  WallTime start_;
  std::stop_source stop_;
  std::thread thread_;
  int descriptor_ = -1;  // eventfd
};

}  // namespace aldis::cli
