#pragma once
// The keep_alive thread: renews the lease of a session, and nothing else. Owned by HeartbeatCoordinator; implemented in
// lease_keeper.cc.
//
// Model: it renews every `interval`, or every third of the lease if that is shorter. It ends when it is destroyed, when
// the incarnation has finished, and, after one call of `on_lost`, when another incarnation took over. A store that
// fails is asked again at the next interval. Destroying it from `on_lost` is allowed. Threads: one owner; `on_lost`
// runs on its own thread. Errors of `start`: resource_exhausted when there is no thread. fork: the child has no such
// thread; the destructor there leaves everything of it alone.

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>

#include "domain/heartbeat_session.h"

namespace aldis {

class LeaseKeeper {
 public:
  static Result<std::unique_ptr<LeaseKeeper>> start(std::shared_ptr<HeartbeatSession> session,
                                                    std::chrono::nanoseconds interval,
                                                    std::function<void(const Error&)> on_lost);
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

 private:
  LeaseKeeper(std::shared_ptr<HeartbeatSession> session, std::stop_source stop, std::thread thread);

  std::shared_ptr<HeartbeatSession> session_;
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace aldis
