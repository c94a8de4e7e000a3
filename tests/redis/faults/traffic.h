#pragma once
// Agents at work on a store while a test breaks it, and what may never happen meanwhile. Implemented in traffic.cc.
//
// Model: every agent is a thread; those that send and those that read have connections of their own, as separate
// processes would. They send numbered signals and broadcasts, take them, beat, and ask again and again for facts that
// stay true: a signal that waits, an agent that lives. A call may fail with `unavailable`, and otherwise as
// FaultTolerance says. It may not take longer than its deadline, and may not answer that there is nothing where there
// is something. Threads: one thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "aldis/heartbeats.h"
#include "aldis/signals.h"
#include "aldis/workspace.h"
#include "core/mutex.h"

namespace aldis::testing {

struct FaultTolerance {
  bool memory_is_full = false;    // resource_exhausted is an answer, too
  bool data_may_vanish = false;   // what was acknowledged may be lost, or come twice: counted, not wrong
  bool bytes_may_change = false;  // any answer goes; what counts is that calls end
};

struct TrafficReport {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;  // a broadcast once for each listener
  std::uint64_t failed_calls = 0;
  std::uint64_t taken_unseen = 0;  // by a call that failed: the receipt says so
  std::uint64_t lost = 0;
  std::uint64_t twice = 0;
  std::map<std::string, std::uint64_t> failures;  // by call and code
  std::chrono::nanoseconds longest_excess{0};     // of a call, over the time that it was given itself
  std::vector<std::string> wrong;                 // sentences; the first hundred

  std::string text() const;
};

class Traffic {
 public:
  // Opens the store twice, which must work.
  explicit Traffic(WorkspaceOptions options, FaultTolerance tolerance = {});
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  // Until every agent has had answers to calls that it began after this. The patience is part of the contract: within
  // seconds of the server's return.
  void wait_until_it_flows(std::chrono::seconds patience = std::chrono::seconds{20});

  // Ends the sending, waits until all that was sent is accounted for, ends the rest.
  TrafficReport end();

 private:
  // One agent: its thread, and how often it had an answer.
  struct Agent {
    std::string name;
    std::atomic<std::uint64_t> answers = 0;
    std::jthread thread;
  };
  using Agents = std::vector<std::unique_ptr<Agent>>;
  using Work = std::function<void(Agent&, CoordinationSignals&, std::stop_token)>;

  CoordinationSignals open(const Workspace& workspace, const std::string& agent);
  void add(Agents& agents, const Workspace& workspace, const std::string& name, Work work);
  void add_senders();
  void add_readers();
  void add_beater();
  void add_witness();

  // What an agent does in a round.
  void send(Agent& agent, CoordinationSignals& signals, int number);
  void call_all(Agent& agent, CoordinationSignals& signals, int number);
  void take(Agent& agent, CoordinationSignals& signals, const std::stop_token& stop);
  void ask_for_facts(Agent& agent, CoordinationSignals& signals, const HeartbeatCoordinator& heart);

  // Runs a call, measures it and sorts its failure. `limit` is what it was given itself, besides a call on the store.
  template <class Call>
  std::invoke_result_t<Call> attempt(Agent& agent, std::string_view what, std::chrono::nanoseconds limit, Call call);
  void note_end(std::string_view what, std::chrono::nanoseconds excess);
  void note_failure(std::string_view what, const Error& error);
  void note_sent(const CoordinationSignal& signal, const std::set<std::string>& readers);
  void note_delivery(const std::string& reader, const CoordinationSignal& signal);
  void note_wrong(std::string what) ALDIS_EXCLUDES(mutex_);
  void expect_fact(bool holds, std::string_view what);

  void wait_until_all_is_taken(CoordinationSignals& observer);
  void account_for_missing(CoordinationSignals& observer);
  bool is_taken(CoordinationSignals& observer, const std::string& id, const std::string& reader);
  std::map<std::string, std::set<std::string>> missing();

  const WorkspaceOptions options_;
  const FaultTolerance tolerance_;
  const Workspace writing_;
  const Workspace reading_;
  std::string fact_id_;
  Mutex mutex_;
  TrafficReport report_ ALDIS_GUARDED_BY(mutex_);
  std::map<std::string, std::set<std::string>> missing_ ALDIS_GUARDED_BY(mutex_);  // signal id: who is to have it
  std::set<std::string> seen_ ALDIS_GUARDED_BY(mutex_);                            // "READER ID" and "READER NUMBER"
  Agents senders_;
  Agents others_;
};

// That nothing was wrong, and that there was something that could have been; shows the numbers in the test's
// properties.
void expect_nothing_wrong(const TrafficReport& report);

}  // namespace aldis::testing
