#pragma once
// How a waiter sleeps until something that concerns it may have changed. Engines: src/engines/local/doorbell_waker
// (futex words), tests/fakes/ (condition variable); Redis: one subscriber connection.
//
// Model: wake-ups are hints. Take a Listening *before* reading the store; `sleep` returns at once if the topic rang
// since. It may return early or late (a killed process rings nothing): always re-read, and never sleep longer than
// `recheck_interval`. Stores ring by themselves after a change commits.
// Threads: safe from any thread.

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string_view>

namespace aldis {

struct Topic {
  enum class Kind {
    mailbox,     // signals to `agent`, broadcasts, acknowledgements and hand-backs that concern it
    heartbeats,  // records started, stopped, or beaten while not alive
    everything,
  } kind = Kind::everything;
  std::string_view agent;  // for Kind::mailbox
};

struct Listening {
  std::uint32_t channel = 0;
  std::uint32_t value = 0;
};

class Waker {
 public:
  virtual ~Waker() = default;
  virtual Listening listen(const Topic& topic) = 0;
  // Sleeps until the topic rings, `at_most` has passed, or `stop` is requested.
  virtual void sleep(const Listening& listening, std::chrono::nanoseconds at_most, const std::stop_token& stop) = 0;
  virtual std::chrono::nanoseconds recheck_interval() const = 0;
};

}  // namespace aldis
