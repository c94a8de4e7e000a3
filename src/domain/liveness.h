#pragma once
// The rule that says in which state an agent is, and why. Pure; used by src/domain/heartbeats.cc, heartbeat_watch.cc
// and signals.cc (SourceGone). Implemented in liveness.cc.
//
// Model: in this order. A finished record is finished. Where the process can be checked, the process table decides
// between life and death, whatever the lease says; where it cannot, a lapsed lease is death. An agent that lives and
// never beat claims no progress: alive. Silence longer than the threshold is stale; silence improbable for its own
// rhythm is suspect. The moment of a deadline itself counts as past it for leases; silence must be longer than the
// stale threshold. Threads: pure functions.

#include <optional>
#include <string>

#include "ports/heartbeat_store.h"
#include "ports/process_table.h"

namespace aldis {

struct Liveness {
  AgentState state = AgentState::alive;
  std::string evidence;
  std::optional<double> suspicion;  // none for the finished and before limits::kSuspicionIntervalsMin intervals
};

Liveness derive_liveness(const HeartbeatRecord& record, ProcessEvidence process, StoreTime now,
                         std::chrono::nanoseconds stale_after);

// When the state changes next if nobody writes and the process lives on; none: never. Later than `now`.
std::optional<StoreTime> next_possible_change(const HeartbeatRecord& record, ProcessEvidence process, StoreTime now,
                                              std::chrono::nanoseconds stale_after);

// phi: -log10 of the probability that a beat arrives later than after this silence, when intervals are normally
// distributed with the rhythm's mean and deviation (at least limits::kSuspicionDeviationMin). Always finite, never
// negative, grows with the silence. None before limits::kSuspicionIntervalsMin intervals.
// Source: N. Hayashibara, X. Défago, R. Yared, T. Katayama, "The φ accrual failure detector", SRDS 2004.
std::optional<double> suspicion(const BeatRhythm& rhythm, std::chrono::nanoseconds silence);

// alive, suspect and stale ones work; dead and finished ones do not.
constexpr bool is_live(AgentState state) { return state != AgentState::dead && state != AgentState::finished; }

}  // namespace aldis
