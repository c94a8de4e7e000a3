#pragma once
// Watches for the signal that ends a program (`aldis run --stop-on TYPE`). Used by commands/run.cc; implemented in
// stop_watcher.cc.
//
// Model: it looks and takes nothing: the signal stays for whoever reads the mailbox. Signals that waited already when
// it was made do not count. A store that fails is tried again; it never ends the program. Threads: one thread makes and
// drops it; a thread of its own does the looking.

#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "aldis/signals.h"

namespace aldis::cli {

class StopWatcher {
 public:
  // Remembers what waits now. Errors: as the store's.
  static Result<StopWatcher> open(const Workspace& workspace, const std::string& agent, const std::string& type);
  ~StopWatcher();
  StopWatcher(StopWatcher&& other) noexcept;
  StopWatcher& operator=(StopWatcher&&) = delete;

  // Begins to look. Without a thread it never sees anything.
  void start();

  int descriptor() const { return descriptor_; }  // readable once the signal came

 private:
  StopWatcher(CoordinationSignals signals, std::string type, std::vector<std::string> old);
  void watch();
  bool look();  // false: look again only after a pause

  CoordinationSignals signals_;
  std::string type_;
  std::vector<std::string> old_;  // ids that waited already
  std::stop_source stop_;
  std::thread thread_;
  int descriptor_ = -1;  // eventfd
};

}  // namespace aldis::cli
