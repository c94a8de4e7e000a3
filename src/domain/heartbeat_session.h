#pragma once
// The incarnation that a HeartbeatCoordinator speaks for: what the coordinator and its keep_alive thread share. Used by
// src/domain/heartbeats.cc and lease_keeper.cc; implemented in heartbeat_session.cc.
//
// Model: empty until `start` or `join`. A record that this session started and that vanished since (a runtime directory
// that was cleaned, a pause longer than the retention) is started anew with the same incarnation by the next call,
// unless somebody else has the agent id by then. Beats and renewals are uses: they keep the agent known to broadcasts.
// Threads: safe from any thread; `start` and `join` exclude each other.
// Errors: failed_precondition while it is empty and after `finish`; conflict when another incarnation took over; plus
// the store's.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "aldis/workspace.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "ports/heartbeat_store.h"

namespace aldis {

class HeartbeatSession {
 public:
  // Who speaks: never changed once made.
  struct Voice {
    AgentStart start;
    bool started_here = false;  // and not finished since: a vanished record is started anew
  };

  explicit HeartbeatSession(Workspace workspace) : workspace_(std::move(workspace)) {}

  // already_exists if a live record has the agent id and `replace` is false.
  Result<void> start(AgentStart start, bool replace);
  // not_found, conflict or failed_precondition unless `incarnation` is the newest and not finished.
  Result<void> join(const std::string& agent_id, const Id128& incarnation);

  Result<void> beat(std::string_view status, std::optional<double> progress,
                    std::optional<std::string_view> current_task);
  Result<void> renew();
  Result<void> finish(std::string_view final_status);

  // Null before start.
  std::shared_ptr<const Voice> voice() const;
  // Whether the store has this incarnation as finished, by whomever.
  bool is_finished() const;

  Workspace::Impl& workspace() const { return *workspace_.impl(); }

 private:
  Result<void> claim(const AgentStart& start);
  // Appears, unless it did so a short while ago.
  Result<void> stay_apparent(const AgentStart& self);
  // `call` asks the store on behalf of an AgentStart; both are used in heartbeat_session.cc alone.
  template <class Call>
  Result<void> speak(const Call& call);
  template <class Call>
  Result<void> speak_once(const Voice& voice, const Call& call);

  const Workspace workspace_;
  std::atomic<BootTime> appear_at_ = BootTime{};  // a use from then on has to be told to the store
  Mutex starting_;                                // held while the store is asked; taken before mutex_
  mutable Mutex mutex_;
  std::shared_ptr<const Voice> voice_ ALDIS_GUARDED_BY(mutex_);
};

}  // namespace aldis
