#pragma once
// The thread that serves every on_signal of a workspace. Used by src/domain/signals.cc; owned by Workspace::Impl, made
// at the first registration; implemented in signal_pump.cc.
//
// Model: a registration is a mailbox, a filter and a callback. The thread sleeps until a mailbox concerned rings or the
// next deadline of a registration comes, then takes for each whose mailbox rang or whose deadline came, in turn, a few
// signals at most, so that a busy one does not starve the others. The others cost it nanoseconds. It ends when the pump
// goes.
// A registration ends when its stop token fires, when its owner is removed, or with the pump.
// Threads: safe from any thread, callbacks included.
// Errors: resource_exhausted from `start`. Store errors go to the registration's on_error once per outage; it is
// retried with a growing pause. fork: the child has no such thread; the destructor there touches nothing that the
// thread might have held.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "aldis/signals.h"
#include "domain/workspace_impl.h"
#include "ports/signal_store.h"

namespace aldis {

struct SignalSubscription {
  std::string agent;
  SignalFilter filter;
  std::function<void(const SignalNews&)> callback;
  std::function<void(const Error&)> on_error;  // may be empty
  std::stop_token stop;
  const void* owner = nullptr;  // whose end ends it; see remove_owner
};

class SignalPump {
 public:
  // REQUIRES: `workspace` owns the pump and so outlives it.
  static Result<std::unique_ptr<SignalPump>> start(Workspace::Impl& workspace);
  ~SignalPump();
  SignalPump(const SignalPump&) = delete;
  SignalPump& operator=(const SignalPump&) = delete;

  void add(SignalSubscription subscription);

  // Ends every registration of `owner`. No callback of it runs after this returned; from inside one of its own
  // callbacks it returns at once, and that callback is the last.
  void remove_owner(const void* owner);

 private:
  class Loop;
  SignalPump(Workspace::Impl& workspace, std::shared_ptr<Loop> loop, std::thread thread);
  bool is_own_thread() const;

  Workspace::Impl& workspace_;
  std::shared_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace aldis
