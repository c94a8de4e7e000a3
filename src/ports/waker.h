#pragma once
// How a waiter sleeps until something that concerns it may have changed. Engines: src/engines/local/doorbell (futex
// words), src/engines/redis/redis_waker (a subscriber connection), tests/fakes/memory_waker. Each sentence below has a
// test in tests/contract that runs on every engine.
//
// Model: stores ring topics by themselves after a change commits; a waiter subscribes, takes rings(), reads the store
// and sleeps: what changed since it took rings() ends the sleep. Wake-ups are hints, and may be early: always re-read.
// A lost one (a killed process rings nothing, a connection breaks) is made good by the waker within recheck_interval:
// each topic that may have changed unnoticed rings. So a waiter looks again by itself only for what falls due, and for
// what nobody rings for: the death of a process.
// Threads: safe from any thread. Errors: none; in a forked child nothing rings and sleep returns at once.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>

namespace aldis {

struct Topic {
  enum class Kind {
    mailbox,     // what the agent `name` can take changed: signals, broadcasts, hand-backs
    agent,       // the record of the agent `name` ended or began anew
    heartbeats,  // any record was started, ended, beaten while published as not alive, or renewed while as dead
    signal,      // the receipt of the signal `name` (its id without the prefix: 26 characters) changed: not by time
    approval,    // the approval request `name` (its id without the prefix) was opened or changed: not by time
    approvals,   // any was
    stream,      // the stream of the event type `name` has a new event
    streams,     // a stream became known
  } kind = Kind::heartbeats;
  std::string_view name;  // empty for heartbeats, approvals and streams
};

// Its destruction ends it. It may outlive no waker.
class Subscription {
 public:
  virtual ~Subscription() = default;
  // Changes with each ring of its topics. Take it before reading the store.
  virtual std::uint64_t rings() const = 0;
};

class Waker {
 public:
  virtual ~Waker() = default;

  // Never blocks. One that cannot hear yet (its connection is being made) rings once it can, so nothing is missed in
  // between. The names are copied.
  virtual std::unique_ptr<Subscription> subscribe(std::span<const Topic> topics) = 0;

  // Rings with every ring that any subscription of this waker hears.
  virtual const Subscription& any() const = 0;

  // Until `subscription` has rung since it said `rings`, `at_most` has passed, or `stop` is requested.
  virtual void sleep(const Subscription& subscription, std::uint64_t rings, std::chrono::nanoseconds at_most,
                     const std::stop_token& stop) = 0;

  // Within it a lost ring is made good; after it a waiter looks again for what nobody rings for.
  virtual std::chrono::nanoseconds recheck_interval() const = 0;
};

}  // namespace aldis
