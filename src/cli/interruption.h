#pragma once
// Turns SIGINT, SIGTERM and the end of a command's time into a stop request, for commands that wait. Implemented in
// interruption.cc.
//
// Model: while an Interruption lives, the two signals are blocked and a thread of its own receives them; make it before
// anything else starts a thread. The first asks to stop; whatever comes after it ends the program at once, because a
// call of the store may take long. A signal that was ignored when the program began stays ignored. Where no thread can
// be started, signals end the program as usual.

#include <signal.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "aldis/result.h"
#include "cli/reply.h"

namespace aldis::cli {

// What a command answers that SIGINT or SIGTERM cut short.
Reply cancelled_by(int signal);
// The same of the end of its time.
Reply out_of_time();

class Interruption {
 public:
  explicit Interruption(std::optional<std::chrono::nanoseconds> timeout = std::nullopt);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  bool happened() const { return signal_ != 0; }  // a signal came

  // As SIGINT: a terminal in TerminalMode hands over Ctrl-C as a character.
  void interrupt();

  // What a command that was cut short answers. REQUIRES: happened().
  Reply cancelled_reply() const;
  // What a command answers that has printed as it went, until `done`, a signal or the end of its time.
  Reply end_of_stream(const Result<void>& done) const;

 private:
  void serve(std::optional<std::chrono::nanoseconds> timeout);
  void end_at_the_next() const;

  const sigset_t heeded_;
  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> timed_out_ = false;
  int signals_ = -1;  // signalfd
  int quit_ = -1;     // eventfd
  std::thread thread_;
};

}  // namespace aldis::cli
